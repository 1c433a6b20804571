import * as z from 'zod/mini'
import { issuerSchema } from '../auth/oidc.ts'
import { emailDomainOf } from '../auth/verified-email.ts'
import { readSecret } from '../aws/deployment-secrets.ts'
import { Failure } from '../errors.ts'
import { name, optional, secret, withDescription } from '../fields.ts'

const MAX_DOMAINS = 50
const isDomain = (text: string) => text === text.toLowerCase() && emailDomainOf(`name@${text}`) === text

/** The secret `people`: the OpenID provider at which people sign in to decide approvals. */
export const peopleSecret = z.strictObject({
  issuer: withDescription(issuerSchema, 'The claim iss of the tokens'),
  clientId: name('Id of the client that is registered at the provider'),
  clientSecret: secret('Secret of the client'),
  groupsClaim: optional(name('The claim with the groups of a person, such as groups')),
  domains: withDescription(
    z
      .array(z.string().check(z.refine(isDomain, { error: 'must be a domain in lower case, such as example.com' })))
      .check(z.minLength(1), z.maxLength(MAX_DOMAINS)),
    'The domains of e-mail addresses that count',
  ),
})

export type People = z.output<typeof peopleSecret>

/**
 * Returns where people sign in. Undefined if the deployment does not have the secret.
 *
 * @throws Failure `misconfigured`, `unavailable`: then no one may decide
 */
export async function readPeople(): Promise<People | undefined> {
  try {
    return await readSecret('people', peopleSecret, { missing: 'unknown' })
  } catch (error) {
    if (error instanceof Failure && error.kind === 'unknown') return undefined
    throw error
  }
}

/** Whether a text is an e-mail address with one of the domains that count. */
export function isKnownAddress(text: string, { domains }: Pick<People, 'domains'>): boolean {
  const domain = emailDomainOf(text)
  return domain !== undefined && domains.includes(domain)
}
