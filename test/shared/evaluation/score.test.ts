import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { PreviousEvaluation } from '../../../shared/evaluation/previous-evaluations.ts'
import { type MeasuredIndicator, scoreByFile, scoreByPlatform, scoreEach } from '../../../shared/evaluation/score.ts'
import { readSloFile } from '../../../shared/evaluation/slo-file.ts'

/** `[{criteria: ["<600"]}]` of `<600`; `or` separates sets, `and` separates criteria. */
const sets = (text: string) => (text === '' ? [] : text.split(' or ').map((set) => ({ criteria: set.split(' and ') })))

interface Objective {
  pass?: string
  warning?: string
  weight?: number
  key?: boolean
  value: number | undefined
  /** Values and statuses of previous evaluations, newest first. */
  previous?: [value: number, status?: string][]
}

interface Case {
  what: string
  objectives: Objective[]
  total?: { pass: string; warning?: string }
  comparison?: object
  statuses: string[]
  score: number
  result: string
}

const total = { pass: '90%', warning: '75%' }
const several = (more: object = {}) => ({ compare_with: 'several_results', ...more })

async function scored({ objectives, total: totalScore = total, comparison }: Case) {
  const file = await readSloFile(
    {
      ...(comparison ? { comparison } : {}),
      objectives: objectives.map(({ pass = '', warning = '', weight = 1, key = false }, at) => ({
        ...{ sli: `sli-${at}`, pass: sets(pass), warning: sets(warning), weight, key_sli: key },
      })),
      total_score: totalScore,
    },
    'sloFile',
  )
  const measured: MeasuredIndicator[] = objectives.map(({ value }, at) => ({ name: `sli-${at}`, value }))
  const count = Math.max(...objectives.map(({ previous = [] }) => previous.length))
  const previous = Array.from(
    { length: count },
    (_, turn): PreviousEvaluation => ({
      id: `previous-${turn}`,
      result: 'pass',
      measured: objectives.flatMap(({ previous: values = [] }, at) => {
        const [value, status = 'pass'] = values[turn] ?? []
        return value === undefined ? [] : [{ metric: `sli-${at}`, value, status }]
      }),
    }),
  )
  return scoreByFile(file, measured, previous, 'errored')
}

/**
 * Computed by hand from Keptn's documentation and the source of lighthouse-service.
 *
 * @see https://keptn.sh/docs/1.0.x/define/slo/ weights, key SLIs, total score
 * @see https://github.com/keptn/keptn/blob/master/lighthouse-service/event_handler/evaluate_sli_handler.go
 */
