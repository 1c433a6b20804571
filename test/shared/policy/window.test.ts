import { describe, expect, test } from '@jest/globals'
import { instantOf, isTimeZone, localTimeAt } from '../../../shared/policy/time-zone.ts'
import { stateOfWindow, type Weekday, type Window } from '../../../shared/policy/window.ts'

const VIENNA = 'Europe/Vienna'
const at = (text: string) => Date.parse(text)
const iso = (instant: number | undefined) => (instant === undefined ? undefined : new Date(instant).toISOString())
const local = (text: string) => {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = text.split(/[-T:]/).map(Number)
  return { year, month, day, hour, minute }
}
const stateOfOpening = (opening: Window['opening'], timeZone: string, now: number) =>
  stateOfWindow({ timeZone, opening }, now)
const workdays: Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri']
const daily: Weekday[] = [...workdays, 'sat', 'sun']

describe('A local time', () => {
  test.each([
    ['2026-07-01T08:00', 'first', '2026-07-01T06:00:00.000Z'],
    ['2026-12-01T08:00', 'second', '2026-12-01T07:00:00.000Z'],
    // The clocks skip 02:00 to 03:00 on 29 March, and show them twice on 25 October.
    ['2026-03-29T02:30', 'first', '2026-03-29T01:00:00.000Z'],
    ['2026-03-29T02:30', 'second', '2026-03-29T01:00:00.000Z'],
    ['2026-10-25T02:30', 'first', '2026-10-25T00:30:00.000Z'],
    ['2026-10-25T02:30', 'second', '2026-10-25T01:30:00.000Z'],
  ] as const)('%s, the %s one, is the instant %s', (text, which, expected) => {
    expect(iso(instantOf(local(text), VIENNA, which))).toBe(expected)
  })

  test.each(['Pacific/Apia', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'UTC'])(
    'returns to itself in %s, for each hour of a year',
    (timeZone) => {
      for (let instant = at('2026-01-01T00:00:00Z'); instant < at('2027-01-01T00:00:00Z'); instant += 3_600_000) {
        const time = localTimeAt(instant, timeZone)
        expect([instantOf(time, timeZone, 'first'), instantOf(time, timeZone, 'second')]).toContain(instant)
      }
    },
  )

  test('needs a time zone that the runtime knows', () => {
    expect([isTimeZone(VIENNA), isTimeZone('UTC'), isTimeZone('Europe/Wien'), isTimeZone('')]).toEqual([
      true,
      true,
      false,
      false,
    ])
  })
})

