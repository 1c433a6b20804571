import { describe, expect, it } from '@jest/globals'
import { axisOf, ticksOf } from '../../../../infra/local/console/axis.ts'
import type { Row } from '../../../../infra/local/console/waterfall-row.ts'

const MINUTE = 60_000

function rowOf(kind: Row['kind'], from: number, to: number, ticks?: number[]): Row {
  const row: Row = { key: `${kind}-${from}`, level: 0, kind, name: kind, note: '', tone: 'plain', from, to }
  return ticks ? { ...row, ticks: ticks.map((at) => ({ at, bad: false })) } : row
}

describe('the axis of a waterfall', () => {
  it('compresses a wait between polls that is much longer than the rest', () => {
    const rows = [
      rowOf('moment', 0, 0),
      rowOf('request', 0, 1_000),
      rowOf('polls', 1_000, 5 * MINUTE, [1_000, 5 * MINUTE]),
    ]
    const parts = axisOf(rows, 5 * MINUTE, false)
    expect(parts.filter(({ isCompressed }) => isCompressed)).toMatchObject([{ from: 1_000, to: 5 * MINUTE }])
  })

  it('shows a job without polls in full, because it works all the time', () => {
    const rows = [rowOf('moment', 0, 0), rowOf('request', 0, 1_000), rowOf('polls', 1_000, 5 * MINUTE, [])]
    expect(axisOf(rows, 5 * MINUTE, false)).toEqual([
      { from: 0, to: 5 * MINUTE, start: 1, end: 99, isCompressed: false },
    ])
  })

  it.each([
    [1_413, [500, 1_000]],
    [58_000, [15_000, 30_000, 45_000]],
    [5 * MINUTE, [2 * MINUTE, 4 * MINUTE]],
    [3 * 24 * 60 * MINUTE, [24 * 60 * MINUTE, 48 * 60 * MINUTE]],
  ])('labels round times of %d ms, which leave room for both ends', (length, ticks) => {
    const at = 1_700_000_000_123
    const part = { from: at, to: at + length, start: 1, end: 99, isCompressed: false }
    expect(ticksOf([part]).map((tick) => tick - at)).toEqual(ticks)
  })

  it('does not label a compressed wait or a narrow part', () => {
    const rows = [
      rowOf('request', 0, 1_000),
      rowOf('wait', 1_000, 600 * MINUTE),
      rowOf('request', 600 * MINUTE, 600 * MINUTE + 1),
    ]
    const parts = axisOf(rows, 600 * MINUTE, false)
    expect(parts.map(({ isCompressed }) => isCompressed)).toEqual([false, true, false])
    expect(ticksOf(parts)).toEqual([500])
  })
})
