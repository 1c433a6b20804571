import { InvalidArgumentError } from 'commander'
import { periodMs } from '../../local/console/call-filter.ts'

const DAY = /^\d{4}-\d\d-\d\d$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/
const DAY_MS = 86_400_000

/** Parses the start of a period: a time, the start of a day in UTC, or how long ago. Returns epoch milliseconds. */
export function parseFrom(text: string): number {
  return parse(text, 0)
}

/** Parses the end of a period: as `parseFrom`, but a day is included. */
export function parseTo(text: string): number {
  return parse(text, DAY_MS)
}

function parse(text: string, dayMs: number): number {
  const ago = periodMs(text)
  const at = ago !== undefined ? Date.now() - ago : timeOf(text, dayMs)
  if (!Number.isNaN(at)) return at
  throw new InvalidArgumentError(
    'It must be a day, such as 2026-11-30, a time with its offset from UTC, such as 2026-11-30T08:00+01:00, or how long ago, such as 30m, 24h or 7d.',
  )
}

function timeOf(text: string, dayMs: number): number {
  if (TIME.test(text)) return Date.parse(text)
  if (!DAY.test(text)) return Number.NaN
  const start = Date.parse(text)
  // The parser accepts 2026-02-30, as the second of March.
  const exists = !Number.isNaN(start) && new Date(start).toISOString().startsWith(text)
  return exists ? start + dayMs : Number.NaN
}
