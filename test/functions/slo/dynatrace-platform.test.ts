import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { dynatracePlatform } from '../../../functions/slo/providers/dynatrace-platform.ts'
import {
  account,
  type PlatformServer,
  startDynatracePlatform,
} from '../../../infra/platforms/dynatrace/platform-server.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { clientOf, failureOf } from '../helpers.ts'
import { evaluate } from './drive.ts'

let server: PlatformServer
beforeEach(async () => {
  server = await startDynatracePlatform()
})
afterEach(() => server.close())

const id = 'vu9U3hXa3q0AAAABABhhcHA'
const time = { start: '2026-11-24T10:00:00Z', end: '2026-11-24T10:05:00Z' }
const connection = (fields: object = {}) => ({ baseUrl: server.url, token: server.token, slo: id, ...fields })
const run = (input: object = {}, fields: object = {}) =>
  evaluate(dynatracePlatform, connection(fields), { ...time, ...input }, { interactive: true })
const paths = () => server.calls.map(({ method, path }) => `${method} ${path.replace('/platform/slo/v1/', '')}`)

describe('the connection', () => {
  const check = (fields: object) =>
    dynatracePlatform.check(clientOf(dynatracePlatform, dynatracePlatform.connection.parse(connection(fields))))

  test('is checked with one small call', async () => {
    await check({})
    expect(server.calls.map(({ path, query }) => `${path}?${query}`)).toEqual(['/platform/slo/v1/slos?page-size=1'])
  })

  test('fetches the tokens of an OAuth client, for its account', async () => {
    const { clientId, clientSecret, tokenUrl } = server
    const client = { token: undefined, clientId, clientSecret, tokenUrl, account }
    await check(client)
    expect(paths()).toEqual(['POST /sso/oauth2/token', 'GET slos'])
    expect(server.state.accessTokens).toHaveLength(1)
    // One that was taken back is not used again.
    server.state.accessTokens = []
    expect(await failureOf(check(client))).toMatchObject({ kind: 'credentials' })
    await check(client)
  })

  test('is at the SSO of Dynatrace, and asks for SLOs alone', () => {
    expect(dynatracePlatform.connection.parse({ baseUrl: 'https://abc12345.apps.dynatrace.com' })).toMatchObject({
      tokenUrl: 'https://sso.dynatrace.com/sso/oauth2/token',
      scope: 'slo:slos:read',
    })
  })

  test('is misconfigured without a client or a token', async () => {
    const failure = await failureOf(evaluate(dynatracePlatform, connection({ token: undefined }), time))
    expect(failure).toMatchObject({ kind: 'misconfigured' })
    expect(server.calls).toEqual([])
  })

  test('never shows a credential, also where Dynatrace repeats it', async () => {
    const failure = await failureOf(run({}, { token: 'dt0s16.of-somebody-else' }))
    expect(failure).toMatchObject({ kind: 'credentials', message: expect.stringContaining('Unauthorized: ***') })
    const { clientSecret } = server
    const values = dynatracePlatform.connection.parse(connection({ clientSecret }))
    expect(secretsIn(dynatracePlatform.connection, values)).toEqual([clientSecret, server.token])
  })
})

