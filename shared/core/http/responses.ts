import { Failure, messageOf } from '../../errors.ts'
import type { WebhookResponse } from '../../http/response.ts'
import type { Outcome } from '../../outcome.ts'
import { redactDeep } from '../../redact.ts'
import { toPlainText } from '../../text/plain-text.ts'

const problemJson = { 'content-type': 'application/problem+json' }
const always = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/** A JSON answer; nothing secret is in it, whatever was put in. */
export function json(statusCode: number, body: unknown, headers: Record<string, string> = {}): WebhookResponse {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', ...always, ...headers },
    body: JSON.stringify(redactDeep(body)),
  }
}

/**
 * The answer to a silent call that was carried out. webhook-service takes every 2xx for a pass and every other status for a
 * failure, and never looks into the body: so what ended with `fail` is no 2xx.
 */
export function outcomeResponse(outcome: Outcome): WebhookResponse {
  if (outcome.result !== 'fail') return json(200, outcome)
  const { message, result, data, links } = outcome
  return json(
    422,
    { type: 'about:blank', title: 'It did not turn out well', status: 422, detail: message, result, data, links },
    problemJson,
  )
}

/**
 * The answer to a call that failed, as problem+json (RFC 9457). webhook-service puts it into the message of a `finished`,
 * where a person reads it: short, and it says what to do.
 *
 * @param requestId names the request in our log, for what is our own fault
 */
export function problem(error: unknown, requestId: string): WebhookResponse {
  if (!(error instanceof Failure)) {
    return json(
      500,
      {
        type: 'about:blank',
        title: 'Internal error',
        status: 500,
        detail: `This is our fault (${messageOf(error)}): look for ${requestId} in the log.`,
      },
      problemJson,
    )
  }
  const { status, title, message, errors, retryAfter, headers } = error
  return json(
    status,
    { type: 'about:blank', title, status, detail: toPlainText(message), ...(errors ? { errors } : {}) },
    {
      ...problemJson,
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      ...headers,
    },
  )
}
