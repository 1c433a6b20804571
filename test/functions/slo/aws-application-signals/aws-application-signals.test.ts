import '../../aws.ts'
import { describe, expect, test } from '@jest/globals'
import {
  awsApplicationSignals,
  verdicts,
} from '../../../../functions/slo/aws-application-signals/aws-application-signals.ts'
import { expectFailure, failureOf } from '../../helpers.ts'
import { playEvaluations, withSlo, withState } from '../play.ts'
import { arnOf, startSignals } from './fake.ts'
import { listedStates } from './states.ts'

const slo = 'checkout-latency'
const url = `https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#application-signals:slo/${slo}`

const { server, ask } = playEvaluations(awsApplicationSignals, {
  start: startSignals,
  connection: ({ url }) => ({ endpoint: url, region: 'eu-west-1' }),
  input: { slo },
  awsError: (type, message) => ({ body: { message }, headers: { 'x-amzn-errortype': type } }),
  checks: [
    {
      connection: { slo, queries: { requests: 'checkout requests', any: '$SERVICE-latency' } },
      requests: [
        {
          method: 'POST',
          path: '/budget-report',
          body: { SloIds: ['checkout requests', slo] },
          headers: { authorization: expect.stringContaining('/eu-west-1/application-signals/aws4_request') },
        },
      ],
    },
    // Without an SLO, an SLO that does not exist is read.
    { requests: ['POST /budget-report'], change: ({ state }) => Object.assign(state, { denied: true }) },
  ],
  failedChecks: [{ reason: 'ResourceNotFoundException: SLO cart was not found.', connection: { slo: 'cart' } }],
  urls: {
    'https://application-signals.eu-central-1.amazonaws.com': { region: 'eu-central-1' },
    'https://application-signals.eu-west-1.amazonaws.com': {},
    'https://vpce-1.example.com': { endpoint: 'https://vpce-1.example.com' },
  },
  verdicts: {
    OK: { arrange: withSlo({ BudgetStatus: 'OK', Attainment: 99.95 }), result: 'pass', value: 99.95 },
    WARNING: { arrange: withSlo({ BudgetStatus: 'WARNING', Attainment: 99.91 }), result: 'warning', value: 99.91 },
    BREACHED: { arrange: withSlo({ BudgetStatus: 'BREACHED', Attainment: 99.8 }), result: 'fail', value: 99.8 },
  },
  gaps: {
    INSUFFICIENT_DATA: {
      arrange: withSlo({ BudgetStatus: 'INSUFFICIENT_DATA' }),
      message: 'AWS reports INSUFFICIENT_DATA',
    },
    'an unknown status': { arrange: withSlo({ BudgetStatus: 'MAYBE' }), message: 'AWS reports MAYBE' },
    'no attainment': { arrange: withSlo({ Attainment: undefined }), message: 'AWS reports OK without an attainment' },
    'no report': { arrange: withState({ forgotten: [slo] }), message: 'AWS returned no report of this SLO' },
  },
})

describe('AWS Application Signals: an SLO', () => {
  test('has its target, its error budget and a link, and explains a warning', async () => {
    withSlo({ BudgetStatus: 'WARNING', Attainment: 99.8, BudgetSecondsRemaining: 259.2 })({ server })
    const { data, message } = await ask()
    const passTargets = [{ criteria: '>=99.9', targetValue: 99.9, violated: true }]
    const value = { metric: slo, value: 99.8, success: true }
    expect(data).toMatchObject({
      result: 'warning',
      errorBudget: 10,
      url,
      indicatorResults: [{ displayName: slo, status: 'warning', value, passTargets }],
    })
    expect(message).toContain(
      'checkout-latency is 99.8, not >=99.9 (10% of the error budget is left, and AWS warns below 30%, over the last 30 days, the interval of the SLO)',
    )
  })

  test('that is breached has an overdrawn error budget', async () => {
    withSlo({ BudgetStatus: 'BREACHED', BudgetSecondsRemaining: -2_592 })({ server })
    expect((await ask()).data).toMatchObject({ result: 'fail', errorBudget: -100 })
  })

  test('of requests has a budget of requests', async () => {
    const { data } = await ask({ slo: 'checkout requests' })
    expect(data).toMatchObject({ result: 'pass', errorBudget: 25 })
    expect(JSON.stringify(data)).toContain('over the calendar interval of the SLO, 1 month')
    expect(data['url']).toContain('#application-signals:slo/checkout%20requests')
  })

  test('without a goal and a budget still has a result', async () => {
    withSlo({ Goal: undefined, TotalBudgetSeconds: 0 })({ server })
    const { data } = await ask()
    expect(data).toMatchObject({ result: 'pass', indicatorResults: [{ passTargets: [] }] })
    expect(data).not.toHaveProperty('errorBudget')
  })

  test('is one of many in a single request, and the worst is the result', async () => {
    withSlo({ BudgetStatus: 'BREACHED', Attainment: 90 })({ server })
    const queries = { latency: arnOf(slo), again: arnOf(slo), requests: 'checkout requests' }
    const { data } = await ask({ slo: undefined, queries })
    const expected = { result: 'fail', indicatorResults: [{ status: 'fail' }, { status: 'fail' }, { status: 'pass' }] }
    expect(data).toMatchObject(expected)
    const body = { Timestamp: 1_763_978_700, SloIds: [arnOf(slo), 'checkout requests'] }
    expect(server.calls).toMatchObject([{ body }])
  })

  test.each([
    ['a path', '../slo/x', 'The query of ../slo/x is not the name or the ARN of an SLO'],
    ['the ARN of something else', 'arn:aws:sns:eu-west-1:123456789012:deploys', 'is not the name or the ARN of an SLO'],
    [
      'an SLO in another region',
      'arn:aws:application-signals:us-east-1:123456789012:slo/x1',
      'is an SLO in us-east-1, but the connection uses eu-west-1',
    ],
  ])('is refused before anything is sent if it is %s', async (_what, query, message) => {
    await expectFailure(ask({ slo: query }), { kind: 'invalid', status: 400 }, message)
    expect(server.calls).toEqual([])
  })
})

test('AWS Application Signals: a refusal in a 200 response names the SLO', async () => {
  const words =
    'The query of cart: AWS Application Signals answered ResourceNotFoundException: SLO cart-latency was not found.'
  await expectFailure(ask({ slo: undefined, queries: { latency: slo, cart: 'cart-latency' } }), 'refused', words)
})

test('AWS Application Signals: a refusal in a 200 response can be retried if it is temporary', async () => {
  server.state.errors = { [slo]: { ErrorCode: 'InternalServiceException', ErrorMessage: 'Try again.' } }
  expect(await failureOf(ask())).toMatchObject({ kind: 'platform' })
})

test('each state of an objective has a verdict, or the connection says what a lack of data is (noData)', () => {
  expect([...verdicts.keys(), 'INSUFFICIENT_DATA'].map(String).sort()).toEqual([...listedStates.states].sort())
})
