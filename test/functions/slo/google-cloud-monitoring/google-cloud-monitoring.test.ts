import { describe, expect, test } from '@jest/globals'
import { googleCloudMonitoring } from '../../../../functions/slo/google-cloud-monitoring/google-cloud-monitoring.ts'
import { expectFailure } from '../../helpers.ts'
import { playEvaluations, withState } from '../play.ts'
import { startGoogleCloudMonitoring } from './fake.ts'

const slo = 'checkout/availability'
const set = (compliance: number[], budget: number[]) => withState({ compliance, budget })

const { server, ask } = playEvaluations(googleCloudMonitoring, {
  start: startGoogleCloudMonitoring,
  connection: ({ url, login }) => ({ baseUrl: url, token: login.token, project: 'acme-shop' }),
  input: { slo },
  refusal: (message) => ({ error: { code: 400, message, status: 'INVALID_ARGUMENT' } }),
  checks: [
    {
      connection: { slo, queries: { any: '$SERVICE/availability' } },
      requests: [{ path: expect.stringMatching(/\/availability$/) }],
    },
  ],
  invalid: [{ project: '../x' }, { budgetWarning: 101 }],
  verdicts: {
    'the goal': { arrange: set([0.999], [0.1]), result: 'pass', value: 99.9 },
    'a value above the goal': { arrange: set([1, 0.9], [1, -1]), result: 'pass', value: 100 },
    'a low error budget': { arrange: set([0.9991], [0.0999]), result: 'warning', value: 99.91 },
    'no error budget': { arrange: set([0.9991], []), result: 'pass', value: 99.91 },
    'a value below the goal': { arrange: set([0.99899], [-0.01]), result: 'fail', value: 99.899 },
  },
  gaps: {
    'no points': { arrange: set([], []), message: 'no data at the end of this time' },
    'an error of the query': {
      arrange: withState({ errors: [{ code: 14, message: 'One zone is missing' }] }),
      message: 'One zone is missing',
    },
  },
  reason: ({ server }, message) =>
    Object.assign(server.state, { compliance: [], budget: [], errors: [{ code: 14, message }] }),
  unknown: { 'an unknown SLO': { slo: 'checkout/none', message: 'The SLO was not found.' } },
})

describe('Google Cloud Monitoring', () => {
  test('reports the error budget, the goal and the period', async () => {
    server.state.budget = [0.05]
    const { data, message } = await ask()
    expect(data).toMatchObject({
      result: 'warning',
      errorBudget: 5,
      indicatorResults: [{ passTargets: [{ criteria: '>=99.9', targetValue: 99.9, violated: false }] }],
    })
    expect(message).toContain('5% of the error budget is left, over the last 30 days, the period of the SLO')
    server.state.period = { calendarPeriod: 'MONTH' }
    expect((await ask()).message).toContain('over the month until then')
    expect((await ask({}, { budgetWarning: 0 })).data).toMatchObject({ result: 'pass' })
  })

  test('reads at least ten minutes', async () => {
    await ask()
    const { query } = server.calls.at(-1) ?? {}
    expect(query?.get('interval.startTime')).toBe('2025-11-24T09:55:00.000Z')
  })

  test.each(['checkout', 'a/b/c', '../x', 'x/..', 'checkout/a"b'])('refuses the query %s', async (query) => {
    await expectFailure(ask({ slo: query }), 'invalid')
    expect(server.calls).toEqual([])
  })
})
