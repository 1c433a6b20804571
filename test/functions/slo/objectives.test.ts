import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { objectivesOf } from '../../../functions/slo/objectives.ts'
import { evaluated } from './drive.ts'

const one = (indicator: unknown) => objectivesOf({ indicatorResults: [indicator] })[0]

describe('objectivesOf', () => {
  test('returns the measured value and the target of each objective', () => {
    expect(objectivesOf(evaluated)).toEqual([
      {
        name: 'Response time p95',
        metric: 'response_time_p95',
        value: 312.4,
        status: 'pass',
        score: 1,
        target: '<=400',
      },
      { name: 'error_rate', metric: 'error_rate', value: 1.2, status: 'warning', score: 0.5, target: '<1' },
    ])
  })

  test('returns no value for an objective without data, although Keptn sends 0', () => {
    const expected = { name: 'errors', metric: 'errors', value: undefined, status: 'fail', score: 0 }
    for (const success of [false, 'false'])
      expect(one({ status: 'fail', value: { metric: 'errors', value: 0, success } })).toEqual(expected)
    expect(one({ value: { metric: 'errors', value: Number.NaN, success: true } })?.value).toBeUndefined()
  })

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
    }
    const expected = [{ name: 'errors', metric: 'errors', value: 0.5, status: 'pass', score: 2, target: '<1, <=+10%' }]
    expect(objectivesOf({ indicatorResults })).toEqual(expected)
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
