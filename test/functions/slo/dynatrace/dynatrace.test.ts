import { describe, expect, test } from '@jest/globals'
import { dynatrace } from '../../../../functions/slo/dynatrace/dynatrace.ts'
import { verdicts } from '../../../../functions/slo/dynatrace-slo.ts'
import { startDynatrace } from '../../../platforms/dynatrace/server.ts'
import { expectFailure } from '../../helpers.ts'
import { playEvaluations, time } from '../play.ts'
import { listedStates } from './states.ts'

const id = '7d07efde-b714-3e6e-ad95-08490e2540c4'

const { server, ask: run } = playEvaluations(dynatrace, {
  start: startDynatrace,
  connection: ({ url, token }) => ({ baseUrl: url, token, slo: id }),
  refusal: (message) => ({ error: { code: 400, message } }),
  verdicts: {
    SUCCESS: {
      arrange: ({ server }) => server.show({ evaluatedPercentage: 99.9, status: 'SUCCESS' }),
      result: 'pass',
      value: 99.9,
    },
    WARNING: {
      arrange: ({ server }) => server.show({ evaluatedPercentage: 99.6, status: 'WARNING' }),
      result: 'warning',
      value: 99.6,
    },
    FAILURE: {
      arrange: ({ server }) => server.show({ evaluatedPercentage: 99.25, status: 'FAILURE' }),
      result: 'fail',
      value: 99.25,
    },
  },
  gaps: {
    'an error of the calculation': {
      arrange: ({ server }) => server.show({ evaluatedPercentage: -1, error: 'METRIC_NOT_FOUND' }),
      message: `Not evaluated: Dynatrace has no data, or incomplete data, for ${id} (METRIC_NOT_FOUND)`,
    },
    'no calculated value': {
      arrange: ({ server }) => server.show({ evaluatedPercentage: -1 }),
      message: 'did not calculate a value',
    },
    'an error next to a success': { arrange: ({ server }) => server.show({ error: 'NO_DATA' }), message: 'NO_DATA' },
    'an unknown status': {
      arrange: ({ server }) => server.show({ status: 'UNSURE' }),
      message: 'unknown status "UNSURE"',
    },
  },
  reason: ({ server }, error) => server.show({ evaluatedPercentage: -1, error }),
  unknown: {
    'an unknown name': { slo: 'Nothing', message: 'Dynatrace has no enabled SLO named "Nothing"' },
    'a name that two SLOs have': {
      slo: 'Checkout availability',
      message: 'more than one SLO',
      change: ({ server }) => server.addSlo(),
    },
    'an unknown id': { slo: 'aaaaaaaa-b714-3e6e-ad95-08490e2540c4', message: 'not found' },
    'a name that is a path': { slo: '../../config', message: 'Dynatrace has no enabled SLO named "../../config"' },
  },
})

describe('Dynatrace: an evaluation', () => {
  test('covers the requested time and uses the verdict of the SLO', async () => {
    expect(await run()).toEqual({
      status: 'succeeded',
      result: 'pass',
      message: 'The evaluation passed with a score of 100',
      data: {
        result: 'pass',
        score: 100,
        scoreText: '100',
        timeStart: '2025-11-24T10:00:00Z',
        timeEnd: '2025-11-24T10:05:00Z',
        indicatorResults: [
          {
            displayName: id,
            status: 'pass',
            score: 1,
            keySli: false,
            errorBudget: 90,
            value: { metric: id, value: 99.95, success: true },
            passTargets: [{ criteria: '>=99.9', targetValue: 99.9, violated: false }],
            warningTargets: [{ criteria: '>=99.5', targetValue: 99.5, violated: false }],
          },
        ],
        errorBudget: 90,
        url: `${server.url}/ui/slo?id=${id}`,
      },
      links: { 'dynatrace slo': `${server.url}/ui/slo?id=${id}` },
    })
    const [call] = server.calls
    expect(call?.path).toBe(`/api/v2/slo/${id}`)
    const expected = { timeFrame: 'GTF', from: String(Date.parse(time.start)), to: String(Date.parse(time.end)) }
    expect(Object.fromEntries(call?.query ?? [])).toEqual(expected)
  })

  test('ends with a warning between target and warning, and names the missed objective', async () => {
    server.show({ evaluatedPercentage: 99.6, status: 'WARNING', relatedOpenProblems: 2 })
    expect(await run()).toMatchObject({
      status: 'succeeded',
      result: 'warning',
      message: `The evaluation ended with a warning with a score of 50: ${id} is 99.6, not >=99.9 (2 open problems)`,
      data: { errorBudget: 20 },
    })
  })

  test('has no error budget if the target is 100', async () => {
    server.show({ target: 100, warning: null, evaluatedPercentage: 100 })
    expect((await run()).data).not.toHaveProperty('errorBudget')
  })

  test('finds an SLO by its name and escapes the selector', async () => {
    const name = 'Shop ~ "checkout", id("x")'
    server.show({ name })
    expect(await run({ slo: name })).toMatchObject({ result: 'pass', data: { url: `${server.url}/ui/slo?id=${id}` } })
    expect(server.calls[0]?.query.get('sloSelector')).toBe('name("Shop ~~ ~"checkout~", id(~"x~")")')
    expect(server.calls[0]?.query.get('evaluate')).toBe('true')
  })

  test('shows the reason of Dynatrace with each invalid field', async () => {
    const violation = { path: 'from', message: 'must be in the past', parameterLocation: 'QUERY', location: null }
    server.failNext(400, { error: { code: 400, message: 'Constraints violated.', constraintViolations: [violation] } })
    await expectFailure(run(), 'refused', 'Constraints violated.; from: must be in the past')
  })

  test('waits for the data of the last two minutes', async () => {
    const outcome = await run({ start: undefined, end: new Date().toISOString(), timeframe: '5m' })
    expect(outcome).toMatchObject({ status: 'errored', message: expect.stringContaining('has its data up to') })
    expect(server.calls).toEqual([])
  })
})

test('each state of an objective has a verdict', () => {
  expect([...verdicts.keys()].map(String).sort()).toEqual([...listedStates.states].sort())
})
