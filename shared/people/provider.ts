import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import { isSecureUrl } from '../http/secure-url.ts'
import { readConfiguration } from '../sources/id-token.ts'
import { fetchPublished } from '../sources/published.ts'

const RETRY_SECONDS = 30

const url = z.string().check(z.refine(isSecureUrl))
const names = z.optional(z.array(z.string()))
/** The parts of the configuration of a provider that a sign-in needs. */
const providerSchema = z.object({
  issuer: z.string(),
  authorization_endpoint: url,
  token_endpoint: url,
  jwks_uri: url,
  userinfo_endpoint: z.optional(url),
  scopes_supported: names,
  token_endpoint_auth_methods_supported: names,
  id_token_signing_alg_values_supported: names,
  authorization_response_iss_parameter_supported: z.optional(z.boolean()),
})

/**
 * Reads the configuration that a provider publishes. Fails for 30 seconds after a failure, without another request.
 *
 * @throws Failure `unavailable`, `misconfigured`
 */
export async function readProvider(issuer: string): Promise<z.output<typeof providerSchema>> {
  try {
    const { data } = z.safeParse(providerSchema, await readConfiguration(issuer, fetchPublished))
    if (data) return data
  } catch (error) {
    throw error instanceof Failure ? cannotSignIn(issuer, error) : error
  }
  throw new Failure('misconfigured', `People cannot sign in at ${issuer}: its configuration is not complete.`)
}

/** Returns the error for a provider that is down. The page shows it. */
export function cannotSignIn(issuer: string, cause?: Failure): Failure {
  const { host } = new URL(issuer)
  return new Failure(
    'unavailable',
    `You cannot sign in now, because ${host} does not answer. Nothing was decided. Try again in ${RETRY_SECONDS} seconds.`,
    { retryAfter: RETRY_SECONDS, cause },
  )
}
