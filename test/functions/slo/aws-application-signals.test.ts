import '../aws.ts'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { awsApplicationSignals } from '../../../functions/slo/providers/aws-application-signals.ts'
import { arnOf, type SignalsServer, startSignals } from '../../../infra/platforms/aws-application-signals.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { clientOf, failureOf } from '../helpers.ts'
import { evaluate } from './drive.ts'

let server: SignalsServer
beforeEach(async () => {
  server = await startSignals()
})
afterEach(() => server.close())

const time = { start: '2025-11-24T10:00:00Z', end: '2025-11-24T10:05:00Z' }
const slo = 'checkout-latency'
const url = `https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#application-signals:slo/${slo}`
const fields = (more: object = {}) => ({ endpoint: server.url, region: 'eu-west-1', ...more })
const connection = (more: object = {}) => awsApplicationSignals.connection.parse({ ...more })
const ask = (input: object = {}, more: object = {}) =>
  evaluate(awsApplicationSignals, fields(more), { slo, ...time, ...input })
const client = (more: object = {}) => clientOf(awsApplicationSignals, connection(fields(more)))
const first = () => {
  const [found] = server.state.slos
  if (!found) throw new Error('There is no SLO')
  return found
}
/** Of what must fail before anything is sent. */
const refusal = (input: object) => failureOf((async () => ask(input))())

describe('the connection', () => {
  test('is checked by a report of its SLOs, signed for its service and region', async () => {
    await awsApplicationSignals.check(
      client({ slo, queries: { requests: 'checkout requests', any: '$SERVICE-latency' } }),
    )
    expect(server.calls).toMatchObject([
      { method: 'POST', path: '/budget-report', body: { SloIds: ['checkout requests', slo] } },
    ])
    expect(server.calls[0]?.headers['authorization']).toContain('/eu-west-1/application-signals/aws4_request')
  })

  test('without an SLO is checked by a report of one that is not there', async () => {
    await awsApplicationSignals.check(client())
    server.state.denied = true
    await awsApplicationSignals.check(client())
    expect(server.calls).toHaveLength(2)
  })

  test('that may not ask about its SLO is told what to do', async () => {
    server.state.denied = true
    const failure = await failureOf(awsApplicationSignals.check(client({ slo })))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toMatch(
      /BatchGetServiceLevelObjectiveBudgetReport. Allow it under awsProviders in cdk.json/,
    )
  })

  test('whose SLO is not there is told so', async () => {
    const failure = await failureOf(awsApplicationSignals.check(client({ slo: 'cart' })))
    expect(failure.message).toContain('ResourceNotFoundException: SLO cart was not found.')
  })

  test.each([
    ['UnrecognizedClientException', 'The security token included in the request is invalid.'],
    ['ExpiredTokenException', 'The security token included in the request is expired'],
  ])('whose credentials are refused is told so: %s', async (type, message) => {
    server.failNext(403, { message }, { headers: { 'x-amzn-errortype': type } })
    expect(await failureOf(awsApplicationSignals.check(client()))).toMatchObject({ kind: 'credentials' })
  })

  test.each([
    [{ region: 'eu-central-1' }, 'https://application-signals.eu-central-1.amazonaws.com'],
    [{}, 'https://application-signals.eu-west-1.amazonaws.com'],
    [{ endpoint: 'https://vpce-1.example.com' }, 'https://vpce-1.example.com'],
  ])('of %j calls %s', (given, expected) => {
    expect(awsApplicationSignals.baseUrl(connection(given))).toBe(expected)
  })

  test('holds no secrets', () => {
    const parsed = connection({ roleArn: 'a', externalId: 'b', slo })
    expect(secretsIn(awsApplicationSignals.connection, parsed)).toEqual([])
  })
})

