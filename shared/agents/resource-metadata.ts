import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { readCallers } from '../auth/callers.ts'
import { type Oidc, scopesOf } from '../auth/oidc.ts'
import { json, problemResponse } from '../core/webhook/responses.ts'
import { Failure } from '../errors.ts'
import type { WebhookResponse } from '../http/response.ts'
import { settings } from '../settings.ts'
import { completeChallenge, METADATA_PATH } from './challenge.ts'

const CACHE_SECONDS = 300

export function isMetadataRequest({ resource }: Pick<APIGatewayProxyEvent, 'resource'>): boolean {
  return resource === METADATA_PATH
}

/**
 * Answers where a client gets a token for the endpoint. The providers are those of the callers that accept such tokens.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9728
 */
export async function metadataResponse(context: Pick<Context, 'awsRequestId'>): Promise<WebhookResponse> {
  try {
    const entries = await agentProviders()
    const [first] = entries
    if (!first)
      throw new Failure('unknown', 'No caller accepts tokens of an OpenID provider for the endpoint for agents.')
    const metadata = {
      resource: settings.mcpUrl,
      authorization_servers: [...new Set(entries.map(({ issuer }) => issuer))],
      scopes_supported: Object.values(scopesOf(first)),
      bearer_methods_supported: ['header'],
      resource_name: 'cloud-automation-webhooks',
    }
    return json(200, metadata, { 'cache-control': `public, max-age=${CACHE_SECONDS}` })
  } catch (error) {
    return problemResponse(error, context.awsRequestId)
  }
}

/** Adds to the challenge of a response where a client gets a token, and with which scopes. */
export async function withMetadataUrl(response: WebhookResponse): Promise<WebhookResponse> {
  const { 'www-authenticate': challenge } = response.headers
  const { mcpUrl } = settings
  const [first] = challenge === undefined ? [] : await agentProviders()
  if (challenge === undefined || mcpUrl === undefined || !first) return response
  const complete = completeChallenge(challenge, mcpUrl, Object.values(scopesOf(first)))
  return { ...response, headers: { ...response.headers, 'www-authenticate': complete } }
}

/**
 * Returns the providers whose tokens are for the endpoint, in the order of the callers, because clients prefer the first. There are
 * none without a custom domain.
 */
export async function agentProviders(): Promise<Oidc[]> {
  const callers = Object.values(await readCallers(false))
  return callers.flatMap(({ oidc }) => (oidc && oidc.audience === settings.mcpUrl ? [oidc] : []))
}
