import { parseDuration } from '../duration.ts'
import { Failure } from '../errors.ts'

/** What is said of the time that is evaluated. */
export interface Timeframe {
  start?: string | undefined
  end?: string | undefined
  timeframe?: string | undefined
}

/** Epoch milliseconds. */
export interface Window {
  start: number
  end: number
}

const day = 86_400_000
const longest = 366 * day

/**
 * The time that is evaluated: from start to end; or as long as the timeframe, from the start, up to the end or, with neither,
 * up to now.
 *
 * @param now epoch milliseconds: where what says no end ends
 * @throws Failure `invalid`
 */
export function resolveWindow({ start, end, timeframe }: Timeframe, now: number): Window {
  const from = start === undefined ? undefined : timeOf(start, 'input.start')
  const to = end === undefined ? undefined : timeOf(end, 'input.end')
  const length = timeframe === undefined ? undefined : lengthOf(timeframe)
  if (from !== undefined && to !== undefined && length !== undefined)
    throw wrong('input.timeframe', 'is one too many beside start and end: leave one of the three out')
  if (from === undefined && length === undefined)
    throw wrong('input.timeframe', 'is missing, and the event carries none: write timeframe (5m), or start and end')
  const until = to ?? (from === undefined || length === undefined ? now : from + length)
  const since = from ?? until - (length ?? 0)
  if (since >= until) throw wrong('input.start', 'must be before the end')
  if (until - since > longest) throw wrong('input.start', 'must be at most 366 days before the end')
  return { start: since, end: until }
}

const written = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?$/

/**
 * A time as Keptn writes it: without a zone it is in UTC, whatever the zone of this machine.
 *
 * @returns epoch milliseconds; undefined where it is no such time
 */
export function parseTime(text: unknown): number | undefined {
  const [found, zone] = typeof text === 'string' ? (written.exec(text) ?? []) : []
  const time = found === undefined ? Number.NaN : Date.parse(zone === undefined ? `${found}Z` : found)
  return Number.isFinite(time) ? time : undefined
}

function timeOf(text: string, path: string): number {
  const time = parseTime(text)
  if (time !== undefined) return time
  throw wrong(path, `must be a time such as 2026-11-24T10:00:00Z, not "${text.slice(0, 40)}"`)
}

/** As Go, and so Keptn, writes it. */
const short = /^(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?$/

/** Milliseconds of `5m`, `1h30m` or `PT5M`. */
function lengthOf(text: string): number {
  if (/^p/i.test(text)) return parseDuration(text, 'input.timeframe') * 1_000
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = (short.exec(text) ?? []).slice(1).map((n) => Number(n ?? 0))
  const length = days * day + hours * 3_600_000 + minutes * 60_000 + seconds * 1_000
  if (length > 0) return length
  throw wrong('input.timeframe', `must be a length of time such as 5m, 1h30m or PT5M, not "${text.slice(0, 40)}"`)
}

function wrong(path: string, message: string): Failure {
  return new Failure('invalid', `${path} ${message}`, { errors: [{ path, message }] })
}

/** ISO 8601, in UTC, without what is less than a second where there is nothing. */
export function formatUtc(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z')
}
