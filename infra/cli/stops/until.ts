import { InvalidArgumentError } from 'commander'

const CLOCK = /^([01]?\d|2[0-3]):([0-5]\d)$/

/**
 * Parses the end of a stop. A time of the clock is the next one on this machine. Returns epoch milliseconds.
 *
 * @throws InvalidArgumentError
 */
export function parseUntil(text: string, _before?: unknown, now = Date.now()): number {
  const [, hours, minutes] = CLOCK.exec(text) ?? []
  if (hours !== undefined && minutes !== undefined) {
    const next = new Date(now)
    next.setHours(Number(hours), Number(minutes), 0, 0)
    if (next.getTime() <= now) next.setDate(next.getDate() + 1)
    return next.getTime()
  }
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (at > now) return at
  throw new InvalidArgumentError('It must be a time in the future, such as 18:00 or 2026-12-03T18:00+01:00.')
}
