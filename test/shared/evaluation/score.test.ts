import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { PreviousEvaluation } from '../../../shared/evaluation/previous-evaluations.ts'
import { type MeasuredIndicator, scoreByFile, scoreByPlatform, scoreEach } from '../../../shared/evaluation/score.ts'
import { readSloFile } from '../../../shared/evaluation/slo-file.ts'

/** `[{criteria: ["<600"]}]` of `<600`; `or` separates sets, `and` separates criteria. */
const sets = (text: string) => (text === '' ? [] : text.split(' or ').map((set) => ({ criteria: set.split(' and ') })))

interface Objective {
  pass: string
  warning: string
  weight: number
  key: boolean
  value: number
  /** Values and statuses of previous evaluations, newest first. */
  previous: [value: number, status: string][]
}

/** Reads `<600 ~ <=800 @ 700 x2 key after 200 100:fail`: criteria of pass and warning, value, weight and previous values. */
function objectiveOf(text: string): Objective {
  const [, pass = '', warning = '', value, weight = '1', key, previous = ''] =
    /^([^~@]*?)(?: ?~ ([^@]+))? ?@ (\S+)(?: x(\d+))?( key)?(?: after (.+))?$/.exec(text) ?? []
  const earlier = previous.split(' ').filter(Boolean)
  return {
    pass,
    warning: warning.trim(),
    weight: Number(weight),
    key: key !== undefined,
    value: Number(value),
    previous: earlier.map((one) => [Number.parseFloat(one), one.split(':')[1] ?? 'pass']),
  }
}

const total = { pass: '90%', warning: '75%' }
const several = (more: object = {}) => ({ comparison: { compare_with: 'several_results', ...more } })
/** By name: the settings of a file. */
const settings: Record<string, object> = {
  'no warning': { total_score: { pass: '60%' } },
  average: several(),
  p50: several({ aggregate_function: 'p50' }),
  p90: several({ aggregate_function: 'p90', number_of_comparison_results: 10 }),
  p95: several({ aggregate_function: 'p95' }),
  passes: several({ include_result_with_score: 'pass' }),
  warnings: several({ include_result_with_score: 'pass_or_warn' }),
  all: several({ include_result_with_score: 'all' }),
}

async function scored(objectives: Objective[], setting = '') {
  const file = await readSloFile(
    {
      total_score: total,
      ...settings[setting],
      objectives: objectives.map(({ pass, warning, weight, key }, at) => ({
        sli: `sli-${at}`,
        pass: sets(pass),
        warning: sets(warning),
        weight,
        key_sli: key,
      })),
    },
    'sloFile',
  )
  const measured: MeasuredIndicator[] = objectives.map(({ value }, at) => ({ name: `sli-${at}`, value }))
  const count = Math.max(...objectives.map(({ previous }) => previous.length))
  const previous = Array.from({ length: count }, (_, turn): PreviousEvaluation => {
    const measured = objectives.flatMap(({ previous }, at) => {
      const [value, status = 'pass'] = previous[turn] ?? []
      return value === undefined ? [] : [{ metric: `sli-${at}`, value, status }]
    })
    return { id: `previous-${turn}`, result: 'pass', measured }
  })
  return scoreByFile(file, measured, previous, 'errored')
}

/**
 * Computed by hand from Keptn's documentation and the source of lighthouse-service.
 *
 * @see https://keptn.sh/docs/1.0.x/define/slo/ weights, key SLIs, total score
 * @see https://github.com/keptn/keptn/blob/master/lighthouse-service/event_handler/evaluate_sli_handler.go
 */
