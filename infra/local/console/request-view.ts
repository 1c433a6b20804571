import { nest } from '../../../shared/dotted-keys.ts'
import { Failure } from '../../../shared/errors.ts'
import type { CallRecord } from './call-record.ts'
import type { CallSummary, CallVerdict, ViewContext } from './call-summary.ts'
import type { Inbound } from './inbound.ts'
import { asText, parseObject, placeOf } from './json-text.ts'
import { platformOf } from './task-view.ts'

/** Summarizes a call without a task: a silent call, a rejected call, or a click. */
export function requestSummary(record: CallRecord, context: ViewContext): CallSummary {
  const { providerOf, titleOf, orchestratorOf, engineOf } = context
  const { id, at, requests, fields } = record
  const request = requests.at(-1)
  const [, , category = '', action = ''] = request?.path.split('/') ?? []
  const query = new URLSearchParams(request?.query)
  const sent = sentEvent(request)
  const body = bodyOf(request)
  const connection = fields?.connection ?? query.get('connection') ?? ''
  const provider = fields?.provider ?? providerOf(category, connection || 'default')
  const mode = query.get('mode') ?? 'silent'
  const caller = fields?.caller ?? ''
  // A call that was refused would have had the orchestrator of its caller.
  const orchestrator = mode === 'interactive' && caller !== '' ? (orchestratorOf?.(caller) ?? '') : ''
  return {
    id,
    at,
    endedAt: request?.response?.at,
    category,
    action,
    provider,
    platform: platformOf(record) || (titleOf?.(category, provider) ?? ''),
    connection: connection || (fields ? 'default' : ''),
    mode,
    caller,
    orchestrator,
    engine: orchestrator && engineOf(orchestrator),
    context: sent.context,
    place: sent.place,
    task: '',
    attempts: 1,
    failedAttempts: 0,
    answer: 'none',
    verdict: verdictOfResponse(request?.response?.status, body?.['result']),
    text: asText(body?.['message']) || asText(body?.['detail']),
  }
}

/** Returns the context and the place in the event that a request sends. */
function sentEvent(request: Inbound | undefined): { context: string; place: string } {
  const { shkeptncontext, context, data } = parseObject(request?.body) ?? {}
  const place = data !== null && typeof data === 'object' ? placeOf(data) : ''
  return { context: asText(shkeptncontext) || asText(context), place }
}

/** @param status undefined while there is no response */
export function verdictOfResponse(status: number | undefined, result: unknown): CallVerdict {
  if (status === undefined) return 'running'
  if (status >= 500) return 'errored'
  if (status === 422) return 'fail'
  if (status >= 400) return 'refused'
  return result === 'warning' ? 'warning' : 'pass'
}

export function bodyOf(request: Inbound | undefined): Record<string, unknown> | undefined {
  return parseObject(request?.response?.body)
}

/** Returns the body of a request as JSON, or as text if it is not valid: Keptn sends forms. */
export function jsonBodyOf({ headers, body }: Inbound): unknown {
  const isForm = /form/.test(headers['content-type'] ?? '') && !body.trimStart().startsWith('{')
  if (!isForm) return body
  try {
    return nest(new URLSearchParams(body))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return body
  }
}
