import '../../aws.ts'
import { describe, expect, test } from '@jest/globals'
import { awsCloudWatch } from '../../../../functions/slo/aws-cloudwatch/aws-cloudwatch.ts'
import { awsError } from '../../../platforms/aws-json.ts'
import { evaluated } from '../drive.ts'
import { playReports } from '../play.ts'
import { startCloudWatch } from './fake.ts'

const end = Date.parse(evaluated.timeEnd) / 1_000
const about = 'Project=shop,Stage=production,Service=checkout'
const withObjectives = (indicatorResults: unknown) => ({ data: { evaluation: { ...evaluated, indicatorResults } } })
const objective = (metric: string, value: unknown, more: object = {}) => ({
  displayName: metric,
  status: 'pass',
  score: 1,
  value: { metric, value, success: true },
  ...more,
})

const { server, push } = playReports(awsCloudWatch, {
  start: () => startCloudWatch(end + 300),
  connection: ({ url }) => ({ endpoint: url, region: 'eu-west-1' }),
  check: [{ body: { Namespace: 'CloudAutomation/SLO', MetricData: [] } }],
  visible: (server) => server.values()[`Result ${about}`]?.length ?? 0,
  result: (server) => server.values()[`Result ${about}`],
  awsError: (type, message) => ({ body: awsError(`com.amazon.coral.service#${type}`, message).body }),
  invalid: ['AWS/Lambda', ':shop', 'shöp', '', 'a'.repeat(256)].map((namespace) => ({ namespace })),
  results: [
    { result: 'pass', status: 'succeeded', shown: [1] },
    { result: 'warning', status: 'succeeded', shown: [0.5] },
    { result: 'fail', status: 'succeeded', shown: [0] },
    { result: 'pass', status: 'errored', shown: [0] },
  ],
})

describe('AWS CloudWatch: a report', () => {
  test('has the score, the result and each objective at the end of the evaluated time', async () => {
    expect(await push()).toMatchObject({
      result: 'pass',
      message: expect.stringContaining('to AWS CloudWatch: 6 metrics in CloudAutomation/SLO'),
    })
    expect(server.values()).toEqual({
      [`Score ${about}`]: [75],
      [`Result ${about}`]: [0.5],
      [`ObjectiveValue ${about},Objective=response_time_p95`]: [312.4],
      [`ObjectiveResult ${about},Objective=response_time_p95`]: [1],
      [`ObjectiveValue ${about},Objective=error_rate`]: [1.2],
      [`ObjectiveResult ${about},Objective=error_rate`]: [0.5],
    })
    expect(server.state.data.every(({ Timestamp }) => Timestamp === end)).toBe(true)
  })

  test('of an errored evaluation has no score and did not pass', async () => {
    await push({ data: { status: 'errored', result: 'pass', evaluation: { ...evaluated, score: 0, result: 'pass' } } })
    expect(server.values()[`Score ${about}`]).toBeUndefined()
    expect(server.values()[`Result ${about}`]).toEqual([0])
  })

  test('has no value without data and no result without criteria', async () => {
    await push(
      withObjectives([
        objective('errors', 0, { status: 'fail', value: { metric: 'errors', value: 0, success: false } }),
        objective('users', 7, { status: 'info' }),
      ]),
    )
    const expected = [`ObjectiveResult ${about},Objective=errors`, `ObjectiveValue ${about},Objective=users`]
    expect(Object.keys(server.values()).slice(2)).toEqual(expected)
  })

  test('uses the namespace of the connection', async () => {
    await push({ connection: { namespace: 'Shop/Quality' } })
    expect(server.state.data.every(({ namespace }) => namespace === 'Shop/Quality')).toBe(true)
  })

  test('omits and counts values that are out of range', async () => {
    const outcome = await push(
      withObjectives([
        objective('a', 1e300),
        objective('b', Number.NaN),
        objective('c', '12.5'),
        objective('d', -1e-9),
      ]),
    )
    expect(outcome.message).toContain('8 metrics in CloudAutomation/SLO (1 out of range)')
    const values = server.values()
    expect(values[`ObjectiveValue ${about},Objective=a`]).toBeUndefined()
    expect(values[`ObjectiveValue ${about},Objective=c`]).toEqual([12.5])
    expect(values[`ObjectiveValue ${about},Objective=d`]).toEqual([-1e-9])
  })

  test('converts names to valid dimensions', async () => {
    const names = ['größe ☕', ':start', '\u202ehidden\u0000', ' \n ', 'x'.repeat(5_000), '語'.repeat(10)]
    await push(withObjectives(names.map((name) => objective(name, 1))))
    const taken = server.state.data.flatMap(({ MetricName, Dimensions }) =>
      MetricName === 'ObjectiveValue' ? (Dimensions.at(-1)?.Value ?? '') : [],
    )
    expect(taken).toEqual(['gro?e ?', ':start', 'hidden', 'Unnamed', `${'x'.repeat(254)}.`, '?'])
  })

  test('is split into several requests', async () => {
    const many = Array.from({ length: 1_200 }, (_, at) => objective(`${at}${'m'.repeat(300)}`, at))
    expect(await push(withObjectives(many))).toMatchObject({ message: expect.stringContaining('2402 metrics') })
    expect(server.calls).toHaveLength(5)
    expect(server.state.data).toHaveLength(2_402)
  })

  test('without a valid time uses the current time', async () => {
    for (const timeEnd of [undefined, 'yesterday', 7]) await push({ data: { evaluation: { ...evaluated, timeEnd } } })
    expect(server.state.data.some((datum) => 'Timestamp' in datum)).toBe(false)
  })
})