const cases = `
  all pass: 1/1 = 100 % | <600 @ 599.9 | pass | 100 | pass
  a value at its limit fails < and meets the warning <=: 0.5/1 = 50 % | <600 ~ <=600 @ 600 | warning | 50 | fail
  a pass and a warning: (1 + 0.5)/2 = 75 %, just enough for a warning | <600 ~ <800 @ 700; <1 @ 0.5 | warning, pass | 75 | warning
  weights: (0 + 2)/3 = 66.67 % | <600 @ 700; <1 @ 0.5 x2 | fail, pass | 66.66666666666667 | fail
  weights: (0 + 9)/10 = 90 %, just enough for a pass | <600 @ 700; <1 @ 0.5 x9 | fail, pass | 90 | pass
  a key SLI that fails makes the evaluation fail with any score | <600 @ 700 key; <1 @ 0.5 x9 | fail, pass | 90 | fail
  a key SLI with a warning does not make it fail: (0.5 + 9)/10 = 95 % | <600 ~ <800 @ 700 key; <1 @ 0.5 x9 | warning, pass | 95 | pass
  an objective without criteria does not count: 1/1 = 100 % | @ 12; =0 @ 0 | info, pass | 100 | pass
  only objectives without criteria pass | @ 12; ~ <1 @ 7 | info, info | 100 | pass
  without a total score for a warning the evaluation fails: 0.5/1 = 50 % | <600 ~ <800 @ 700 | warning | 50 | fail | no warning
  all criteria of a set must be met | >=10 and <20 @ 20; >=10 and <20 @ 10 | fail, pass | 50 | fail
  one of several sets is enough | <10 or >=100 @ 100; <10 or >=100 @ 50 | pass, fail | 50 | fail
  at most 10 % more than 200 is 220 | <=+10% @ 220 after 200; <=+10% @ 220.1 after 200 | pass, fail | 50 | fail
  a percentage without a sign is an increase: at most 220 | <=10% @ 220 after 200; <=10% @ 221 after 200 | pass, fail | 50 | fail
  at least 10 % less than 200 is 180 | >=-10% @ 180 after 200; >=-10% @ 179 after 200 | pass, fail | 50 | fail
  at most 5 more than 200 is 205, at least 5 less is 195 | <=+5 @ 205 after 200; >=-5 @ 194 after 200 | pass, fail | 50 | fail
  fixed and relative criteria: 230 is below 600 and above 220 | <=+10% and <600 ~ <=800 @ 230 after 200 | warning | 50 | fail
  relative criteria are met without previous evaluations | <=+10% @ 1e9 | pass | 100 | pass
  the average of 100, 200 and 300 is 200 | <=+0% @ 200 after 100 200 300 | pass | 100 | pass | average
  p50 of 100, 200, 300 and 400 is at place 0.5 * 5 = 2.5: 250 | <=+0% @ 250 after 400 100 300 200; <=+0% @ 250.1 after 400 100 300 200 | pass, fail | 50 | fail | p50
  p90 of 10, 20 .. 100 is at place 0.9 * 11 = 9.9: 99 | <=+0 @ 99 after 10 20 30 40 50 60 70 80 90 100; <=+0 @ 99.1 after 10 20 30 40 50 60 70 80 90 100 | pass, fail | 50 | fail | p90
  p95 of three is at place 0.95 * 4 = 3.8, past the last: the largest | <=+0 @ 300 after 300 100 200 | pass | 100 | pass | p95
  compared with passes only: the average of 100 and 300 is 200 | <=+0 @ 200 after 100 5000:fail 900:warning 300 | pass | 100 | pass | passes
  compared with passes and warnings: the average of 100, 500 and 300 is 300 | <=+0 @ 300 after 100 5000:fail 500:warning 300 | pass | 100 | pass | warnings
  compared with all results: the average of 100 and 500 is 300 | <=+0 @ 300 after 100 500:fail | pass | 100 | pass | all
`
  .trim()
  .split('\n')
  .map((line) => line.trim().split(' | '))

