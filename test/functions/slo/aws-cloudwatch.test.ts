import '../aws.ts'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { awsCloudWatch } from '../../../functions/slo/providers/aws-cloudwatch.ts'
import { type CloudWatchServer, startCloudWatch } from '../../../infra/platforms/aws-cloudwatch.ts'
import { awsError } from '../../../infra/platforms/aws-json.ts'
import { clientOf, failureOf } from '../helpers.ts'
import { evaluated, report } from './drive.ts'

const end = Date.parse(evaluated.timeEnd) / 1_000
let server: CloudWatchServer
beforeEach(async () => {
  server = await startCloudWatch(end + 300)
})
afterEach(() => server.close())

type Options = Parameters<typeof report>[3]

const fields = (more: object = {}) => ({ endpoint: server.url, region: 'eu-west-1', ...more })
const tell = (options: Options = {}, more: object = {}) => report(awsCloudWatch, fields(more), {}, options)
const check = () => awsCloudWatch.check(clientOf(awsCloudWatch, awsCloudWatch.connection.parse(fields())))
const about = 'Project=shop,Stage=production,Service=checkout'
const withObjectives = (indicatorResults: unknown) => ({ data: { evaluation: { ...evaluated, indicatorResults } } })
const objective = (metric: string, value: unknown, more: object = {}) => ({
  ...{ displayName: metric, status: 'pass', score: 1, value: { metric, value, success: true } },
  ...more,
})

describe('a report', () => {
  test('is score and result, and value and result of each objective, when the time that was evaluated ended', async () => {
    expect(await tell()).toMatchObject({
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

  test.each([
    ['pass', 'succeeded', 1],
    ['warning', 'succeeded', 0.5],
    ['fail', 'succeeded', 0],
  ])('of the result %s has its number', async (result, status, number) => {
    await tell({ data: { result, status, evaluation: { ...evaluated, result } } })
    expect(server.values()[`Result ${about}`]).toEqual([number])
  })

  test('of what could not be evaluated has no score, and did not pass', async () => {
    await tell({ data: { status: 'errored', result: 'pass', evaluation: { ...evaluated, score: 0, result: 'pass' } } })
    expect(server.values()[`Score ${about}`]).toBeUndefined()
    expect(server.values()[`Result ${about}`]).toEqual([0])
  })

  test('has no value of what was not measured, and no result of what does not count', async () => {
    await tell(
      withObjectives([
        objective('errors', 0, { status: 'fail', value: { metric: 'errors', value: 0, success: false } }),
        objective('users', 7, { status: 'info' }),
      ]),
    )
    expect(Object.keys(server.values()).slice(2)).toEqual([
      `ObjectiveResult ${about},Objective=errors`,
      `ObjectiveValue ${about},Objective=users`,
    ])
  })

  test('repeated has the same values at the same time', async () => {
    server.loseNext('POST')
    expect(await failureOf(tell())).toMatchObject({ transient: true, afterWrite: true })
    await tell({ isRetry: true })
    expect(server.values()[`Score ${about}`]).toEqual([75, 75])
    expect(new Set(server.state.data.map(({ Timestamp }) => Timestamp))).toEqual(new Set([end]))
  })

  test('goes to the namespace of the connection', async () => {
    await tell({}, { namespace: 'Shop/Quality' })
    expect(server.state.data.every(({ namespace }) => namespace === 'Shop/Quality')).toBe(true)
  })

  test('leaves out numbers that CloudWatch takes none of, and says so', async () => {
    const outcome = await tell(
      withObjectives([
        objective('a', 1e300),
        objective('b', Number.NaN),
        objective('c', '12.5'),
        objective('d', -1e-9),
      ]),
    )
    expect(outcome.message).toContain('8 metrics in CloudAutomation/SLO, less 1 that it does not take')
    const values = server.values()
    expect(values[`ObjectiveValue ${about},Objective=a`]).toBeUndefined()
    expect(values[`ObjectiveValue ${about},Objective=c`]).toEqual([12.5])
    expect(values[`ObjectiveValue ${about},Objective=d`]).toEqual([-1e-9])
  })

  test('has names that CloudWatch takes, whatever they are', async () => {
    const names = ['größe ☕', ':start', '\u202ehidden\u0000', ' \n ', 'x'.repeat(5_000), '語'.repeat(10)]
    await tell(withObjectives(names.map((name) => objective(name, 1))))
    const taken = server.state.data.flatMap(({ MetricName, Dimensions }) =>
      MetricName === 'ObjectiveValue' ? (Dimensions.at(-1)?.Value ?? '') : [],
    )
    expect(taken).toEqual(['gro?e ?', ':start', 'hidden', 'Unnamed', `${'x'.repeat(254)}.`, '?'])
  })

  test('of more than a call takes is several calls, each small enough', async () => {
    const many = Array.from({ length: 1_200 }, (_, at) =>
      objective(
        `${'m'.repeat(300)}`.replace(/^m+/, (m) => at + m),
        at,
      ),
    )
    expect(await tell(withObjectives(many))).toMatchObject({ message: expect.stringContaining('2402 metrics') })
    expect(server.calls).toHaveLength(5)
    expect(server.state.data).toHaveLength(2_402)
  })

  test('reads a time without a zone as UTC, as Keptn writes it', async () => {
    await tell({ data: { evaluation: { ...evaluated, timeEnd: evaluated.timeEnd.replace('Z', '') } } })
    expect(server.state.data.every(({ Timestamp }) => Timestamp === end)).toBe(true)
  })

  test('without a time that can be read is of now', async () => {
    for (const timeEnd of [undefined, 'yesterday', 7]) await tell({ data: { evaluation: { ...evaluated, timeEnd } } })
    expect(server.state.data.some((datum) => 'Timestamp' in datum)).toBe(false)
  })

  test('that is too old is refused in the words of AWS', async () => {
    await server.close()
    server = await startCloudWatch(end + 15 * 24 * 3_600)
    expect(await failureOf(tell())).toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/InvalidParameterValueException: .+Timestamp must specify a time/),
    })
  })

  test.each(['channel', 'project', 'ref', 'id'])('takes no input %s', async (field) => {
    const failure = await failureOf(report(awsCloudWatch, fields(), { [field]: 'x' }))
    expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining(`input.${field}`) })
    expect(server.calls).toEqual([])
  })
})

