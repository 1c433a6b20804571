import { describe, expect, test } from '@jest/globals'
import { stateOfWindow, WEEKDAYS, type Window } from '../../../shared/policy/window.ts'

// A second implementation judges the windows of the first one. It knows each time at which the clocks of a time zone are changed, and
// finds what is open from the definition in docs/policy.md, without a calendar.

const MINUTE = 60_000
const DAY = 86_400_000
const [FROM, TO] = [Date.UTC(2020, 0, 1), Date.UTC(2030, 0, 1)]

/** A time in which the clocks of a zone are ahead of UTC by the same offset. */
interface Period {
  start: number
  end: number
  offset: number
}

interface Interval {
  start: number
  end: number
  reason?: string
}

/** Returns numbers from 0 to 1, the same for each run. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function offsetOf(timeZone: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, timeZoneName: 'longOffset' })
  return (instant) => {
    const [, sign, hours = 0, minutes = 0] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(format.format(instant)) ?? []
    return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE
  }
}

/** Returns the periods of ten years, and of some weeks before and after. */
function periodsOf(timeZone: string): Period[] {
  const offsetAt = offsetOf(timeZone)
  const periods = [
    { start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY, offset: offsetAt(FROM - 60 * DAY) },
  ]
  for (let time = FROM - 60 * DAY; time < TO + 60 * DAY; time += 7 * DAY) {
    let last = periods.at(-1)
    while (last && offsetAt(time) !== last.offset) {
      const { offset } = last
      let [before, after] = [Math.max(last.start, time - 7 * DAY), time]
      while (after - before > MINUTE) {
        const middle = Math.floor((before + after) / 2 / MINUTE) * MINUTE
        if (offsetAt(middle) === offset) before = middle
        else after = middle
      }
      last.end = after
      last = { start: after, end: Number.POSITIVE_INFINITY, offset: offsetAt(after) }
      periods.push(last)
    }
  }
  return periods
}

/** Returns the first time at which the clocks show a local time, or a later one. */
function firstAt(local: number, periods: readonly Period[]): number {
  return Math.min(
    ...periods.map(({ start, end, offset }) => {
      const instant = Math.max(start, local - offset)
      return instant < end ? instant : Number.POSITIVE_INFINITY
    }),
  )
}

/** Returns the last time at which the clocks show a local time. If they skip it, the time at which they do. */
function lastAt(local: number, periods: readonly Period[]): number {
  const shown = periods.flatMap(({ start, end, offset }) => {
    const instant = local - offset
    return instant >= start && instant < end ? [instant] : []
  })
  return shown.at(-1) ?? firstAt(local, periods)
}

/** Returns whether intervals contain a time, when this changes, and the reason. */
function judge(intervals: readonly Interval[], now: number) {
  const at = (time: number) => intervals.find(({ start, end }) => start <= time && time < end)
  const changes = intervals
    .flatMap(({ start, end }) => [start, end])
    .filter((time) => time > now)
    .sort((a, b) => a - b)
  return {
    isInside: at(now) !== undefined,
    changesAt: changes.find((time) => (at(time) === undefined) !== (at(now) === undefined)),
    reasons: intervals.flatMap(({ start, end, reason }) => (start <= now && now < end ? [reason] : [])),
  }
}

/** The local midnight of a day as if it were in UTC. */
const midnightOf = (instant: number, { offset }: Period) => Math.floor((instant + offset) / DAY) * DAY

function openingsOf({ days, from, to }: NonNullable<Window['opening']>, midnight: number, periods: readonly Period[]) {
  return Array.from({ length: 60 }, (_, index) => midnight + (index - 20) * DAY).flatMap((day): Interval[] => {
    const weekday = WEEKDAYS[(new Date(day).getUTCDay() + 6) % 7] ?? 'mon'
    if (!days.includes(weekday)) return []
    const end = day + (to > from ? to : to + 1_440) * MINUTE
    return [{ start: firstAt(day + from * MINUTE, periods), end: lastAt(end, periods) }]
  })
}

const zones = [...Intl.supportedValuesOf('timeZone'), 'UTC'].map((name) => ({ name, periods: periodsOf(name) }))
/** Each change of the clocks of each time zone. */
const changes = zones.flatMap(({ name, periods }) =>
  periods.flatMap((after, index) => {
    const before = periods[index - 1]
    if (!before || after.start < FROM || after.start >= TO) return []
    // Only those around matter, and they are few.
    return [{ name, periods: periods.slice(Math.max(0, index - 3), index + 4), before, after }]
  }),
)

const text = (local: number) => new Date(local).toISOString().slice(0, 16)

