import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { formatDuration, parseDuration } from '../../shared/duration.ts'
import { Failure } from '../../shared/errors.ts'

const part = fc.option(fc.nat(400), { nil: undefined })
const parts = fc.record({ weeks: part, days: part, hours: part, minutes: part, seconds: part })
type Parts = Record<'weeks' | 'days' | 'hours' | 'minutes' | 'seconds', number | undefined>
const written = ({ weeks, days, hours, minutes, seconds }: Parts) => {
  const unit = (count: number | undefined, letter: string) => (count === undefined ? '' : `${count}${letter}`)
  const time = unit(hours, 'H') + unit(minutes, 'M') + unit(seconds, 'S')
  return `P${unit(weeks, 'W')}${unit(days, 'D')}${time === '' ? '' : `T${time}`}`
}
const secondsOf = ({ weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0 }: Parts) =>
  (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds

describe('Durations', () => {
  test('parseDuration adds up all parts, in upper or lower case', () => {
    fc.assert(
      fc.property(parts, (given) => {
        fc.pre(secondsOf(given) > 0)
        expect(parseDuration(written(given), 'deadline')).toBe(secondsOf(given))
        expect(parseDuration(written(given).toLowerCase(), 'deadline')).toBe(secondsOf(given))
      }),
    )
  })

  test('parseDuration returns a positive number for any text or rejects the field', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[Pp]?[0-9TtWwDdHhMmSs.-]{0,20}$/)), (text) => {
        try {
          expect(parseDuration(text, 'the.path')).toBeGreaterThan(0)
        } catch (error) {
          expect(error).toBeInstanceOf(Failure)
          expect(error).toMatchObject({ kind: 'invalid', errors: [{ path: 'the.path' }] })
        }
      }),
      { numRuns: 500 },
    )
  })

  const invalid = ['', 'P', 'PT', '2h', 'PT0S', 'P1M', 'P1Y', 'PT-1S', 'PT1.5H', 'PT1H ']
  test.each(invalid)('parseDuration rejects %j', (text) => {
    expect(() => parseDuration(text, 'deadline')).toThrow('ISO 8601')
  })

  test('formatDuration uses the largest unit that fits', () => {
    const formatted = [45, 90, 120, 7_200, 86_400, 90_000].map(formatDuration)
    expect(formatted).toEqual(['45 s', '90 s', '2 min', '2 h', '1 d', '25 h'])
  })

  test('formatDuration keeps the exact duration', () => {
    const sizes: Record<string, number> = { s: 1, min: 60, h: 3_600, d: 86_400 }
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000_000 }), (seconds) => {
        const [count, unit = ''] = formatDuration(seconds).split(' ')
        expect(Number(count) * (sizes[unit] ?? 0)).toBe(seconds)
      }),
    )
  })
})