describe('scoreByFile', () => {
  test.each(cases)('scores like Keptn: %s', async (_what, objectives = '', statuses, expected, result, setting) => {
    const scores = await scored(objectives.split('; ').map(objectiveOf), setting)
    expect(scores.indicatorResults.map(({ status }) => status).join(', ')).toBe(statuses)
    expect(scores.result).toBe(result)
    expect(scores.score).toBeCloseTo(Number(expected), 9)
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
    const [only] = (await scored([objectiveOf('<=+10% and <600 ~ <=800 @ 230 x2 after 200')])).indicatorResults
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
    const [pass, warning] = [sets('<100'), sets('<200')]
    const objectives = ['a', 'b', 'c'].map((sli, at) => ({ sli, weight: at + 1, pass, warning }))
    const file = await readSloFile({ objectives, total_score: total }, 'sloFile')
    const order = ['fail', 'warning', 'pass']
    const value = fc.double({ noNaN: true, noDefaultInfinity: true })
    const increase = fc.double({ min: 0, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(fc.tuple(value, value, value), fc.nat(2), increase, (values, at, more) => {
        const of = (all: number[]) => {
          const measured = all.map((one, place) => ({ name: 'abc'[place] ?? '', value: one }))
          return scoreByFile(file, measured, [], 'errored')
        }
        const [before, after] = [of(values), of(values.map((one, place) => (place === at ? one + more : one)))]
        expect(before.score).toBeGreaterThanOrEqual(0)
        expect(before.score).toBeLessThanOrEqual(100)
        expect(after.score).toBeLessThanOrEqual(before.score)
        expect(order.indexOf(after.result)).toBeLessThanOrEqual(order.indexOf(before.result))
      }),
    )
  })
})

describe('An objective without data', () => {
  const pass = sets('<100')
  const objectives = [
    { sli: 'a', pass, key_sli: true },
    { sli: 'b', pass, weight: 99 },
  ]
  const file = () => readSloFile({ objectives, total_score: { pass: '50%' } }, 'sloFile')
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
    const value = { metric: 'a', value: 0, success: false, message: 'it was not measured' }
    expect(indicatorResults[0]?.value).toEqual(value)
  })

  test('causes no warning if it does not count', async () => {
    const objectives = [{ sli: 'a' }, { sli: 'b', pass: sets('<100') }]
    const info = await readSloFile({ objectives, total_score: total }, 'f')
    expect(scoreByFile(info, [good], [], 'warning')).toMatchObject({ result: 'pass', score: 100 })
  })

  test('is a warning or a failure if the platform has no verdict', () => {
    const measured = [{ name: 'a', value: undefined }]
    expect(scoreByPlatform(measured, 'warning')).toMatchObject({ result: 'warning', score: 50 })
    expect(scoreByPlatform(measured, 'errored')).toMatchObject({ result: 'fail', score: 0 })
  })
})

describe('Without an SLO file', () => {
  const objective = (sli: string, limit: number) => ({
    sli,
    key_sli: false,
    weight: 1,
    warning: [],
    pass: [{ criteria: [{ text: `<${limit}`, operator: '<' as const, value: limit }] }],
  })

  test('the result is that of the worst objective', () => {
    const measured = Object.entries({ a: 1, b: 100 }).map(([name, value]) => ({ name, value }))
    const worst = (limit: number) => scoreEach([objective('a', 10), objective('b', limit)], measured, 'errored')
    expect(worst(10)).toMatchObject({ result: 'fail', score: 50 })
    expect(worst(101)).toMatchObject({ result: 'pass', score: 100 })
  })

  test('the result is the worst verdict of the platform, with targets and error budgets', () => {
    const pass = { text: '>=99', operator: '>=' as const, value: 99 }
    const measured: MeasuredIndicator[] = [
      { name: 'a', value: 99.5, verdict: { status: 'pass', pass }, errorBudget: 50 },
      { name: 'b', value: 98, verdict: { status: 'warning', pass }, message: 'two problems are open' },
    ]
    const target = (violated: boolean) => ({
      keySli: false,
      warningTargets: [],
      passTargets: [{ criteria: '>=99', targetValue: 99, violated }],
    })
    const values = [
      { metric: 'a', value: 99.5, success: true },
      { metric: 'b', value: 98, success: true, message: 'two problems are open' },
    ]
    const indicatorResults = [
      { displayName: 'a', status: 'pass', score: 1, errorBudget: 50, value: values[0], ...target(false) },
      { displayName: 'b', status: 'warning', score: 0.5, value: values[1], ...target(true) },
    ]
    expect(scoreByPlatform(measured, 'errored')).toEqual({ result: 'warning', score: 75, indicatorResults })
  })
})
