import { type FailureKind, failureKinds } from '../../../../shared/failure-kinds.ts'
import { isRecord } from '../../../../shared/record.ts'
import type { CallSummary } from '../call-summary.ts'
import { asText, parseObject } from '../json-text.ts'
import { DECISION_MESSAGE } from '../policy-decisions.ts'
import { verdictOfResponse } from '../request-view.ts'
import type { StoredLine } from './logs.ts'

/**
 * Selects the lines of calls without a task: silent and rejected ones. Interactive calls log the id of their task. A status that
 * is read is a GET. Also selects what the policy decided for any call.
 */
export const LOGGED_CALLS = `{ (($.message = "direct call" || ($.message = "request" && $.method = "POST")) && $.taskId NOT EXISTS) || $.message = "${DECISION_MESSAGE}" }`

/** Returns the call of a line in the log of a webhook. Undefined for other lines, such as those of operations on tasks. */
export function loggedCall({ timestamp, message }: StoredLine, category: string): CallSummary | undefined {
  const line = parseObject(message) ?? {}
  const { message: kind, requestId, ms, outcome, reason, path } = line
  if ((kind !== 'request' && kind !== 'direct call') || typeof requestId !== 'string' || line['taskId'])
    return undefined
  const [, rest = ''] = asText(path).split(`/${category}/`)
  if (kind === 'request' && (line['method'] !== 'POST' || rest.includes('/'))) return undefined
  return {
    id: requestId,
    at: timestamp - (typeof ms === 'number' ? ms : 0),
    endedAt: timestamp,
    category,
    action: asText(line['action']) || rest,
    provider: asText(line['provider']),
    platform: '',
    connection: asText(line['connection']),
    mode: asText(line['mode']) || 'silent',
    caller: asText(line['caller']),
    orchestrator: '',
    engine: '',
    context: asText(line['context']),
    place: '',
    task: '',
    attempts: 1,
    failedAttempts: 0,
    answer: 'none',
    verdict: verdictOfResponse(statusOf(line), isRecord(outcome) ? outcome['result'] : undefined),
    text: asText(reason),
  }
}

/** A direct call has no status: the kind of its error has one. */
function statusOf({ status, kind }: Record<string, unknown>): number {
  if (typeof status === 'number') return status
  if (kind === undefined) return 200
  return isFailureKind(kind) ? failureKinds[kind].status : 500
}

function isFailureKind(kind: unknown): kind is FailureKind {
  return typeof kind === 'string' && Object.hasOwn(failureKinds, kind)
}