describe('The clocks of all time zones', () => {
  test('are changed in many ways, and the judge knows them', () => {
    const hours = new Set(changes.map(({ before, after }) => (after.offset - before.offset) / 3_600_000))
    expect([...hours]).toEqual(expect.arrayContaining([-2, -1, -0.5, 0.5, 1, 2]))
    expect(changes.length).toBeGreaterThan(1_000)
    const vienna = changes.filter(({ name }) => name === 'Europe/Vienna').map(({ after }) => text(after.start))
    expect(vienna.slice(-2)).toEqual(['2029-03-25T01:00', '2029-10-28T01:00'])
  })
})

describe('At each change of the clocks in ten years', () => {
  test('a window with one opening a week is open, and changes, as docs/policy.md says', () => {
    const random = randomFrom(1)
    const wrong: unknown[] = []
    for (const { name, periods, before, after } of changes) {
      const local = after.start + before.offset
      const minuteOf = (time: number) => Math.floor((((time % DAY) + DAY) % DAY) / MINUTE)
      // The minutes that they skip, or show twice.
      const [first = 0, last = 0] = [local, local + after.offset - before.offset].sort((a, b) => a - b)
      // Around the time at which they are changed, most often inside the minutes that they skip or show twice.
      const shift = () => Math.round((random() - 0.3) * 8) * 15 * MINUTE
      const [from, end] = [minuteOf(local + shift()), minuteOf(local + shift())]
      const days = [WEEKDAYS[(new Date(local - (random() < 0.3 ? DAY : 0)).getUTCDay() + 6) % 7] ?? 'mon']
      const openings = [
        { days, from, to: end },
        { days, from: minuteOf(first), to: minuteOf(last) || 1_440 },
        {
          days: random() < 0.5 ? [...WEEKDAYS] : days,
          from: minuteOf(local),
          to: minuteOf(local + 3_600_000) || 1_440,
        },
      ]
      for (const opening of openings.filter((one) => one.from !== one.to && random() < 0.5)) {
        const window: Window = { timeZone: name, opening }
        const expected = openingsOf(opening, midnightOf(after.start, before), periods)
        const times = [-7.3, -6.99, -3, -0.01, 0, 0.05, 0.9]
        for (const days of times) {
          const now = after.start + Math.round(days * 1_440) * MINUTE
          const state = stateOfWindow(window, now)
          const { isInside, changesAt } = judge(expected, now)
          if (state.isOpen !== isInside || state.changesAt !== changesAt)
            wrong.push({ name, opening, now: text(now), state, isInside, changesAt })
        }
      }
    }
    expect(wrong.slice(0, 3)).toEqual([])
  })

  test('a freeze starts and ends as docs/policy.md says, even if it overlaps another one', () => {
    const random = randomFrom(2)
    const wrong: unknown[] = []
    for (const { name, periods, before, after } of changes) {
      const local = Math.floor((after.start + before.offset) / MINUTE) * MINUTE
      const near = () => local + Math.round((random() - 0.5) * 16) * 15 * MINUTE
      const days = [near(), near()].sort((a, b) => a - b)
      const times = [near(), near(), near(), near()].sort((a, b) => a - b)
      const [first = 0, second = 0, third = 0, fourth = 0] = times
      const freezes = [
        { from: text(first), to: text(third), reason: 'first' },
        { from: text(second), to: text(fourth), reason: 'second' },
        ...(random() < 0.3
          ? days.map((day) => ({ from: text(day).slice(0, 10), to: text(day).slice(0, 10), reason: 'day' }))
          : []),
      ]
      const expected = freezes.map(({ from, to, reason }) => ({
        start: firstAt(Date.parse(`${from.padEnd(16, 'T00:00')}Z`), periods),
        end: to.includes('T')
          ? lastAt(Date.parse(`${to}Z`), periods)
          : firstAt(Date.parse(`${to}T00:00Z`) + DAY, periods),
        reason,
      }))
      for (const now of [-DAY, -90 * MINUTE, -15 * MINUTE, 0, 20 * MINUTE, 70 * MINUTE, DAY].map(
        (ms) => after.start + ms,
      )) {
        const state = stateOfWindow({ timeZone: name, freezes }, now)
        const { isInside, changesAt, reasons } = judge(expected, now)
        const isReason = state.isOpen || reasons.includes(state.reason)
        if (state.isOpen === isInside || state.changesAt !== changesAt || !isReason)
          wrong.push({ name, freezes, now: text(now), state, isInside, changesAt, reasons })
      }
    }
    expect(wrong.slice(0, 3)).toEqual([])
  })

  test('in an opening that lasts the entire day, nothing changes', () => {
    for (const { name, after } of changes) {
      const opening = { days: [...WEEKDAYS], from: 120, to: 120 }
      expect(stateOfWindow({ timeZone: name, opening }, after.start)).toEqual({ isOpen: true, changesAt: undefined })
    }
  })
})
