import { audit } from '../../audit.ts'
import type { Caller } from '../../auth/callers.ts'
import { Failure, messageOf } from '../../errors.ts'
import type { WebhookResponse } from '../../http/response.ts'
import { log } from '../../log.ts'
import type { Outcome } from '../../outcome.ts'
import { redactDeep } from '../../redact.ts'
import { plainSingleLine, toPlainText } from '../../text/plain-text.ts'
import type { TaskStatus } from '../task/task-status.ts'

const PROBLEM_JSON = { 'content-type': 'application/problem+json' }
const COMMON_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/** Returns a JSON response with all secrets masked. */
export function json(statusCode: number, body: unknown, headers: Record<string, string> = {}): WebhookResponse {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', ...COMMON_HEADERS, ...headers },
    body: JSON.stringify(redactDeep(body)),
  }
}

/** Returns the response to a request to cancel a task, which is canceled unless it has ended. */
export function cancellation(status: TaskStatus, caller: Caller): WebhookResponse {
  const { taskId, action, state, verdict } = status
  const isRunning = state === 'running'
  audit.add({ action, outcome: isRunning ? 'accepted' : verdict })
  if (isRunning) log.info('task canceled', { taskId, caller: caller.name })
  return json(isRunning ? 202 : 200, status)
}

/** Returns a response of one line of text, with all secrets masked. */
export function line(statusCode: number, text: string, headers: Record<string, string> = {}): WebhookResponse {
  return {
    statusCode,
    headers: { 'content-type': 'text/plain; charset=utf-8', ...COMMON_HEADERS, ...headers },
    body: `${plainSingleLine(text)}\n`,
  }
}

/**
 * Returns the response to a silent call that ran. webhook-service only reads the status: every 2xx is a pass, so an outcome
 * with the result `fail` has status 422.
 */
export function outcomeResponse(outcome: Outcome, headers?: Record<string, string>): WebhookResponse {
  if (outcome.result !== 'fail') return json(200, outcome, headers)
  const { message, result, data, links } = outcome
  return json(
    422,
    { type: 'about:blank', title: 'Task failed', status: 422, detail: message, result, data, links },
    PROBLEM_JSON,
  )
}

/**
 * Returns the response to a call that failed, as problem+json (RFC 9457). webhook-service copies it into the message of a
 * `finished` event, where a person reads it, so it is short and says what to do.
 *
 * @param requestId identifies the request in the log
 */
export function problemResponse(error: unknown, requestId: string): WebhookResponse {
  if (!(error instanceof Failure)) {
    const detail = `The function has a bug (${messageOf(error)}). Search its log for ${requestId}.`
    return json(500, { type: 'about:blank', title: 'Internal error', status: 500, detail }, PROBLEM_JSON)
  }
  const { status, title, message, errors, retryAfter, headers } = error
  return json(
    status,
    { type: 'about:blank', title, status, detail: toPlainText(message), errors },
    { ...PROBLEM_JSON, ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }), ...headers },
  )
}
