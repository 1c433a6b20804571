import * as z from 'zod/mini'
import { instantOf, type LocalTime, localTimeAt } from './time-zone.ts'

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof WEEKDAYS)[number]

const DAY_MINUTES = 1_440
const minutes = z.int().check(z.minimum(0), z.maximum(DAY_MINUTES))

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

/** Whether actions are allowed at some time, and when that changes, in epoch milliseconds. */
export type WindowState =
  | {
      isOpen: true
      /** Undefined if it never closes. */
      changesAt: number | undefined
      reason?: undefined
    }
  | {
      isOpen: false
      changesAt: number
      /** Why it is closed. */
      reason?: string | undefined
    }

interface Interval {
  start: number
  end: number
}

interface FreezeInterval extends Interval {
  reason: string
}

// Computing a local time takes a third of a millisecond.
/** The last state of each window with an opening. */
const states = new WeakMap<Window, { state: WindowState; since: number }>()
/** The freezes of each window, in the order of their starts. */
const freezesOf = new WeakMap<Window, FreezeInterval[]>()

/**
 * Returns whether a window is open at some time.
 *
 * @param now epoch milliseconds
 */
export function stateOfWindow(window: Window, now: number): WindowState {
  const { opening, timeZone } = window
  if (!opening) return stateOfFreezes(window, now)
  const known = states.get(window)
  if (known && known.since <= now && now < (known.state.changesAt ?? Number.POSITIVE_INFINITY)) return known.state
  const state = stateOfOpening(opening, timeZone, now)
  states.set(window, { state, since: now })
  return state
}

function stateOfOpening(opening: Opening, timeZone: string, now: number): WindowState {
  if (isAlways(opening)) return { isOpen: true, changesAt: undefined }
  const { isInside, changesAt } = changeIn(openingsAround(now, opening, timeZone), now)
  if (changesAt === undefined) throw new Error('A window has an opening in each month.')
  return { isOpen: isInside, changesAt }
}

/** Whether the opening of each day lasts until the next one. */
function isAlways({ days, from, to }: Opening): boolean {
  return WEEKDAYS.every((weekday) => days.includes(weekday)) && (from === to || to - from === DAY_MINUTES)
}

/** A week has at least one opening, but the clocks may skip it. */
const DAYS_AFTER = 28

/** Returns the openings that may contain a time, and those that follow it. An opening over midnight belongs to the day on which it starts. */
function* openingsAround(now: number, { days, from, to }: Opening, timeZone: string): Generator<Interval> {
  const today = localTimeAt(now, timeZone)
  for (let offset = -1; offset <= DAYS_AFTER; offset++) {
    const day = addDays(today, offset)
    if (!days.includes(weekdayOf(day))) continue
    const end = to > from ? atMinute(day, to) : atMinute(addDays(day, 1), to)
    yield {
      start: instantOf(atMinute(day, from), timeZone, 'first'),
      end: instantOf(end, timeZone, 'second'),
    }
  }
}

function stateOfFreezes(window: Window, now: number): WindowState {
  const freezes = freezesOf.get(window) ?? intervalsOf(window)
  freezesOf.set(window, freezes)
  const { isInside, changesAt } = changeIn(freezes, now)
  if (!isInside) return { isOpen: true, changesAt }
  return { isOpen: false, changesAt, reason: freezes.find(({ start, end }) => start <= now && now < end)?.reason }
}

function intervalsOf({ freezes = [], timeZone }: Window): FreezeInterval[] {
  return freezes
    .map(({ from, to, reason }) => ({
      start: instantOf(parseLocal(from), timeZone, 'first'),
      end: to.includes('T')
        ? instantOf(parseLocal(to), timeZone, 'second')
        : instantOf(addDays(parseLocal(to), 1), timeZone, 'first'),
      reason,
    }))
    .toSorted((a, b) => a.start - b.start)
}

/**
 * Returns whether an interval contains a time. Then it changes at the end of that interval, and of those that touch it; otherwise, at the
 * start of the next one.
 *
 * @param intervals in the order of their starts
 */
function changeIn(
  intervals: Iterable<Interval>,
  now: number,
): { isInside: true; changesAt: number } | { isInside: false; changesAt: number | undefined } {
  let endsAt: number | undefined
  for (const { start, end } of intervals) {
    // It has ended, or the clocks skip it.
    if (end <= now || end <= start) continue
    if (start > (endsAt ?? now))
      return endsAt === undefined ? { isInside: false, changesAt: start } : { isInside: true, changesAt: endsAt }
    endsAt = Math.max(endsAt ?? end, end)
  }
  return endsAt === undefined ? { isInside: false, changesAt: undefined } : { isInside: true, changesAt: endsAt }
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

/** @param minutes since midnight */
function atMinute(day: LocalTime, minutes: number): LocalTime {
  if (minutes === DAY_MINUTES) return addDays(day, 1)
  return { ...day, hour: Math.floor(minutes / 60), minute: minutes % 60 }
}

function weekdayOf({ year, month, day }: LocalTime): Weekday {
  const sunday = new Date(Date.UTC(year, month - 1, day)).getUTCDay()
  return WEEKDAYS[(sunday + 6) % 7] ?? 'mon'
}
