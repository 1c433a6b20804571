import { describe, expect, test } from '@jest/globals'
import { newRelic } from '../../../../functions/slo/new-relic/new-relic.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { expectFailure } from '../../helpers.ts'
import { playEvaluations, withState } from '../play.ts'
import { account, guid, refuse, startNewRelic } from './fake.ts'

const set = (value: number | undefined) => withState({ value })
const askNrql = (queries: object, more: object = {}, limits: object = { thresholds }) =>
  ask({ slo: undefined, queries, ...limits }, more)
const nrql = "SELECT average(duration) FROM Transaction WHERE appName = 'since $SERVICE'"
const thresholds = [{ metric: 'duration', op: '<', value: 500 }]
const read = 'POST /graphql actor'
const refusal = (message: string) => refuse(message).body as object

const { server, ask } = playEvaluations(newRelic, {
  start: startNewRelic,
  connection: ({ url, token }) => ({ baseUrl: url, token, account }),
  input: { slo: guid },
  refusal,
  checks: [{ connection: { account: undefined }, requests: [read] }, { requests: [read, read] }],
  failedChecks: [{ reason: 'not accessible', connection: { account: 1 } }],
  invalid: [{ account: 'x' }, { budgetWarning: 101 }],
  verdicts: {
    'a value above the target': { arrange: set(99.9), result: 'pass', value: 99.9 },
    'no error budget in use': { arrange: set(100), result: 'pass', value: 100 },
    'a low error budget': { arrange: set(99.54), result: 'warning', value: 99.54 },
    'a value below the target': { arrange: set(99.49), result: 'fail', value: 99.49 },
  },
  gaps: {
    'a value of null': { arrange: set(undefined), message: 'no data in this time' },
    'no rows': { arrange: withState({ rows: [] }), message: 'no data in this time' },
  },
  unknown: { 'an unknown entity': { slo: `${guid}x`, message: 'New Relic has no entity' } },
})

describe('New Relic', () => {
  test('evaluates a service level over the requested time, with its target, error budget and link', async () => {
    server.state.value = 99.75
    const { data } = await ask()
    expect(data).toMatchObject({
      result: 'pass',
      errorBudget: 50,
      indicatorResults: [{ passTargets: [{ criteria: '>=99.5', targetValue: 99.5 }] }],
    })
    const { nrql: sent } = (newestOf(server.calls).body as { variables: { nrql: string } }).variables
    expect(sent).toMatch(/FROM Metric WHERE sli\.guid = 'a' SINCE 1763978400000 UNTIL 1763978700000$/)
  })

  test('selects one of several service levels by its name', async () => {
    server.state.indicators = ['Success', 'Latency']
    await expectFailure(ask(), 'refused', 'has several service level', '"Success", "Latency"')
    expect(await ask({ slo: `${guid}#Latency` })).toMatchObject({ result: 'pass' })
    await expectFailure(ask({ slo: `${guid}#Load` }), 'refused', 'has no such service level')
  })

  test.each([
    ['a number', [{ 'average.duration': 420 }], 'pass'],
    ['a percentile', [{ 'percentile.duration': { 95: 620 } }], 'fail'],
  ])('evaluates NRQL that returns %s by thresholds', async (_what, rows, result) => {
    server.state.rows = rows
    expect(await askNrql({ duration: nrql })).toMatchObject({ result })
    const { variables } = newestOf(server.calls).body as { variables: object }
    expect(variables).toMatchObject({
      id: account,
      nrql: `${nrql.replace('$SERVICE', 'checkout')} SINCE 1763978400000 UNTIL 1763978700000`,
    })
  })

  test.each([
    ['two rows', [{ count: 1 }, { count: 2 }], '2 rows'],
    ['two numbers', [{ count: 1, sum: 2 }], '2 numbers'],
  ])('refuses NRQL that returns %s', async (_what, rows, words) => {
    server.state.rows = rows
    await expectFailure(askNrql({ duration: nrql }), 'refused', `It returned ${words}`)
  })

  test.each([
    ['without thresholds', {}, { duration: nrql }, 'New Relic has no verdict for duration'],
    ['without an account', { account: undefined }, { duration: nrql }, 'needs the account'],
    ['with its own time', {}, { duration: `${nrql} SINCE 1 day ago` }, 'must not have SINCE or UNTIL'],
  ])('refuses NRQL %s before it sends anything', async (_what, more, queries, words) => {
    const limits = words.includes('verdict') ? {} : { thresholds }
    await expectFailure(askNrql(queries, more, limits), 'invalid', words)
    expect(server.calls).toEqual([])
  })

  test.each([
    ['BAD_API_KEY', 'error_code', 'credentials'],
    ['INVALID_AUTHENTICATION', 'errorClass', 'credentials'],
    ['ACCESS_DENIED', 'errorClass', 'refused'],
    ['INVALID_INPUT', 'errorClass', 'refused'],
    ['SERVER_ERROR', 'errorClass', 'platform'],
    ['TIMEOUT', 'errorClass', 'platform'],
    ['TOO_MANY_REQUESTS', 'errorClass', 'platform'],
    ['A_NEW_CLASS', 'errorClass', 'refused'],
  ])('treats the error %s, which has the status 200, as such', async (code, field, kind) => {
    server.failNext(200, refuse('A reason', { [field]: code }).body)
    await expectFailure(ask(), { kind }, 'A reason')
  })
})
