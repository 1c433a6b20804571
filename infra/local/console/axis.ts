import type { Row } from './waterfall-row.ts'

/** A part of the time axis with a linear scale. Times are milliseconds since 1970. */
export interface AxisPart {
  from: number
  to: number
  /** In percent of the width. */
  start: number
  end: number
  /** A wait that is much longer than the rest, and drawn shorter. */
  isCompressed: boolean
}

interface Span {
  from: number
  to: number
}

/** A wait of more than this many times the rest is compressed. */
const MAX_WAIT_RATIO = 5
const MAX_COMPRESSED = 3
/** Percent of the width for a compressed wait. */
const COMPRESSED_WIDTH = 9
/** Percent of the width that stays empty on both sides. */
const MARGIN = 1

/** Divides the time between the first and the last row into parts, and compresses long waits. */
export function axisOf(rows: readonly Row[], now: number, isRunning: boolean): AxisPart[] {
  const spans = rows.flatMap((row) => spansOf(row, now))
  const busy = merge(isRunning ? [...spans, moment(now)] : spans)
  const from = busy[0]?.from ?? now
  const to = Math.max(busy.at(-1)?.to ?? now, from + 1)
  const gaps = busy.slice(1).map((span, index) => ({ from: busy[index]?.to ?? from, to: span.from }))
  const compressed: Span[] = []
  let rest = to - from
  for (const gap of gaps.sort((a, b) => lengthOf(b) - lengthOf(a)).slice(0, MAX_COMPRESSED)) {
    if (lengthOf(gap) <= MAX_WAIT_RATIO * (rest - lengthOf(gap))) break
    compressed.push(gap)
    rest -= lengthOf(gap)
  }
  const width = 100 - 2 * MARGIN - compressed.length * COMPRESSED_WIDTH
  const parts: AxisPart[] = []
  const add = (span: Span, isCompressed: boolean) => {
    const start = parts.at(-1)?.end ?? MARGIN
    const share = isCompressed ? COMPRESSED_WIDTH : (lengthOf(span) / Math.max(rest, 1)) * width
    parts.push({ ...span, start, end: start + share, isCompressed })
  }
  let at = from
  for (const gap of compressed.sort((a, b) => a.from - b.from)) {
    add({ from: at, to: gap.from }, false)
    add(gap, true)
    at = gap.to
  }
  add({ from: at, to }, false)
  return parts
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Round distances between ticks in milliseconds. */
const TICK_STEPS = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  ...[1, 2, 5, 10, 15, 30].flatMap((count) => [count * SECOND, count * MINUTE]),
  ...[1, 2, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 5, 10, 20, 50].map((count) => count * DAY),
].sort((a, b) => a - b)
/** Percent of the width that a part needs for ticks, and a tick for its label. */
const MIN_TICKED_WIDTH = 40
const LABEL_WIDTH = 9

/** Returns round times after the start of the axis, for each wide part that is not compressed. */
export function ticksOf(parts: readonly AxisPart[]): number[] {
  const origin = parts[0]?.from ?? 0
  return parts
    .filter(({ isCompressed, start, end }) => !isCompressed && end - start > MIN_TICKED_WIDTH)
    .flatMap(({ from, to, start, end }) => {
      const step = TICK_STEPS.find((step) => step >= (to - from) / 4) ?? to - from
      const margin = ((to - from) * LABEL_WIDTH) / (end - start)
      const first = Math.ceil((from + margin - origin) / step)
      const last = Math.floor((to - margin - origin) / step)
      return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => origin + (first + index) * step)
    })
}

/** Returns the times of a row that the axis must show in full. Waits may be compressed. */
function spansOf({ kind, from, to, ticks, waitUntil }: Row, now: number): Span[] {
  if (kind === 'next') return [moment(to)]
  // A job without polls works all the time.
  if (kind === 'step' || kind === 'wait' || (kind === 'polls' && ticks?.length))
    return [from, to, ...(ticks ?? []).map(({ at }) => at)].map(moment)
  return waitUntil === undefined || waitUntil > now ? [{ from, to }] : [{ from, to }, moment(waitUntil)]
}

function moment(at: number): Span {
  return { from: at, to: at }
}

function lengthOf({ from, to }: Span): number {
  return to - from
}

function merge(spans: readonly Span[]): Span[] {
  const merged: Span[] = []
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1)
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to)
    else merged.push({ ...span })
  }
  return merged
}
