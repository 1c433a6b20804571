import { type GatewayResponseOptions, ResponseType } from 'aws-cdk-lib/aws-apigateway'
import { completeChallenge } from '../../shared/agents/challenge.ts'
import { type FailureKind, failureKinds } from '../../shared/failure-kinds.ts'
import { HOW_TO_CALL } from './how-to-call.ts'

interface Problem {
  type: ResponseType
  status: number
  title: string
  /** Plain text without quotes. */
  detail: string
}

/**
 * Returns the error responses of API Gateway itself as problem+json, the format of the webhooks.
 *
 * @param agentsDomain the custom domain, if agents can sign in there
 */
export function gatewayResponses(categories: readonly string[], agentsDomain?: string): GatewayResponseOptions[] {
  const problems: Problem[] = [
    {
      // API Gateway returns this type for unknown paths.
      type: ResponseType.MISSING_AUTHENTICATION_TOKEN,
      ...failure('unknown'),
      detail: `Unknown path. ${HOW_TO_CALL} Categories: ${categories.join(', ')}.`,
    },
    {
      type: ResponseType.ACCESS_DENIED,
      ...failure('forbidden'),
      detail: 'Calls from this address are not allowed. Add it to allowedCidrs in the settings of the deployment.',
    },
    {
      type: ResponseType.WAF_FILTERED,
      ...failure('forbidden'),
      detail: 'The web ACL blocked this call, for example because of too many calls per minute from one address.',
    },
    {
      type: ResponseType.REQUEST_TOO_LARGE,
      ...failure('large'),
      detail: 'The body is larger than 256 KB. Send only the fields that the action needs.',
    },
    {
      type: ResponseType.THROTTLED,
      ...failure('limited'),
      detail: 'The rate limit is exceeded. Send the call again, or raise throttle in the settings of the deployment.',
    },
    {
      type: ResponseType.INTEGRATION_TIMEOUT,
      status: 504,
      title: 'Gateway timeout',
      detail:
        'The call took longer than 29 s, but the action may have run. Check before you repeat the call ($context.requestId).',
    },
  ]
  return [
    ...problems.map(({ type, status, ...text }) => response(type, { status, ...text }, String(status))),
    ...(agentsDomain === undefined ? [] : [challenge(agentsDomain)]),
    // These types cover several statuses; API Gateway sets the status.
    response(ResponseType.DEFAULT_4XX, {
      title: 'Bad request',
      detail: 'API Gateway rejected the call ($context.error.responseType, request $context.requestId).',
    }),
    response(ResponseType.DEFAULT_5XX, {
      title: 'Internal server error',
      detail: 'Internal error. Look for $context.requestId in the log of the API.',
    }),
  ]
}

/** Returns the response to an agent without a token: where it gets one. Only the endpoint for agents has an authorizer. */
function challenge(domain: string): GatewayResponseOptions {
  const { status, title } = failure('unauthenticated')
  const detail = 'Sign in, or send your token in the header Authorization, as Bearer and the token.'
  const answer = response(ResponseType.UNAUTHORIZED, { status, title, detail }, String(status))
  // Without scopes: their names are in the secret callers, so clients take them from the metadata.
  const value = completeChallenge('Bearer', `https://${domain}/v1/mcp`)
  return { ...answer, responseHeaders: { ...answer.responseHeaders, 'WWW-Authenticate': `'${value}'` } }
}

/** Returns the status and the title that webhooks give such a problem, too. */
function failure(kind: FailureKind): Pick<Problem, 'status' | 'title'> {
  const { status, title } = failureKinds[kind]
  return { status, title }
}

function response(type: ResponseType, problem: object, statusCode?: string): GatewayResponseOptions {
  return {
    type,
    ...(statusCode === undefined ? {} : { statusCode }),
    responseHeaders: { 'Content-Type': "'application/problem+json'", 'Cache-Control': "'no-store'" },
    templates: { 'application/json': JSON.stringify({ type: 'about:blank', ...problem }) },
  }
}
