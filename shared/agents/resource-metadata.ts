import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { readCallers } from '../auth/callers.ts'
import { json, problemResponse } from '../core/webhook/responses.ts'
import { Failure } from '../errors.ts'
import type { WebhookResponse } from '../http/response.ts'
import { settings } from '../settings.ts'
import { completeChallenge, METADATA_PATH, SCOPES } from './challenge.ts'

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
    const issuers = await agentIssuers()
    if (issuers.length === 0)
      throw new Failure('unknown', 'No caller accepts tokens of an OpenID provider for the endpoint for agents.')
    const metadata = {
      resource: settings.mcpUrl,
      authorization_servers: issuers,
      scopes_supported: SCOPES,
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
  if (challenge === undefined || mcpUrl === undefined || (await agentIssuers()).length === 0) return response
  return { ...response, headers: { ...response.headers, 'www-authenticate': completeChallenge(challenge, mcpUrl) } }
}

/**
 * Returns the providers whose tokens are for the endpoint, in the order of the callers, because clients prefer the first. There are
 * none without a custom domain.
 */
export async function agentIssuers(): Promise<string[]> {
  const callers = Object.values(await readCallers(false))
  const issuers = callers.flatMap(({ oidc }) => (oidc && oidc.audience === settings.mcpUrl ? [oidc.issuer] : []))
  return [...new Set(issuers)]
}
