import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { objectivesOf } from '../../../functions/slo/objectives.ts'

const one = (indicator: unknown) => objectivesOf({ indicatorResults: [indicator] })[0]

describe('objectivesOf', () => {
  test.each([
    ['pass', 'pass'],
    ['warning', 'warning'],
    ['fail', 'fail'],
    ['failed', 'fail'],
    ['info', 'info'],
    ['splendid', 'info'],
    [undefined, 'info'],
  ])('reads the status %j as %s', (status, expected) => {
    expect(one({ displayName: 'errors', status })?.status).toBe(expected)
  })

  test('reads the numbers and lists of a form', () => {
    const indicatorResults = {
      0: {
        displayName: 'errors',
        status: 'pass',
        score: '2',
        value: { metric: 'errors', value: '0.5', success: 'true' },
        passTargets: { 0: { criteria: '<1' }, 1: { criteria: '<=+10%' } },
      },
      // Keptn sends 0 for an objective without data.
      1: { displayName: 'users', score: 0, value: { metric: 'users', value: '0', success: 'false' } },
    }
    expect(objectivesOf({ indicatorResults })).toEqual([
      { name: 'errors', metric: 'errors', value: 0.5, status: 'pass', score: 2, target: '<1, <=+10%' },
      { name: 'users', metric: 'users', value: undefined, status: 'info', score: 0 },
    ])
  })

  test('returns names on one line without control characters', () => {
    const displayName = ` errors\r\n\u202eof\u0000 ${'x'.repeat(400)}`
    expect(one({ displayName })?.name).toMatch(/^errors of x{200,}…$/)
  })

  test('ignores values of the wrong type', () => {
    expect(objectivesOf({})).toEqual([])
    expect(objectivesOf({ indicatorResults: 'none' })).toEqual([])
    const expected = { name: 'Unnamed', metric: 'Unnamed', value: undefined, status: 'info', score: 0 }
    expect(one({ value: 7, passTargets: 'all' })).toEqual(expected)
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (indicatorResults, value) => {
        for (const results of [
          indicatorResults,
          [indicatorResults],
          [{ displayName: value, value, passTargets: value }],
        ])
          for (const objective of objectivesOf({ indicatorResults: results })) {
            expect(objective.name).not.toBe('')
            expect(objective.value === undefined || Number.isFinite(objective.value)).toBe(true)
          }
      }),
    )
  })
})
