import { describeWaiting } from '../../../shared/core/task/progress.ts'
import type { RecordedEvent } from '../../platforms/keptn/index.ts'
import type { OperationSummary } from '../cloud/index.ts'
import type { CallSummary } from './call-view.ts'
import type { Inbound } from './inbound.ts'
import type { Entry } from './journal.ts'
import type { Outgoing } from './log-lines.ts'

/** What happened at a moment, or goes on now. Times are milliseconds since 1970. */
export interface Moment {
  at: number
  kind:
    | 'received'
    | 'answered'
    | 'started'
    | 'called'
    | 'polled'
    | 'trouble'
    | 'asked'
    | 'event'
    | 'waiting'
    | 'finished'
  text: string
  detail?: string | undefined
  tone?: 'good' | 'warn' | 'bad' | undefined
  /** How often, where it was the same several times in a row, and when the last time was. */
  times?: number
  lastAt?: number
  /** Until when it goes on. */
  until?: number | undefined
}

interface Told {
  entry: Entry
  operations: readonly OperationSummary[]
  events: readonly RecordedEvent[]
  summary: CallSummary
  startedAt?: number
}

/** Tells one call from its first request to its end, or to what it waits for now. */
export function timelineOf({ entry, operations, events, summary, startedAt }: Told): Moment[] {
  const moments: Moment[] = [
    ...entry.requests.flatMap(requestMoments),
    ...entry.outgoing.map(callMoment),
    ...entry.troubles.map(
      ({ at, message, reason }): Moment => ({ at, kind: 'trouble', text: message, detail: reason, tone: 'warn' }),
    ),
    ...questionMoments(operations.filter(({ type }) => type === 'CALLBACK')),
    ...events.map(({ at, event }): Moment => ({ at: Date.parse(at), kind: 'event', text: event.type })),
  ]
  const { state, waiting, endedAt, text } = summary
  if (startedAt !== undefined) moments.push({ at: startedAt, kind: 'started', text: 'Task started' })
  const told = joined(moments.sort((a, b) => a.at - b.at))
  if (waiting) told.push({ at: Date.now(), kind: 'waiting', text: describeWaiting(waiting), until: waiting.until })
  // Of a call without a task the answer is the end.
  if (startedAt !== undefined && endedAt !== undefined)
    told.push({ at: endedAt, kind: 'finished', text: state, detail: text, tone: toneOf(state) })
  return told
}

function requestMoments({ at, method, path, query, answer }: Inbound): Moment[] {
  const received: Moment = { at, kind: 'received', text: `${method} ${path}${query ? `?${query}` : ''}` }
  if (!answer) return [received]
  const { status } = answer
  const tone = status >= 500 ? 'bad' : status >= 400 ? 'warn' : 'good'
  return [received, { at: answer.at, kind: 'answered', text: String(status), detail: detailIn(answer.body), tone }]
}

function detailIn(body: string): string | undefined {
  try {
    const { detail, message, duplicate } = JSON.parse(body)
    return detail ?? message ?? (duplicate ? 'A repeat: nothing was started' : undefined)
  } catch {
    return undefined
  }
}

/** A call tells when its answer came: on a timeline it stands where it began. */
function callMoment({ at, ms, platform, method, host, path, status, step }: Outgoing): Moment {
  const polls = step === 'poll' || step === 'poll-after-stop'
  return {
    at: at - ms,
    kind: polls ? 'polled' : 'called',
    text: `${platform}: ${method} ${path ?? ''}`.trimEnd(),
    detail: `${status ?? 'no answer'}, ${ms} ms${host ? `, ${host}` : ''}`,
    tone: status === undefined || status >= 500 ? 'bad' : status >= 400 ? 'warn' : undefined,
  }
}

/** A question has a callback until people are reminded, and another one until the deadline. */
function questionMoments(callbacks: readonly OperationSummary[]): Moment[] {
  return callbacks.flatMap(({ startedAt, endedAt, status, nextAt }, at): Moment[] => {
    const asked: Moment[] = at === 0 ? [{ at: startedAt, kind: 'asked', text: 'People are asked', until: nextAt }] : []
    if (endedAt === undefined) return asked
    const isLast = at === callbacks.length - 1
    const text =
      status === 'SUCCEEDED' ? 'People have decided' : isLast ? 'Nobody has decided in time' : 'People are reminded'
    return [...asked, { at: endedAt, kind: 'asked', text }]
  })
}

/** The same call several times in a row is one moment. */
function joined(moments: Moment[]): Moment[] {
  const told: Moment[] = []
  for (const moment of moments) {
    const last = told.at(-1)
    const isSame = last && ['called', 'polled'].includes(last.kind) && last.kind === moment.kind
    if (isSame && last.text === moment.text && last.tone === moment.tone) {
      last.times = (last.times ?? 1) + 1
      last.lastAt = moment.at
      last.detail = moment.detail
    } else told.push(moment)
  }
  return told
}

function toneOf(state: CallSummary['state']): Moment['tone'] {
  if (state === 'pass') return 'good'
  return state === 'warning' || state === 'aborted' ? 'warn' : 'bad'
}
