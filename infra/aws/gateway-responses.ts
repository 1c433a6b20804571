import { type GatewayResponseOptions, ResponseType } from 'aws-cdk-lib/aws-apigateway'

interface Answer {
  type: ResponseType
  status: number
  title: string
  /** What to do, in one sentence; plain text without quotes. */
  detail: string
}

/**
 * What API Gateway answers by itself, in the form of our own answers (problem+json): webhook-service shows it to a person.
 *
 * @param categories for the answer to a path that does not exist
 */
export function gatewayResponses(categories: readonly string[]): GatewayResponseOptions[] {
  const answers: Answer[] = [
    {
      // What API Gateway calls any path that it does not know.
      type: ResponseType.MISSING_AUTHENTICATION_TOKEN,
      status: 404,
      title: 'There is no such thing',
      detail: `There is nothing here: call POST /v1/<category>/<action>. The categories are ${categories.join(', ')}.`,
    },
    {
      type: ResponseType.ACCESS_DENIED,
      status: 403,
      title: 'You may not do this',
      detail: 'Calls from this address are not allowed: see allowedCidrs in the settings of the deployment.',
    },
    {
      type: ResponseType.WAF_FILTERED,
      status: 403,
      title: 'You may not do this',
      detail:
        'The firewall blocked this call: its web ACL has the rule, such as too many calls a minute from one address.',
    },
    {
      type: ResponseType.REQUEST_TOO_LARGE,
      status: 413,
      title: 'The body is too large',
      detail: 'The body is larger than 256 KB: send only the fields that the action needs.',
    },
    {
      type: ResponseType.THROTTLED,
      status: 429,
      title: 'Too many calls',
      detail: 'More calls a second than this deployment takes: send the call again, or raise throttle in its settings.',
    },
    {
      type: ResponseType.INTEGRATION_TIMEOUT,
      status: 504,
      title: 'We did not answer in time',
      detail:
        'The call took longer than 29 s and may have been done all the same: look before you repeat it ($context.requestId).',
    },
  ]
  return [
    ...answers.map(({ type, status, ...text }) => response(type, { status, ...text }, String(status))),
    // Of these there are several, so each keeps the status that API Gateway gives it.
    response(ResponseType.DEFAULT_4XX, {
      title: 'The call is not valid',
      detail: 'API Gateway refused the call ($context.error.responseType, request $context.requestId).',
    }),
    response(ResponseType.DEFAULT_5XX, {
      title: 'Internal error',
      detail: 'This is our fault: look for $context.requestId in the log of the API.',
    }),
  ]
}

function response(type: ResponseType, problem: object, statusCode?: string): GatewayResponseOptions {
  return {
    type,
    ...(statusCode === undefined ? {} : { statusCode }),
    responseHeaders: { 'Content-Type': "'application/problem+json'", 'Cache-Control': "'no-store'" },
    templates: { 'application/json': JSON.stringify({ type: 'about:blank', ...problem }) },
  }
}