describe('an SLO', () => {
  test.each([
    ['OK', 99.95, 2_106, 'pass', 81.25],
    ['WARNING', 99.91, 259.2, 'warning', 10],
    ['BREACHED', 99.8, -2_592, 'fail', -100],
  ])(
    'whose budget is %s ends as that',
    async (BudgetStatus, Attainment, BudgetSecondsRemaining, result, errorBudget) => {
      Object.assign(first(), { BudgetStatus, Attainment, BudgetSecondsRemaining })
      const { status, data } = await ask()
      expect(status).toBe('succeeded')
      expect(data).toMatchObject({
        result,
        errorBudget,
        url,
        indicatorResults: [
          {
            displayName: slo,
            status: result,
            value: { metric: slo, value: Attainment, success: true },
            passTargets: [{ criteria: '>=99.9', targetValue: 99.9, violated: Attainment < 99.9 }],
          },
        ],
      })
    },
  )

  test('says that a warning is one of the budget, and over which time', async () => {
    Object.assign(first(), { BudgetStatus: 'WARNING', BudgetSecondsRemaining: 259 })
    expect((await ask()).message).toContain(
      "checkout-latency is 99.95 (10% of the error budget is left, and AWS warns below 30%, over the SLO's own last 30 days)",
    )
  })

  test('is reported as it was at the end of the time, in seconds', async () => {
    await ask()
    expect(server.calls.map(({ body }) => body)).toEqual([{ Timestamp: 1_763_978_700, SloIds: [slo] }])
  })

  test('of requests has a budget of requests', async () => {
    const { data } = await ask({ slo: 'checkout requests' })
    expect(data).toMatchObject({ result: 'pass', errorBudget: 25 })
    expect(JSON.stringify(data)).toContain("over the SLO's own calendar interval of 1 month")
    expect(data['url']).toContain('#application-signals:slo/checkout%20requests')
  })

  test('without a goal or a budget is judged all the same', async () => {
    Object.assign(first(), { Goal: undefined, TotalBudgetSeconds: 0 })
    const { data } = await ask()
    expect(data).toMatchObject({ result: 'pass', indicatorResults: [{ passTargets: [] }] })
    expect(data).not.toHaveProperty('errorBudget')
  })

  test('is known by its ARN as well', async () => {
    expect(await ask({ slo: arnOf(slo) })).toMatchObject({ result: 'pass' })
  })

  test('is one of many in one call, and the worst of them is the result', async () => {
    Object.assign(first(), { BudgetStatus: 'BREACHED', Attainment: 90 })
    const queries = { latency: arnOf(slo), again: arnOf(slo), requests: 'checkout requests' }
    const { data } = await ask({ slo: undefined, queries })
    expect(data).toMatchObject({
      result: 'fail',
      indicatorResults: [{ status: 'fail' }, { status: 'fail' }, { status: 'pass' }],
    })
    expect(server.calls).toMatchObject([{ body: { SloIds: [arnOf(slo), 'checkout requests'] } }])
  })

  test('is held against thresholds of the caller where there are any', async () => {
    const thresholds = [{ metric: 'latency', op: '>=', value: 99.99 }]
    const outcome = await ask({ slo: undefined, queries: { latency: slo }, thresholds })
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'fail' })
    expect(outcome.message).toContain('latency is 99.95, not >=99.99')
  })

  test.each([
    ['no name', '../slo/x', 'The query of ../slo/x is no SLO: write its name, or its ARN'],
    ['the ARN of something else', 'arn:aws:sns:eu-west-1:123456789012:deploys', 'is no SLO'],
    [
      'one of another region',
      'arn:aws:application-signals:us-east-1:123456789012:slo/x1',
      'is an SLO of us-east-1, and the connection is one to eu-west-1',
    ],
  ])('that is %s is refused before anything is sent', async (_what, query, message) => {
    const failure = await refusal({ slo: query })
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })
})

describe('data that is missing', () => {
  test.each([
    ['INSUFFICIENT_DATA', { BudgetStatus: 'INSUFFICIENT_DATA' }, 'AWS says INSUFFICIENT_DATA'],
    ['a state that is not known', { BudgetStatus: 'MAYBE' }, 'AWS says MAYBE'],
    ['no attainment', { Attainment: undefined }, 'AWS says OK, and no attainment'],
  ])('as %s is no verdict, or a warning where the connection says so', async (_what, more, message) => {
    Object.assign(first(), more)
    const outcome = await ask()
    expect(outcome).toMatchObject({ status: 'errored', result: 'fail' })
    expect(outcome.message).toContain(message)
    expect(await ask({}, { noData: 'warning' })).toMatchObject({ status: 'succeeded', result: 'warning' })
  })

  test('as a report that is not there is no verdict', async () => {
    server.state.forgotten = [slo]
    const outcome = await ask()
    expect(outcome).toMatchObject({ status: 'errored', result: 'fail' })
    expect(outcome.message).toContain('AWS answered without a report of it')
  })
})

describe('what AWS refuses', () => {
  test('within an answer of success reaches the caller, with the SLO that it is about', async () => {
    const failure = await failureOf(ask({ slo: undefined, queries: { latency: slo, cart: 'cart-latency' } }))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toBe(
      'The query of cart: AWS Application Signals answered ResourceNotFoundException: SLO cart-latency was not found.',
    )
  })

  test('within an answer of success for now is tried again', async () => {
    server.state.errors = { [slo]: { ErrorCode: 'InternalServiceException', ErrorMessage: 'Try again.' } }
    expect(await failureOf(ask())).toMatchObject({ kind: 'platform' })
  })

  test('altogether reaches the caller', async () => {
    server.failNext(
      400,
      { message: 'Timestamp is too far back.' },
      { headers: { 'x-amzn-errortype': 'ValidationException' } },
    )
    const failure = await failureOf(ask())
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('Timestamp is too far back.')
  })

  test.each([400, 429])('for its limits is tried again: %d', async (status) => {
    server.failNext(status, { message: 'Rate exceeded' }, { headers: { 'x-amzn-errortype': 'ThrottlingException' } })
    expect(await failureOf(ask())).toMatchObject({ kind: 'platform' })
  })

  test('never shows what requests are signed with', async () => {
    await ask()
    expect(JSON.stringify(server.calls)).not.toContain(process.env['AWS_SECRET_ACCESS_KEY'])
  })
})

describe('an Application Signals that fails', () => {
  test.each([500, 503])('with %d is tried again', async (status) => {
    server.failNext(status)
    expect(await failureOf(ask())).toMatchObject({ kind: 'platform' })
  })

  test('by breaking off is tried again', async () => {
    server.down()
    expect(await failureOf(ask())).toMatchObject({ kind: 'platform' })
  })

  test('by not answering is tried again', async () => {
    server.hang()
    const asked = evaluate(awsApplicationSignals, fields(), { slo, ...time }, { deadline: 100 })
    expect(await failureOf(asked)).toMatchObject({ kind: 'timeout' })
  })
})
