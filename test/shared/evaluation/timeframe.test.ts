import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { formatUtc, resolveWindow } from '../../../shared/evaluation/timeframe.ts'

const now = Date.parse('2026-11-24T10:00:00Z')
const shown = (input: object) => {
  const { start, end } = resolveWindow(input, now)
  return [formatUtc(start), formatUtc(end)]
}

describe('resolveWindow', () => {
  const afternoon = '2021-01-02T15:00:00Z'
  test.each([
    [{ timeframe: '5m' }, '2026-11-24T09:55:00Z', '2026-11-24T10:00:00Z'],
    [{ timeframe: '1h30m' }, '2026-11-24T08:30:00Z', '2026-11-24T10:00:00Z'],
    [{ timeframe: '90s' }, '2026-11-24T09:58:30Z', '2026-11-24T10:00:00Z'],
    [{ timeframe: 'PT5M' }, '2026-11-24T09:55:00Z', '2026-11-24T10:00:00Z'],
    [{ timeframe: 'P1D' }, '2026-11-23T10:00:00Z', '2026-11-24T10:00:00Z'],
    [{ start: '2026-11-24T09:00:00Z' }, '2026-11-24T09:00:00Z', '2026-11-24T10:00:00Z'],
    [{ start: '2026-11-24T09:00:00Z', timeframe: '5m' }, '2026-11-24T09:00:00Z', '2026-11-24T09:05:00Z'],
    [{ end: '2026-11-24T09:00:00Z', timeframe: '5m' }, '2026-11-24T08:55:00Z', '2026-11-24T09:00:00Z'],
    [{ start: '2026-11-24T09:58:00Z', timeframe: '5m' }, '2026-11-24T09:58:00Z', '2026-11-24T10:03:00Z'],
    // Times of Keptn have no time zone.
    [{ start: '2021-01-02T15:00:00', end: '2021-01-02T15:10:00' }, '2021-01-02T15:00:00Z', '2021-01-02T15:10:00Z'],
    [{ start: '2021-01-02T15:00:00.000Z', end: '2021-01-02T16:10:00+01:00' }, afternoon, '2021-01-02T15:10:00Z'],
    [{ start: '2021-01-02T15:00', end: '2021-01-02T15:10:00.123456789Z' }, afternoon, '2021-01-02T15:10:00.123Z'],
  ])('converts %j to %s to %s', (input, start, end) => {
    expect(shown(input)).toEqual([start, end])
  })

  test.each([
    [{}, 'input.timeframe is required, because the event has no period'],
    [{ end: '2026-11-24T09:00:00Z' }, 'input.timeframe is required'],
    [{ timeframe: '5' }, 'input.timeframe must be a duration such as 5m, 1h30m or PT5M, not "5"'],
    [{ timeframe: '5 minutes' }, 'input.timeframe must be a duration'],
    [{ timeframe: '0m' }, 'input.timeframe must be a duration'],
    [{ timeframe: '-5m' }, 'input.timeframe must be a duration'],
    [{ timeframe: 'P1Y' }, 'input.timeframe must be an ISO 8601 duration'],
    [{ start: 'yesterday' }, 'input.start must be a time such as 2026-11-24T10:00:00Z, not "yesterday"'],
    [{ start: '2026-13-24T10:00:00Z' }, 'input.start must be a time'],
    [{ start: '2026-11-24' }, 'input.start must be a time'],
    [{ start: '2026-11-24T10:00:00Z' }, 'input.start must be before the end'],
    [{ start: '2026-11-24T09:00:00Z', end: '2026-11-24T08:00:00Z' }, 'input.start must be before the end'],
    [{ timeframe: '400d' }, 'input.start must be at most 366 days before the end'],
    [{ start: '2026-11-24T09:00:00Z', end: '2026-11-24T09:30:00Z', timeframe: '5m' }, 'input.timeframe cannot be'],
  ])('rejects %j: %s', (input, says) => {
    expect(() => resolveWindow(input, now)).toThrow(says)
  })

  test('returns a window of the given length', () => {
    fc.assert(
      fc.property(fc.tuple(fc.nat(300), fc.nat(23), fc.nat(59), fc.integer({ min: 1, max: 59 })), ([d, h, m, s]) => {
        const length = ((d * 24 + h) * 60 + m) * 60 + s
        for (const timeframe of [`${d}d${h}h${m}m${s}s`, `P${d}DT${h}H${m}M${s}S`]) {
          const { start, end } = resolveWindow({ timeframe }, now)
          expect(end - start).toBe(length * 1_000)
        }
      }),
    )
  })

  test('returns a window for any text or rejects the field', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[pPtT0-9dhmsDHMS:.Z+-]{0,30}$/)), (text) => {
        for (const input of [{ timeframe: text }, { start: text }, { start: '2026-01-01T00:00:00Z', end: text }]) {
          try {
            const { start, end } = resolveWindow(input, now)
            expect(start).toBeLessThan(end)
          } catch (error) {
            expect((error as Error).message).toMatch(/^input\.(timeframe|start|end) /)
          }
        }
      }),
    )
  })
})
