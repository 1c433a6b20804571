import type { CallFilter } from './call-filter.ts'
import type { CallStore } from './call-store.ts'
import type { CallSummary, CallVerdict } from './call-summary.ts'
import type { SourceView } from './source-views.ts'

/** How the calls of a period ended. */
export interface Overview {
  from: number
  to: number
  calls: number
  /** Calls of the period before it. */
  callsBefore: number
  /** Calls that ended with a result. The others run, were canceled, or were refused before they ran. */
  ended: number
  passed: number
  warnings: number
  failed: number
  waiting: number
  /** Answers that could not be delivered, and answers that were. */
  undelivered: number
  answered: number
  /** Calls by verdict in equal parts of the period. */
  bars: Bar[]
  actions: ActionTimes[]
  reasons: Reason[]
  platforms: PlatformTimes[]
  approvals: CallSummary[]
  /** Undefined if no sources are declared. */
  sources?: SourceView[] | undefined
}

export interface Bar {
  from: number
  to: number
  counts: { [verdict in CallVerdict]?: number }
}

/** Durations in milliseconds. */
interface ActionTimes {
  category: string
  action: string
  calls: number
  p50: number
  p95: number
}

interface Reason {
  text: string
  calls: number
  lastAt: number
}

interface PlatformTimes {
  platform: string
  connection: string
  requests: number
  failed: number
  p95: number
}

const BARS = 48
const MAX_ROWS = 8
const MAX_APPROVALS = 20

/** Computes the overview of the last milliseconds. */
export function overviewOf(store: CallStore, ms: number, now: number): Overview {
  const from = now - ms
  const filter: CallFilter = { since: from, until: now }
  const ends = store.ends(filter)
  const count = (...verdicts: CallVerdict[]) => ends.filter(({ verdict }) => verdicts.includes(verdict)).length
  const isWaiting: CallFilter = { fields: { verdict: ['waiting'] } }
  return {
    from,
    to: now,
    calls: ends.length,
    callsBefore: store.count({ since: from - ms, until: from }),
    ended: count('pass', 'warning', 'fail', 'errored'),
    passed: count('pass', 'warning'),
    warnings: count('warning'),
    failed: count('fail', 'errored'),
    waiting: store.count(isWaiting),
    undelivered: ends.filter(({ answer }) => answer === 'lost' || answer === 'unwanted').length,
    answered: ends.filter(({ answer }) => answer === 'sent').length,
    bars: barsOf(ends, from, ms),
    actions: actionTimes(ends),
    reasons: reasonsOf(ends),
    platforms: platformTimes(store.requests(from)),
    approvals: store.list(isWaiting, 0, MAX_APPROVALS),
  }
}

type End = ReturnType<CallStore['ends']>[number]

function barsOf(ends: readonly End[], from: number, ms: number): Bar[] {
  const width = ms / BARS
  const bars = Array.from({ length: BARS }, (_, index): Bar => {
    const start = from + index * width
    return { from: start, to: start + width, counts: {} }
  })
  for (const { at, verdict } of ends) {
    const bar = bars[Math.min(BARS - 1, Math.floor((at - from) / width))]
    if (bar) bar.counts[verdict] = (bar.counts[verdict] ?? 0) + 1
  }
  return bars
}

function actionTimes(ends: readonly End[]): ActionTimes[] {
  const ended = ends.flatMap(({ endedAt, verdict, ...end }) =>
    endedAt === null || verdict === 'refused' ? [] : [{ ...end, ms: endedAt - end.at }],
  )
  return [...Map.groupBy(ended, ({ category, action }) => `${category}/${action}`).values()]
    .flatMap((calls) => {
      const [first] = calls
      if (!first) return []
      const times = calls.map(({ ms }) => ms).sort((a, b) => a - b)
      const { category, action } = first
      return { category, action, calls: calls.length, p50: quantile(times, 0.5), p95: quantile(times, 0.95) }
    })
    .sort((a, b) => b.calls - a.calls)
    .slice(0, MAX_ROWS)
}

/** Groups errors by their text without numbers and ids. */
function reasonsOf(ends: readonly End[]): Reason[] {
  const failed = ends.filter(({ verdict, text }) => (verdict === 'fail' || verdict === 'errored') && text !== '')
  const byText = Map.groupBy(failed, ({ text }) => text.replace(/\b[\da-f]{8,}\b|\d+/gi, '#').slice(0, 120))
  return [...byText.values()]
    .map((calls) => ({ text: calls.at(-1)?.text ?? '', calls: calls.length, lastAt: calls.at(-1)?.at ?? 0 }))
    .sort((a, b) => b.calls - a.calls)
    .slice(0, MAX_ROWS)
}

function platformTimes(requests: ReturnType<CallStore['requests']>): PlatformTimes[] {
  const byPlatform = Map.groupBy(requests, ({ platform, connection }) => `${platform}\n${connection}`)
  return [...byPlatform.values()]
    .flatMap((all) => {
      const [first] = all
      if (!first) return []
      const times = all.map(({ ms }) => ms).sort((a, b) => a - b)
      const failed = all.filter((request) => request.failed === 1).length
      const { platform, connection } = first
      return { platform, connection, requests: all.length, failed, p95: quantile(times, 0.95) }
    })
    .sort((a, b) => b.p95 - a.p95)
    .slice(0, MAX_ROWS)
}

/** @param sorted ascending */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
