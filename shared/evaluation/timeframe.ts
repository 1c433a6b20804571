import { parseDuration } from '../duration.ts'
import { invalidInput } from '../errors.ts'

/** The period to evaluate, as the caller describes it. */
export interface Timeframe {
  start?: string | undefined
  end?: string | undefined
  timeframe?: string | undefined
}

/** Epoch milliseconds. */
export interface EvaluatedTime {
  start: number
  end: number
}

const DAY_MS = 86_400_000
const MAX_PERIOD_MS = 366 * DAY_MS

/**
 * Returns the period to evaluate: from start to end; or the length of the timeframe from the start, up to the end, or up
 * to now.
 *
 * @param now epoch milliseconds
 * @throws Failure `invalid`
 */
export function resolveWindow({ start, end, timeframe }: Timeframe, now: number): EvaluatedTime {
  const from = start === undefined ? undefined : timeOf(start, 'input.start')
  const to = end === undefined ? undefined : timeOf(end, 'input.end')
  const length = timeframe === undefined ? undefined : lengthOf(timeframe)
  if (from !== undefined && to !== undefined && length !== undefined)
    throw invalidInput('input.timeframe', 'cannot be combined with both input.start and input.end')
  if (from === undefined && length === undefined)
    throw invalidInput(
      'input.timeframe',
      'is required, because the event has no period: send a timeframe such as 5m, or start and end',
    )
  const until = to ?? (from === undefined || length === undefined ? now : from + length)
  const since = from ?? until - (length ?? 0)
  if (since >= until) throw invalidInput('input.start', 'must be before the end')
  if (until - since > MAX_PERIOD_MS) throw invalidInput('input.start', 'must be at most 366 days before the end')
  return { start: since, end: until }
}

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?$/

/**
 * Parses a time as Keptn writes it. Defaults to UTC, independent of the machine's time zone.
 *
 * @returns epoch milliseconds; undefined if the text is not a time
 * @example parseTime('2026-11-27T17:00:00Z')
 */
export function parseTime(text: unknown): number | undefined {
  const [found, zone] = typeof text === 'string' ? (ISO_TIME.exec(text) ?? []) : []
  const time = found === undefined ? Number.NaN : Date.parse(zone === undefined ? `${found}Z` : found)
  return Number.isFinite(time) ? time : undefined
}

function timeOf(text: string, path: string): number {
  const time = parseTime(text)
  if (time !== undefined) return time
  throw invalidInput(path, `must be a time such as 2026-11-24T10:00:00Z, not "${text.slice(0, 40)}"`)
}

/** The format of Go, and so of Keptn. */
const GO_DURATION = /^(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?$/

/** Returns the milliseconds of `5m`, `1h30m` or `PT5M`. */
function lengthOf(text: string): number {
  if (/^p/i.test(text)) return parseDuration(text, 'input.timeframe') * 1_000
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = (GO_DURATION.exec(text) ?? [])
    .slice(1)
    .map((n) => Number(n ?? 0))
  const length = days * DAY_MS + hours * 3_600_000 + minutes * 60_000 + seconds * 1_000
  if (length > 0) return length
  throw invalidInput('input.timeframe', `must be a duration such as 5m, 1h30m or PT5M, not "${text.slice(0, 40)}"`)
}

/**
 * Returns ISO 8601 in UTC, without milliseconds if they are zero.
 *
 * @example formatUtc(0) // '1970-01-01T00:00:00Z'
 */
export function formatUtc(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z')
}
