import { expect, test } from '@jest/globals'
import { grafanaSlo } from '../../../../functions/slo/grafana-slo/grafana-slo.ts'
import { expectFailure } from '../../helpers.ts'
import { playEvaluations, withState } from '../play.ts'
import { startGrafanaSlo, uuid } from './fake.ts'

const set = (...sli: string[]) => withState({ sli })
const list = 'GET /api/plugins/grafana-slo-app/resources/v1/slo'

const { server, ask } = playEvaluations(grafanaSlo, {
  start: startGrafanaSlo,
  connection: ({ url, token }) => ({ baseUrl: url, token }),
  input: { slo: 'Checkout' },
  refusal: (error) => ({ code: 400, error }),
  checks: [
    { connection: { slo: '$SERVICE' }, requests: [list] },
    {
      connection: { slo: 'Checkout' },
      requests: [list, 'GET /api/datasources/proxy/uid/grafanacloud-prom/api/v1/query'],
    },
  ],
  failedChecks: [{ reason: 'Grafana has no SLO', connection: { slo: 'Payment' } }],
  invalid: [{ budgetWarning: -1 }],
  verdicts: {
    'the objective, with no error budget left': { arrange: set('0.995'), result: 'warning', value: 99.5 },
    'a value above the objective': { arrange: set('0.999'), result: 'pass', value: 99.9 },
    'a low error budget': { arrange: set('0.9954'), result: 'warning', value: 99.54 },
    'a value below the objective': { arrange: set('0.9949'), result: 'fail', value: 99.49 },
    'a group below the objective': { arrange: set('1', '0.99', '0.999'), result: 'fail', value: 99 },
  },
  gaps: {
    'no sample': { arrange: set(), message: 'no sample at the end of this time; created' },
    NaN: { arrange: set('0.999', 'NaN'), message: 'a sample is not a number' },
    'old samples of an SLO that Grafana could not update': {
      arrange: withState({ status: { type: 'error', message: 'the rule group is invalid' } }),
      message: 'error: the rule group is invalid',
    },
    'a value with a warning': {
      arrange: withState({ warnings: ['a zone is missing'] }),
      message: 'a zone is missing',
    },
  },
  reason: ({ server }, message) => Object.assign(server.state, { sli: [], status: { type: 'error', message } }),
  unknown: { 'an unknown SLO': { slo: 'Payment', message: 'Grafana has no SLO with the name or id "Payment"' } },
})

test('Grafana SLO reports the error budget, the objective, the window and the link', async () => {
  server.state.sli = ['0.9975', '0.999']
  const { data } = await ask({ slo: uuid })
  expect(data).toMatchObject({
    result: 'pass',
    errorBudget: 50,
    indicatorResults: [{ passTargets: [{ criteria: '>=99.5', targetValue: 99.5 }] }],
  })
  expect(JSON.stringify(data)).toContain('over the last 28d, the window of the SLO, the worst of 2 groups')
  expect(server.calls.at(-1)?.query.get('time')).toBe('1763978700')
  server.state.status = { type: 'updating' }
  expect(JSON.stringify((await ask()).data)).toContain('Grafana reports: updating')
  server.state.sli = ['0.9951']
  expect(await ask({}, { budgetWarning: 0 })).toMatchObject({ result: 'pass' })
})

test('Grafana SLO refuses a name that two SLOs have, and an SLO without a data source', async () => {
  server.state.names = ['Checkout', 'Checkout']
  await expectFailure(ask(), 'refused', `Use one of these ids: ${uuid}, ${uuid}1.`)
  server.state.names = ['Checkout']
  server.state.hasDatasource = false
  await expectFailure(ask(), 'refused', 'has no destination data source')
})
