import * as z from 'zod/mini'
import { instantOf, type LocalTime, localTimeAt } from './time-zone.ts'

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof WEEKDAYS)[number]

const minutes = z.int().check(z.minimum(0), z.maximum(1_440))

/** When a rule allows its actions. The payload of a task contains it. */
export const windowSchema = z.object({
  timeZone: z.string(),
  /** Times of a day, in minutes since midnight. If `to` is not after `from`, the opening ends on the next day. */
  opening: z.optional(z.object({ days: z.array(z.enum(WEEKDAYS)), from: minutes, to: minutes })),
  /** Local times, `2026-12-20` or `2026-12-20T18:00`, in which nothing is allowed. A date in `to` is included. */
  freezes: z.optional(z.array(z.object({ from: z.string(), to: z.string(), reason: z.string() }))),
})

export type Window = z.output<typeof windowSchema>
type Opening = NonNullable<Window['opening']>
type Freeze = NonNullable<Window['freezes']>[number]

/** Whether actions are allowed at some time, and when that changes. */
export interface WindowState {
  isOpen: boolean
  /** When it opens, or closes, in epoch milliseconds. Undefined if it never does. */
  changesAt: number | undefined
  /** Why it is closed. */
  reason?: string | undefined
}

interface Interval {
  start: number
  end: number
  reason?: string
}

/** The last state of each window, which holds until it changes: computing local times takes a third of a millisecond. */
const states = new WeakMap<Window, { state: WindowState; since: number }>()

/**
 * Returns whether a window is open at some time.
 *
 * @param now epoch milliseconds
 */
export function stateOfWindow(window: Window, now: number): WindowState {
  const known = states.get(window)
  if (known && known.since <= now && now < (known.state.changesAt ?? Number.POSITIVE_INFINITY)) return known.state
  const { timeZone, opening, freezes } = window
  const state = opening ? stateOfOpening(opening, timeZone, now) : stateOfFreezes(freezes ?? [], timeZone, now)
  states.set(window, { state, since: now })
  return state
}

/** A week, the day before it and the day after it. */
const DAYS_AROUND = { before: 1, after: 8 }

/** An opening over midnight belongs to the day on which it starts. */
function stateOfOpening({ days, from, to }: Opening, timeZone: string, now: number): WindowState {
  const today = localTimeAt(now, timeZone)
  const intervals: Interval[] = []
  for (let offset = -DAYS_AROUND.before; offset <= DAYS_AROUND.after; offset++) {
    const day = addDays(today, offset)
    if (!days.includes(weekdayOf(day))) continue
    const end = to > from ? atMinute(day, to) : atMinute(addDays(day, 1), to)
    intervals.push({
      start: instantOf(atMinute(day, from), timeZone, 'first'),
      end: instantOf(end, timeZone, 'second'),
    })
  }
  const joined = join(intervals)
  const { current, next } = find(joined, now)
  if (!current) return { isOpen: false, changesAt: next?.start }
  // The same week repeats, so an opening without a later one never ends.
  return { isOpen: true, changesAt: current === joined.at(-1) ? undefined : current.end }
}

function stateOfFreezes(freezes: readonly Freeze[], timeZone: string, now: number): WindowState {
  const intervals = freezes.map(({ from, to, reason }) => ({
    start: instantOf(parseLocal(from), timeZone, 'first'),
    end: to.includes('T')
      ? instantOf(parseLocal(to), timeZone, 'second')
      : instantOf(addDays(parseLocal(to), 1), timeZone, 'first'),
    reason,
  }))
  const { current, next } = find(join(intervals), now)
  return current
    ? { isOpen: false, changesAt: current.end, reason: current.reason }
    : { isOpen: true, changesAt: next?.start }
}

function find(intervals: readonly Interval[], now: number): Record<'current' | 'next', Interval | undefined> {
  return {
    current: intervals.find(({ start, end }) => start <= now && now < end),
    next: intervals.find(({ start }) => start > now),
  }
}

/** Joins intervals that touch or overlap, so that each ends when the state changes. */
function join(intervals: readonly Interval[]): Interval[] {
  const joined: Interval[] = []
  for (const interval of intervals.toSorted((a, b) => a.start - b.start)) {
    const last = joined.at(-1)
    if (last && interval.start <= last.end) last.end = Math.max(last.end, interval.end)
    else if (interval.end > interval.start) joined.push({ ...interval })
  }
  return joined
}

/** @param text `2026-12-20` or `2026-12-20T18:00` */
function parseLocal(text: string): LocalTime {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0] = text.split(/[-T:]/).map(Number)
  return { year, month, day, hour, minute }
}

/** Returns the start of a local day. */
function addDays({ year, month, day }: LocalTime, days: number): LocalTime {
  const date = new Date(Date.UTC(year, month - 1, day + days))
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: 0,
    minute: 0,
  }
}

/** @param minutes since midnight, at most 1,440 */
function atMinute(day: LocalTime, minutes: number): LocalTime {
  if (minutes === 1_440) return addDays(day, 1)
  return { ...day, hour: Math.floor(minutes / 60), minute: minutes % 60 }
}

function weekdayOf({ year, month, day }: LocalTime): Weekday {
  const sunday = new Date(Date.UTC(year, month - 1, day)).getUTCDay()
  return WEEKDAYS[(sunday + 6) % 7] ?? 'mon'
}
