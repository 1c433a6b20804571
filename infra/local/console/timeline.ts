import { describeWaiting } from '../../../shared/core/task/progress.ts'
import type { RecordedEvent } from '../../platforms/keptn/index.ts'
import type { OperationSummary } from '../cloud/index.ts'
import type { CallSummary } from './call-view.ts'
import type { Inbound } from './inbound.ts'
import type { Entry } from './journal.ts'
import type { Outgoing } from './parse-log-line.ts'

/** An entry of the timeline. Times are milliseconds since 1970. */
export interface Moment {
  at: number
  kind:
    | 'received'
    | 'responded'
    | 'started'
    | 'called'
    | 'polled'
    | 'warning'
    | 'approval'
    | 'event'
    | 'waiting'
    | 'finished'
  text: string
  detail?: string | undefined
  tone?: 'good' | 'warn' | 'bad' | undefined
  /** Number of identical consecutive entries, and the time of the last one. */
  times?: number
  lastAt?: number
  /** End of a wait. */
  until?: number | undefined
}

interface CallRecords {
  entry: Entry
  operations: readonly OperationSummary[]
  events: readonly RecordedEvent[]
  summary: CallSummary
  startedAt?: number
}

/** Returns the timeline of a call, from its first request until it ended or to its current wait. */
export function timelineOf({ entry, operations, events, summary, startedAt }: CallRecords): Moment[] {
  const moments: Moment[] = [
    ...entry.requests.flatMap(requestMoments),
    ...entry.outgoing.map(callMoment),
    ...entry.warnings.map(
      ({ at, message, reason }): Moment => ({ at, kind: 'warning', text: message, detail: reason, tone: 'warn' }),
    ),
    ...approvalMoments(operations.filter(({ type }) => type === 'CALLBACK')),
    ...events.map(({ at, event }): Moment => ({ at: Date.parse(at), kind: 'event', text: event.type })),
  ]
  const { state, waiting, endedAt, text } = summary
  if (startedAt !== undefined) moments.push({ at: startedAt, kind: 'started', text: 'Task started' })
  const timeline = mergeRepeats(moments.sort((a, b) => a.at - b.at))
  if (waiting) timeline.push({ at: Date.now(), kind: 'waiting', text: describeWaiting(waiting), until: waiting.until })
  // A call without a task ends with its response.
  if (startedAt !== undefined && endedAt !== undefined)
    timeline.push({ at: endedAt, kind: 'finished', text: state, detail: text, tone: toneOf(state) })
  return timeline
}

function requestMoments({ at, method, path, query, response }: Inbound): Moment[] {
  const received: Moment = { at, kind: 'received', text: `${method} ${path}${query ? `?${query}` : ''}` }
  if (!response) return [received]
  const { status } = response
  const tone = status >= 500 ? 'bad' : status >= 400 ? 'warn' : 'good'
  return [received, { at: response.at, kind: 'responded', text: String(status), detail: detailIn(response.body), tone }]
}

function detailIn(body: string): string | undefined {
  try {
    const { detail, message, duplicate } = JSON.parse(body)
    return detail ?? message ?? (duplicate ? 'Duplicate: nothing was started' : undefined)
  } catch {
    return undefined
  }
}

/** Places an outgoing call at its start. Its log line contains the time of the response. */
function callMoment({ at, ms, platform, method, host, path, status, step }: Outgoing): Moment {
  const polls = step === 'poll' || step === 'poll-after-stop'
  return {
    at: at - ms,
    kind: polls ? 'polled' : 'called',
    text: `${platform}: ${method} ${path ?? ''}`.trimEnd(),
    detail: `${status ?? 'no response'}, ${ms} ms${host ? `, ${host}` : ''}`,
    tone: status === undefined || status >= 500 ? 'bad' : status >= 400 ? 'warn' : undefined,
  }
}

/** An approval has a callback until the reminder, and another one until the deadline. */
function approvalMoments(callbacks: readonly OperationSummary[]): Moment[] {
  return callbacks.flatMap(({ startedAt, endedAt, status, nextAt }, at): Moment[] => {
    const requested: Moment[] =
      at === 0 ? [{ at: startedAt, kind: 'approval', text: 'Approval requested', until: nextAt }] : []
    if (endedAt === undefined) return requested
    const isLast = at === callbacks.length - 1
    const text = status === 'SUCCEEDED' ? 'Decision received' : isLast ? 'Approval expired' : 'Reminder sent'
    return [...requested, { at: endedAt, kind: 'approval', text }]
  })
}

/** Merges identical consecutive calls into one entry. */
function mergeRepeats(moments: Moment[]): Moment[] {
  const merged: Moment[] = []
  for (const moment of moments) {
    const last = merged.at(-1)
    const isSame = last && ['called', 'polled'].includes(last.kind) && last.kind === moment.kind
    if (isSame && last.text === moment.text && last.tone === moment.tone) {
      last.times = (last.times ?? 1) + 1
      last.lastAt = moment.at
      last.detail = moment.detail
    } else merged.push(moment)
  }
  return merged
}

function toneOf(state: CallSummary['state']): Moment['tone'] {
  if (state === 'pass') return 'good'
  return state === 'warning' || state === 'aborted' ? 'warn' : 'bad'
}