describe('A rule with opening hours', () => {
  const opening = { days: workdays, from: 8 * 60, to: 17 * 60 }
  test.each([
    ['on a Monday at 07:59', '2026-11-30T06:59:59Z', false, '2026-11-30T07:00:00.000Z'],
    ['on a Monday at 08:00', '2026-11-30T07:00:00Z', true, '2026-11-30T16:00:00.000Z'],
    ['on a Monday at 17:00', '2026-11-30T16:00:00Z', false, '2026-12-01T07:00:00.000Z'],
    ['on a Friday evening', '2026-12-04T18:00:00Z', false, '2026-12-07T07:00:00.000Z'],
    ['on the weekend when summer time starts', '2026-03-28T12:00:00Z', false, '2026-03-30T06:00:00.000Z'],
  ])('%s', (_, now, isOpen, changesAt) => {
    const state = stateOfOpening(opening, VIENNA, at(now))
    expect([state.isOpen, iso(state.changesAt)]).toEqual([isOpen, changesAt])
  })

  test('has its state at each time, even if the same window is evaluated again and the clock is set back', () => {
    const window: Window = { timeZone: VIENNA, opening }
    const times = ['2026-11-30T07:00:00Z', '2026-11-30T15:59:59Z', '2026-11-30T16:00:00Z', '2026-12-01T06:59:59Z']
    const isOpen = (time: string) => stateOfWindow(window, at(time)).isOpen
    expect(times.map(isOpen)).toEqual([true, true, false, false])
    expect(times.toReversed().map(isOpen)).toEqual([false, false, true, true])
  })

  test('over midnight belongs to the day on which it starts', () => {
    const night = { days: ['fri' as const], from: 22 * 60, to: 4 * 60 }
    const states = ['2026-12-04T02:00:00Z', '2026-12-04T21:30:00Z', '2026-12-05T02:00:00Z', '2026-12-05T03:00:00Z'].map(
      (now) => stateOfOpening(night, VIENNA, at(now)),
    )
    expect(states.map(({ isOpen }) => isOpen)).toEqual([false, true, true, false])
    expect(iso(states[1]?.changesAt)).toBe('2026-12-05T03:00:00.000Z')
  })

  test('contains the hour that the clocks show twice, and not the one that they skip', () => {
    const early = { days: daily, from: 2 * 60, to: 3 * 60 }
    const hours = (day: string, timesOfDay: string[]) =>
      timesOfDay.map((time) => stateOfOpening(early, VIENNA, at(`${day}T${time}:00Z`)).isOpen)
    expect(hours('2026-10-25', ['00:30', '01:30', '02:30'])).toEqual([true, true, false])
    expect(hours('2026-03-29', ['00:30', '01:30'])).toEqual([false, false])
  })

  test('of which the clocks skip one opening is closed until the next one, and no state is stored longer', () => {
    const maintenance: Window = { timeZone: VIENNA, opening: { days: ['sun'], from: 2 * 60, to: 3 * 60 } }
    const times = ['2027-03-21T01:30:00Z', '2027-03-21T13:00:00Z', '2027-03-28T00:30:00Z', '2027-04-04T00:30:00Z']
    const states = times.map((time) => stateOfWindow(maintenance, at(time)))
    expect(states.map(({ isOpen, changesAt }) => [isOpen, iso(changesAt)])).toEqual([
      [true, '2027-03-21T02:00:00.000Z'],
      [false, '2027-04-04T00:00:00.000Z'],
      [false, '2027-04-04T00:00:00.000Z'],
      [true, '2027-04-04T01:00:00.000Z'],
    ])
  })

  test('on all days at all times is always open, and has no next change', () => {
    const always = stateOfOpening({ days: daily, from: 0, to: 1_440 }, VIENNA, at('2026-12-31T23:30:00Z'))
    expect(always).toEqual({ isOpen: true, changesAt: undefined })
  })
})

describe('A rule with freezes', () => {
  const freezes = [
    { from: '2026-12-20', to: '2027-01-04', reason: 'Year-end closing' },
    { from: '2026-11-27T18:00', to: '2026-11-28T06:00', reason: 'Migration' },
  ]
  test.each([
    ['before them', '2026-11-20T12:00:00Z', true, undefined, '2026-11-27T17:00:00.000Z'],
    ['in one with times', '2026-11-27T17:00:00Z', false, 'Migration', '2026-11-28T05:00:00.000Z'],
    ['at the first second of a day', '2026-12-19T23:00:00Z', false, 'Year-end closing', '2027-01-04T23:00:00.000Z'],
    ['in the new year', '2027-01-04T22:59:59Z', false, 'Year-end closing', '2027-01-04T23:00:00.000Z'],
    ['after them', '2027-01-04T23:00:00Z', true, undefined, undefined],
  ])('%s', (_, now, isOpen, reason, changesAt) => {
    const state = stateOfWindow({ timeZone: VIENNA, freezes }, at(now))
    expect([state.isOpen, state.reason, iso(state.changesAt)]).toEqual([isOpen, reason, changesAt])
  })

  test('that overlap closes until the end of the last one, and shows the reason of that time', () => {
    const window: Window = {
      timeZone: 'UTC',
      freezes: [
        { from: '2026-12-24', to: '2027-01-01', reason: 'Holidays' },
        { from: '2026-12-20', to: '2026-12-26', reason: 'Sale' },
      ],
    }
    const states = ['2026-12-21T12:00:00Z', '2026-12-28T12:00:00Z'].map((time) => stateOfWindow(window, at(time)))
    const changesAt = at('2027-01-02T00:00:00Z')
    expect(states).toEqual([
      { isOpen: false, changesAt, reason: 'Sale' },
      { isOpen: false, changesAt, reason: 'Holidays' },
    ])
  })
})