describe('an evaluation', () => {
  const url = () =>
    `${server.url}/ui/intent/dynatrace.service.level.objectives/view-slo#${encodeURIComponent(`{"dt.slo.id":"${id}"}`)}`

  test('that is quick needs one call, which tells the time', async () => {
    expect(await run()).toMatchObject({
      ...{ status: 'succeeded', result: 'pass', message: 'The evaluation passed with a score of 100' },
      data: {
        ...{ score: 100, errorBudget: 90, url: url(), timeStart: time.start, timeEnd: time.end },
        indicatorResults: [
          {
            ...{ displayName: id, status: 'pass', errorBudget: 90, value: { metric: id, value: 99.95, success: true } },
            passTargets: [{ criteria: '>=99.9', targetValue: 99.9, violated: false }],
            warningTargets: [{ criteria: '>=99.5', targetValue: 99.5, violated: false }],
          },
        ],
      },
      links: { 'dynatrace-platform slo': url() },
    })
    expect(server.calls.map(({ body }) => body)).toEqual([
      {
        id,
        customTimeframe: { timeframeFrom: '2026-11-24T10:00:00.000Z', timeframeTo: '2026-11-24T10:05:00.000Z' },
        requestTimeoutMilliseconds: 8_000,
      },
    ])
  })

  test('that takes longer is started once, and polled until it has ended', async () => {
    server.state.takes = 3
    expect(await run()).toMatchObject({ result: 'pass' })
    expect(paths()).toEqual(['POST slos/evaluation:start', ...Array(3).fill('GET slos/evaluation:poll')])
    expect(server.calls.at(-1)?.query.get('evaluation-token')).toBe('FQ5aVZERXZNMjR1SzVnPT0ifQ==0')
  })

  test('of several SLOs polls those alone that go on', async () => {
    const [slo] = server.state.slos
    if (slo) server.state.slos.push({ ...slo, id: 'vu9U3hXa3q0AAAABsearch', name: 'Search' })
    server.state.results['vu9U3hXa3q0AAAABsearch'] = [{ criteria: 'now-7d', status: 'FAILURE', value: 90 }]
    server.failNext(202, { evaluationToken: 'unknown-here', ttlSeconds: 300 }, { on: 'POST' })
    const outcome = await run({ queries: { checkout: id, search: 'vu9U3hXa3q0AAAABsearch' } })
    expect(outcome).toMatchObject({ result: 'fail', data: { score: 50 } })
    // The first token is none of the server's, and so is started anew.
    expect(paths().filter((path) => path.startsWith('POST'))).toHaveLength(3)
    expect(paths().filter((path) => path.startsWith('GET'))).toHaveLength(1)
  })

  test.each([
    ['whose token has expired at Dynatrace', () => server.state.evaluations.clear(), 1],
    ['whose token is good no more by its time', () => (server.state.ttlSeconds = 0), 0],
  ])('%s is started anew', async (_what, expire, polls) => {
    server.state.takes = 1
    const platform = dynatracePlatform
    const client = clientOf(platform, platform.connection.parse(connection()))
    const asked = { queries: [{ name: id, query: id }], start: 1, end: 2, project: '', stage: '', service: '' }
    if (polls === 0) expire()
    const first = await platform.measure(client, asked, undefined)
    if (!('status' in first)) throw new Error('It has ended')
    expect(first).toMatchObject({ status: `evaluating ${id}`, pollImmediately: true })
    expire()
    server.state.takes = 0
    expect(await platform.measure(client, asked, first.started)).toMatchObject({ measured: [{ value: 99.95 }] })
    const polled = Array(polls).fill('GET slos/evaluation:poll')
    expect(paths()).toEqual(['POST slos/evaluation:start', ...polled, 'POST slos/evaluation:start'])
  })

  test('that is asked for silently goes on with what it has begun', async () => {
    server.state.takes = 2
    expect(await evaluate(dynatracePlatform, connection(), time)).toMatchObject({ result: 'pass' })
    expect(paths().filter((path) => path.startsWith('POST'))).toHaveLength(1)
  })

  test('that a silent call can not wait for is no verdict, and says what to do', async () => {
    server.state.takes = 1_000
    const outcome = await evaluate(dynatracePlatform, connection(), time)
    expect(outcome).toMatchObject({ status: 'errored', result: 'fail' })
    expect(outcome.message).toContain('Dynatrace Platform has not ended its evaluation yet')
    expect(outcome.message).toContain('mode=interactive')
  })

  test('of several criteria takes the worst, with its own target', async () => {
    server.state.slos = [
      {
        ...{ id, name: 'Checkout availability' },
        criteria: [
          { timeframeFrom: 'now-30d', target: 99 },
          { timeframeFrom: 'now-7d', target: 99.5, warning: 99.9 },
        ],
      },
    ]
    server.find(
      { criteria: 'now-7d - now', status: 'WARNING', value: 99.6, message: 'nearly exhausted' },
      { criteria: 'now-30d - now', status: 'SUCCESS', value: 99.2 },
    )
    expect(await run()).toMatchObject({
      result: 'warning',
      message: expect.stringContaining(`${id} is 99.6, not >=99.9 (of now-7d - now; nearly exhausted)`),
      data: { errorBudget: 20 },
    })
  })

  test('has no target where it is not clear which is meant', async () => {
    server.state.slos[0]?.criteria.push({ timeframeFrom: 'now-30d', target: 99 })
    server.find({ criteria: '2026-11-24 10:00 - 10:05', status: 'FAILURE', value: 98 })
    const { result, data } = await run()
    expect(result).toBe('fail')
    expect(data).not.toHaveProperty('errorBudget')
    expect(data['indicatorResults']).toMatchObject([{ passTargets: [], warningTargets: [] }])
  })

  test.each([
    ['no value', [{ criteria: 'now-7d', status: 'SUCCESS', value: null }], 'now-7d: no value'],
    ['a reason', [{ criteria: 'now-7d', status: 'ERROR', message: 'The query failed' }], 'now-7d: The query failed'],
    ['a status that is new', [{ criteria: 'now-7d', status: 'NEW', value: 99.99 }], 'the status "NEW" is not known'],
    ['no result', [], 'Dynatrace has answered no result'],
    [
      'a criterion without data beside one that is met',
      [
        { criteria: 'now-7d', status: 'SUCCESS', value: 99.95 },
        { criteria: 'now-30d', status: 'NONE', value: null },
      ],
      'now-30d: the status "NONE" is not known',
    ],
  ])('never passes with %s', async (_what, results, why) => {
    server.find(...results)
    const errored = await run()
    expect(errored).toMatchObject({ status: 'errored', result: 'fail', message: expect.stringContaining(why) })
    expect(await run({}, { noData: 'warning' })).toMatchObject({ status: 'succeeded', result: 'warning' })
  })

  test('is asked for by a name, which is looked for on each page once', async () => {
    const [slo] = server.state.slos
    const others = Array.from({ length: 5 }, (_, at) => ({ id: `${at}`, name: `SLO ${at}`, criteria: [] }))
    server.state.slos = [...others, ...(slo ? [slo] : [])]
    server.state.pageSize = 2
    const outcome = await run({ queries: { one: 'Checkout availability', two: 'Checkout availability' } })
    expect(outcome).toMatchObject({ result: 'pass', data: { url: url() } })
    expect(paths().filter((path) => path === 'GET slos')).toHaveLength(3)
  })

  test.each([
    ['a name that there is not', 'Nothing', 'Dynatrace shows no SLO named "Nothing"'],
    ['what tries to leave the path', '../../../api/v2/slo', 'Dynatrace shows no SLO named'],
    ['an id that there is not', 'vu9U3hXa3q0AAAABnothing', 'SLO not found'],
  ])('is refused for %s', async (_what, slo, why) => {
    const failure = await failureOf(evaluate(dynatracePlatform, connection(), { ...time, slo }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining(why) })
    expect(failure.message).toContain(`The query of ${slo}: `)
    expect(await run({ slo })).toMatchObject({ status: 'errored', message: expect.stringContaining(why) })
  })

  test('is refused where a name is that of several', async () => {
    server.state.slos.push({ id: 'another', name: 'Checkout availability', criteria: [] })
    const failure = await failureOf(
      evaluate(dynatracePlatform, connection(), { ...time, slo: 'Checkout availability' }),
    )
    expect(failure.message).toContain('more than one SLO')
  })

  test('says which scopes are missing', async () => {
    const details = { missingScopes: ['slo:slos:read'] }
    server.failNext(403, { error: { code: 403, message: 'Missing permissions', details } })
    const failure = await failureOf(evaluate(dynatracePlatform, connection(), time))
    expect(failure.message).toContain('Missing permissions; missing scopes: slo:slos:read')
  })

  test.each([
    ['is limited', () => server.failNext(429, '', { headers: { 'retry-after': '7' } })],
    ['fails', () => server.failNext(502, '<html>')],
    ['is down', () => server.down()],
    ['answers something else', () => server.failNext(200, 'hello')],
  ])('can be tried again where Dynatrace %s', async (_what, break_) => {
    break_()
    const failure = await failureOf(evaluate(dynatracePlatform, connection(), time))
    expect(failure).toMatchObject({ transient: true, afterWrite: false })
  })
})