const cases: Case[] = [
  {
    what: 'all pass: 1/1 = 100 %',
    objectives: [{ pass: '<600', value: 599.9 }],
    ...{ statuses: ['pass'], score: 100, result: 'pass' },
  },
  {
    what: 'a value at its limit fails < and meets the warning <=: 0.5/1 = 50 %',
    objectives: [{ pass: '<600', warning: '<=600', value: 600 }],
    ...{ statuses: ['warning'], score: 50, result: 'fail' },
  },
  {
    what: 'a pass and a warning: (1 + 0.5)/2 = 75 %, which is just enough for a warning',
    objectives: [
      { pass: '<600', warning: '<800', value: 700 },
      { pass: '<1', value: 0.5 },
    ],
    ...{ statuses: ['warning', 'pass'], score: 75, result: 'warning' },
  },
  {
    what: 'weights: (0 + 2)/3 = 66.67 %',
    objectives: [
      { pass: '<600', value: 700 },
      { pass: '<1', value: 0.5, weight: 2 },
    ],
    ...{ statuses: ['fail', 'pass'], score: 200 / 3, result: 'fail' },
  },
  {
    what: 'weights: (0 + 9)/10 = 90 %, which is just enough for a pass',
    objectives: [
      { pass: '<600', value: 700 },
      { pass: '<1', value: 0.5, weight: 9 },
    ],
    ...{ statuses: ['fail', 'pass'], score: 90, result: 'pass' },
  },
  {
    what: 'a key SLI that fails makes the evaluation fail with any score',
    objectives: [
      { pass: '<600', value: 700, key: true },
      { pass: '<1', value: 0.5, weight: 9 },
    ],
    ...{ statuses: ['fail', 'pass'], score: 90, result: 'fail' },
  },
  {
    what: 'a key SLI with a warning does not make it fail: (0.5 + 9)/10 = 95 %',
    objectives: [
      { pass: '<600', warning: '<800', value: 700, key: true },
      { pass: '<1', value: 0.5, weight: 9 },
    ],
    ...{ statuses: ['warning', 'pass'], score: 95, result: 'pass' },
  },
  {
    what: 'an objective without criteria does not count: 1/1 = 100 %',
    objectives: [{ value: 12 }, { pass: '=0', value: 0 }],
    ...{ statuses: ['info', 'pass'], score: 100, result: 'pass' },
  },
  {
    what: 'only objectives without criteria pass',
    objectives: [{ value: 12 }, { warning: '<1', value: 7 }],
    ...{ statuses: ['info', 'info'], score: 100, result: 'pass' },
  },
  {
    what: 'without a total score for a warning the evaluation fails: 0.5/1 = 50 %',
    objectives: [{ pass: '<600', warning: '<800', value: 700 }],
    total: { pass: '60%' },
    ...{ statuses: ['warning'], score: 50, result: 'fail' },
  },
  {
    what: 'all criteria of a set must be met',
    objectives: [
      { pass: '>=10 and <20', value: 20 },
      { pass: '>=10 and <20', value: 10 },
    ],
    ...{ statuses: ['fail', 'pass'], score: 50, result: 'fail' },
  },
  {
    what: 'one of several sets is enough',
    objectives: [
      { pass: '<10 or >=100', value: 100 },
      { pass: '<10 or >=100', value: 50 },
    ],
    ...{ statuses: ['pass', 'fail'], score: 50, result: 'fail' },
  },
  {
    what: 'at most 10 % more than 200 is 220',
    objectives: [
      { pass: '<=+10%', value: 220, previous: [[200]] },
      { pass: '<=+10%', value: 220.1, previous: [[200]] },
    ],
    ...{ statuses: ['pass', 'fail'], score: 50, result: 'fail' },
  },
  {
    what: 'a percentage without a sign is an increase: at most 220',
    objectives: [
      { pass: '<=10%', value: 220, previous: [[200]] },
      { pass: '<=10%', value: 221, previous: [[200]] },
    ],
    ...{ statuses: ['pass', 'fail'], score: 50, result: 'fail' },
  },
  {
    what: 'at least 10 % less than 200 is 180',
    objectives: [
      { pass: '>=-10%', value: 180, previous: [[200]] },
      { pass: '>=-10%', value: 179, previous: [[200]] },
    ],
    ...{ statuses: ['pass', 'fail'], score: 50, result: 'fail' },
  },
  {
    what: 'at most 5 more than 200 is 205, at least 5 less is 195',
    objectives: [
      { pass: '<=+5', value: 205, previous: [[200]] },
      { pass: '>=-5', value: 194, previous: [[200]] },
    ],
    ...{ statuses: ['pass', 'fail'], score: 50, result: 'fail' },
  },
  {
    what: 'fixed and relative criteria: 230 is below 600 and above 220',
    objectives: [{ pass: '<=+10% and <600', warning: '<=800', value: 230, previous: [[200]] }],
    ...{ statuses: ['warning'], score: 50, result: 'fail' },
  },
  {
    what: 'relative criteria are met without previous evaluations',
    objectives: [{ pass: '<=+10%', value: 1e9 }],
    ...{ statuses: ['pass'], score: 100, result: 'pass' },
  },
  {
    what: 'the average of 100, 200 and 300 is 200',
    comparison: several(),
    objectives: [{ pass: '<=+0%', value: 200, previous: [[100], [200], [300]] }],
    ...{ statuses: ['pass'], score: 100, result: 'pass' },
  },
  {
    what: 'p50 of 100, 200, 300 and 400 is at place 0.5 * 5 = 2.5: 250',
    comparison: several({ aggregate_function: 'p50' }),
    objectives: [
      { pass: '<=+0%', value: 250, previous: [[400], [100], [300], [200]] },
      { pass: '<=+0%', value: 250.1, previous: [[400], [100], [300], [200]] },
    ],
    ...{ statuses: ['pass', 'fail'], score: 50, result: 'fail' },
  },
  {
    what: 'p90 of 10, 20 .. 100 is at place 0.9 * 11 = 9.9: 99',
    comparison: several({ aggregate_function: 'p90', number_of_comparison_results: 10 }),
    objectives: [
      { pass: '<=+0', value: 99, previous: [10, 20, 30, 40, 50, 60, 70, 80, 90, 100].map((value) => [value]) },
      { pass: '<=+0', value: 99.1, previous: [10, 20, 30, 40, 50, 60, 70, 80, 90, 100].map((value) => [value]) },
    ],
    ...{ statuses: ['pass', 'fail'], score: 50, result: 'fail' },
  },
  {
    what: 'p95 of three is at place 0.95 * 4 = 3.8, past the last: the largest',
    comparison: several({ aggregate_function: 'p95' }),
    objectives: [{ pass: '<=+0', value: 300, previous: [[300], [100], [200]] }],
    ...{ statuses: ['pass'], score: 100, result: 'pass' },
  },
  {
    what: 'compared with passes only: the average of 100 and 300 is 200',
    comparison: several({ include_result_with_score: 'pass' }),
    objectives: [
      {
        ...{ pass: '<=+0', value: 200 },
        previous: [
          [100, 'pass'],
          [5_000, 'fail'],
          [900, 'warning'],
          [300, 'pass'],
        ],
      },
    ],
    ...{ statuses: ['pass'], score: 100, result: 'pass' },
  },
  {
    what: 'compared with passes and warnings: the average of 100, 500 and 300 is 300',
    comparison: several({ include_result_with_score: 'pass_or_warn' }),
    objectives: [
      {
        ...{ pass: '<=+0', value: 300 },
        previous: [
          [100, 'pass'],
          [5_000, 'fail'],
          [500, 'warning'],
          [300, 'pass'],
        ],
      },
    ],
    ...{ statuses: ['pass'], score: 100, result: 'pass' },
  },
  {
    what: 'compared with all results: the average of 100 and 500 is 300',
    comparison: several({ include_result_with_score: 'all' }),
    objectives: [
      {
        ...{ pass: '<=+0', value: 300 },
        previous: [
          [100, 'pass'],
          [500, 'fail'],
        ],
      },
    ],
    ...{ statuses: ['pass'], score: 100, result: 'pass' },
  },
]

