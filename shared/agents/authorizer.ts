import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from 'aws-lambda'
import { CREDENTIAL_HEADERS } from './forward.ts'
import { agentProviders } from './resource-metadata.ts'

/**
 * Answers the authorizer of the API, which exists only for the challenge: API Gateway renames the header `WWW-Authenticate` of
 * functions, but not of its own responses. It grants nothing: it lets each request with a credential pass, and the endpoint verifies it.
 *
 * @throws Error with the message for which API Gateway responds 401
 */
export async function admit({
  headers,
  methodArn,
}: APIGatewayRequestAuthorizerEvent): Promise<APIGatewayAuthorizerResult> {
  const names = Object.keys(headers ?? {}).map((name) => name.toLowerCase())
  const hasCredential = CREDENTIAL_HEADERS.some((name) => names.includes(name))
  // If the callers cannot be read, the endpoint answers with the reason.
  const providers = hasCredential ? [] : await agentProviders().catch(() => [])
  if (providers.length > 0) throw new Error('Unauthorized')
  return {
    principalId: 'unverified',
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: methodArn }],
    },
  }
}
