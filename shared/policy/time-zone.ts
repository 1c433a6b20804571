/** Local times of a time zone. Node.js 24 has no Temporal. */

/** A local date and time, without a zone. */
export interface LocalTime {
  year: number
  /** From 1. */
  month: number
  day: number
  hour: number
  minute: number
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

const formats = new Map<string, Intl.DateTimeFormat>()

/** @throws RangeError if the time zone is unknown */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known) return known
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formats.set(timeZone, format)
  return format
}

/** Whether the runtime knows a time zone: `Europe/Vienna`. */
export function isTimeZone(name: string): boolean {
  try {
    formatOf(name)
    return true
  } catch {
    return false
  }
}

/**
 * Returns the local time of an instant.
 *
 * @param instant epoch milliseconds
 */
export function localTimeAt(instant: number, timeZone: string): LocalTime {
  const parts = formatOf(timeZone).formatToParts(instant)
  const part = (name: string) => Number(parts.find(({ type }) => type === name)?.value)
  return { year: part('year'), month: part('month'), day: part('day'), hour: part('hour'), minute: part('minute') }
}

/**
 * Returns the instant of a local time. A time that the clocks skip is the moment at which they are changed.
 *
 * @param which of the two, if the clocks show the time twice
 * @returns epoch milliseconds
 */
export function instantOf(local: LocalTime, timeZone: string, which: 'first' | 'second'): number {
  const asUtc = utcOf(local)
  // Offsets are less than a day, and clocks change less than once in two days.
  const before = offsetAt(asUtc - DAY_MS, timeZone)
  const after = offsetAt(asUtc + DAY_MS, timeZone)
  const instants = [asUtc - before, asUtc - after].filter((instant) => instant + offsetAt(instant, timeZone) === asUtc)
  if (instants.length > 0) return which === 'first' ? Math.min(...instants) : Math.max(...instants)
  return changeBetween(asUtc - after, asUtc - before, timeZone)
}

/** Returns how far the local time is ahead of UTC, in milliseconds. */
function offsetAt(instant: number, timeZone: string): number {
  return utcOf(localTimeAt(instant, timeZone)) - Math.floor(instant / MINUTE_MS) * MINUTE_MS
}

/** Returns the first minute in which the clocks are changed, after `from` and at most at `to`. */
function changeBetween(from: number, to: number, timeZone: string): number {
  const offset = offsetAt(from, timeZone)
  let [unchanged, changed] = [from, to]
  while (changed - unchanged > MINUTE_MS) {
    const middle = Math.floor((unchanged + changed) / 2 / MINUTE_MS) * MINUTE_MS
    if (offsetAt(middle, timeZone) === offset) unchanged = middle
    else changed = middle
  }
  return changed
}

function utcOf({ year, month, day, hour, minute }: LocalTime): number {
  return Date.UTC(year, month - 1, day, hour, minute)
}

/**
 * Describes an instant for people.
 *
 * @example 'Monday, 2026-12-07 08:00 Europe/Vienna'
 */
export function describeTime(instant: number, timeZone: string): string {
  const { year, month, day, hour, minute } = localTimeAt(instant, timeZone)
  const weekday = new Date(Date.UTC(year, month - 1, day)).toLocaleDateString('en-US', {
    weekday: 'long',
    timeZone: 'UTC',
  })
  const two = (value: number) => String(value).padStart(2, '0')
  return `${weekday}, ${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)} ${timeZone}`
}
