import { Failure, messageOf } from '../errors.ts'
import { maskDeep } from '../redact.ts'

/** An answer as API Gateway takes it. */
export interface HttpAnswer {
  statusCode: number
  headers: Record<string, string>
  body: string
}

const always = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/** A JSON answer; nothing secret is in it, whatever was put in. */
export function json(statusCode: number, body: unknown, headers: Record<string, string> = {}): HttpAnswer {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', ...always, ...headers },
    body: JSON.stringify(maskDeep(body)),
  }
}

/**
 * The answer to a call that failed, as problem+json (RFC 9457). webhook-service puts it into the message of a `finished`,
 * where a person reads it: short, and it says what to do.
 *
 * @param requestId names the request in our log, for what is our own fault
 */
export function problem(error: unknown, requestId: string): HttpAnswer {
  if (!(error instanceof Failure)) {
    return json(
      500,
      {
        type: 'about:blank',
        title: 'Internal error',
        status: 500,
        detail: `This is our fault (${messageOf(error)}): look for ${requestId} in the log.`,
      },
      { 'content-type': 'application/problem+json' },
    )
  }
  const { status, title, message, errors, retryAfter, headers } = error
  return json(
    status,
    { type: 'about:blank', title, status, detail: message, ...(errors ? { errors } : {}) },
    {
      'content-type': 'application/problem+json',
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      ...headers,
    },
  )
}