describe('scoreByFile', () => {
  test.each(cases)('scores like Keptn: $what', async (one) => {
    const { result, score, indicatorResults } = await scored(one)
    expect({ result, statuses: indicatorResults.map(({ status }) => status) }).toEqual({
      result: one.result,
      statuses: one.statuses,
    })
    expect(score).toBeCloseTo(one.score, 9)
  })

  test.each([
    [1.1, 2.2],
    [0.17, 0.34],
    [0.1, 0.7],
  ])('returns 100 if all objectives with the weights %d and %d pass', async (...weights) => {
    const objectives = weights.map((weight, at) => ({ sli: `sli-${at}`, weight, pass: sets('<100') }))
    const file = await readSloFile({ objectives, total_score: { pass: '100%' } }, 'f')
    const measured = objectives.map(({ sli }) => ({ name: sli, value: 1 }))
    expect(scoreByFile(file, measured, [], 'errored')).toMatchObject({ result: 'pass', score: 100 })
  })

  test('returns the value and the targets of each objective', async () => {
    const [only] = (
      await scored({
        ...{ what: '', statuses: [], score: 0, result: '' },
        objectives: [{ pass: '<=+10% and <600', warning: '<=800', value: 230, weight: 2, previous: [[200]] }],
      })
    ).indicatorResults
    expect(only).toEqual({
      displayName: 'sli-0',
      status: 'warning',
      score: 1,
      keySli: false,
      value: { metric: 'sli-0', value: 230, success: true, comparedValue: 200 },
      passTargets: [
        { criteria: '<=+10%', targetValue: expect.closeTo(220, 9), violated: true },
        { criteria: '<600', targetValue: 600, violated: false },
      ],
      warningTargets: [{ criteria: '<=800', targetValue: 800, violated: false }],
    })
  })

  test('returns 0 to 100, and never more for a worse value', async () => {
    const file = await readSloFile(
      {
        objectives: ['a', 'b', 'c'].map((sli, at) => ({
          ...{ sli, weight: at + 1, pass: sets('<100'), warning: sets('<200') },
        })),
        total_score: total,
      },
      'sloFile',
    )
    const order = ['fail', 'warning', 'pass']
    const value = fc.double({ noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(
        fc.tuple(value, value, value),
        fc.nat(2),
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        (values, at, more) => {
          const of = (all: number[]) =>
            scoreByFile(
              file,
              all.map((one, place) => ({ name: 'abc'[place] ?? '', value: one })),
              [],
              'errored',
            )
          const [before, after] = [of(values), of(values.map((one, place) => (place === at ? one + more : one)))]
          expect(before.score).toBeGreaterThanOrEqual(0)
          expect(before.score).toBeLessThanOrEqual(100)
          expect(after.score).toBeLessThanOrEqual(before.score)
          expect(order.indexOf(after.result)).toBeLessThanOrEqual(order.indexOf(before.result))
        },
      ),
    )
  })
})

describe('An objective without data', () => {
  const file = () =>
    readSloFile(
      {
        objectives: [
          { sli: 'a', pass: sets('<100'), key_sli: true },
          { sli: 'b', pass: sets('<100'), weight: 99 },
        ],
        total_score: { pass: '50%' },
      },
      'sloFile',
    )
  const good = { name: 'b', value: 1 }

  test.each([
    ['is not measured', { name: 'a', value: undefined, message: 'no series has data' }],
    ['is measured with incomplete data', { name: 'a', value: 1, incomplete: 'one shard is missing' }],
  ])('that %s never passes if it counts as a warning', async (_, gap) => {
    const { result, indicatorResults } = scoreByFile(await file(), [gap, good], [], 'warning')
    expect(result).toBe('warning')
    expect(indicatorResults[0]).toMatchObject({ status: 'warning', score: 0.5 })
  })

  test('can be missing in the response of the platform', async () => {
    const { result, indicatorResults } = scoreByFile(await file(), [good], [], 'warning')
    expect(result).toBe('warning')
    expect(indicatorResults[0]?.value).toEqual({
      metric: 'a',
      value: 0,
      success: false,
      message: 'it was not measured',
    })
  })

  test('causes no warning if it does not count', async () => {
    const info = await readSloFile(
      { objectives: [{ sli: 'a' }, { sli: 'b', pass: sets('<100') }], total_score: total },
      'f',
    )
    expect(scoreByFile(info, [good], [], 'warning')).toMatchObject({ result: 'pass', score: 100 })
  })

  test('is a warning or a failure if the platform has no verdict', () => {
    expect(scoreByPlatform([{ name: 'a', value: undefined }], 'warning')).toMatchObject({
      result: 'warning',
      score: 50,
    })
    expect(scoreByPlatform([{ name: 'a', value: undefined }], 'errored')).toMatchObject({ result: 'fail', score: 0 })
  })
})

describe('Without an SLO file', () => {
  const objective = (sli: string, limit: number) => ({
    ...{ sli, key_sli: false, weight: 1, warning: [] },
    pass: [{ criteria: [{ text: `<${limit}`, operator: '<' as const, value: limit }] }],
  })

  test('the result is that of the worst objective', () => {
    const measured = [
      { name: 'a', value: 1 },
      { name: 'b', value: 100 },
    ]
    expect(scoreEach([objective('a', 10), objective('b', 10)], measured, 'errored')).toMatchObject({
      result: 'fail',
      score: 50,
    })
    expect(scoreEach([objective('a', 10), objective('b', 101)], measured, 'errored')).toMatchObject({
      result: 'pass',
      score: 100,
    })
  })

  test('the result is the worst verdict of the platform, with targets and error budgets', () => {
    const pass = { text: '>=99', operator: '>=' as const, value: 99 }
    const measured: MeasuredIndicator[] = [
      { name: 'a', value: 99.5, verdict: { status: 'pass', pass }, errorBudget: 50 },
      { name: 'b', value: 98, verdict: { status: 'warning', pass }, message: 'two problems are open' },
    ]
    expect(scoreByPlatform(measured, 'errored')).toEqual({
      result: 'warning',
      score: 75,
      indicatorResults: [
        {
          ...{ displayName: 'a', status: 'pass', score: 1, keySli: false, errorBudget: 50, warningTargets: [] },
          value: { metric: 'a', value: 99.5, success: true },
          passTargets: [{ criteria: '>=99', targetValue: 99, violated: false }],
        },
        {
          ...{ displayName: 'b', status: 'warning', score: 0.5, keySli: false, warningTargets: [] },
          value: { metric: 'b', value: 98, success: true, message: 'two problems are open' },
          passTargets: [{ criteria: '>=99', targetValue: 99, violated: true }],
        },
      ],
    })
  })
})