describe('the connection', () => {
  test('is checked with metrics of which there are none', async () => {
    await check()
    expect(server.calls.map(({ body }) => body)).toEqual([{ Namespace: 'CloudAutomation/SLO', MetricData: [] }])
    server.failNext(200, {})
    await check()
    expect(server.state.data).toEqual([])
  })

  test('whose role may not send metrics says what is to be done', async () => {
    server.state.allowed = false
    for (const asked of [check(), tell()]) {
      const failure = await failureOf(Promise.resolve(asked))
      expect(failure.kind).toBe('refused')
      expect(failure.message).toMatch(/AccessDeniedException: User: .+cloudwatch:PutMetricData action\. Allow it under/)
    }
  })

  test.each(['AWS/Lambda', ':shop', 'shöp', '', 'a'.repeat(256)])('takes no namespace %j', (namespace) => {
    expect(() => awsCloudWatch.connection.parse(fields({ namespace }))).toThrow()
  })
})

describe('CloudWatch', () => {
  test.each([
    ['com.amazon.coral.service#ThrottlingException', 400, 'platform'],
    ['com.amazonaws.cloudwatch#InternalServiceFault', 500, 'platform'],
    ['com.amazon.coral.service#ExpiredTokenException', 400, 'credentials'],
    ['com.amazonaws.cloudwatch#InvalidParameterCombinationException', 400, 'refused'],
  ])('that answers %s (%s) is a failure of the kind %s', async (type, status, kind) => {
    const words =
      kind === 'credentials' ? 'The security token included in the request is expired' : 'Something is wrong'
    server.failNext(status, awsError(type, words).body)
    expect(await failureOf(tell())).toMatchObject({
      kind,
      message: expect.stringContaining(`${type.split('#')[1]}: ${words}`),
    })
    expect(server.state.data).toEqual([])
  })

  test('that is down, does not answer, or answers something else is a failure that passes', async () => {
    server.failNext(200, '<html>Welcome</html>')
    expect(await failureOf(tell())).toMatchObject({ kind: 'platform' })
    server.hang()
    expect(await failureOf(tell({ deadline: 50 }))).toMatchObject({ kind: 'timeout' })
    server.down()
    expect(await failureOf(tell())).toMatchObject({ kind: 'platform', transient: true })
  })
})
