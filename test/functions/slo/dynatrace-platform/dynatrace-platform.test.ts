import { describe, expect, test } from '@jest/globals'
import { dynatracePlatform } from '../../../../functions/slo/dynatrace-platform/dynatrace-platform.ts'
import { clientOf, expectFailure } from '../../helpers.ts'
import { playEvaluations, time } from '../play.ts'
import { account, startDynatracePlatform } from './fake.ts'

const id = 'vu9U3hXa3q0AAAABABhhcHA'
const run = (input: object = {}, fields: object = {}) => ask(input, fields, { interactive: true })
const paths = () => server.calls.map(({ method, path }) => `${method} ${path.replace('/platform/slo/v1/', '')}`)

const found = (status: string, value: number | null, criteria = 'now-7d', message?: string) => ({
  criteria,
  status,
  value,
  ...(message === undefined ? {} : { message }),
})
const { server, connection, ask } = playEvaluations(dynatracePlatform, {
  start: startDynatracePlatform,
  connection: ({ url, token }) => ({ baseUrl: url, token, slo: id }),
  refusal: (message) => ({ error: { code: 400, message } }),
  checks: [
    {
      connection: ({ clientId, clientSecret, tokenUrl }) => ({
        token: undefined,
        clientId,
        clientSecret,
        tokenUrl,
        account,
      }),
      requests: ['POST /sso/oauth2/token', 'GET /platform/slo/v1/slos'],
    },
  ],
  failedChecks: [
    { reason: '', connection: { token: undefined }, kind: 'misconfigured' },
    { reason: 'Unauthorized: ***', connection: { token: 'dt0s16.invalid' }, kind: 'credentials' },
  ],
  defaults: { tokenUrl: 'https://sso.dynatrace.com/sso/oauth2/token', scope: 'slo:slos:read' },
  verdicts: {
    SUCCESS: { arrange: ({ server }) => server.find(found('SUCCESS', 99.95)), result: 'pass', value: 99.95 },
    WARNING: { arrange: ({ server }) => server.find(found('WARNING', 99.6)), result: 'warning', value: 99.6 },
    FAILURE: { arrange: ({ server }) => server.find(found('FAILURE', 98)), result: 'fail', value: 98 },
  },
  gaps: {
    'no value': { arrange: ({ server }) => server.find(found('SUCCESS', null)), message: 'now-7d: no value' },
    'a reason': {
      arrange: ({ server }) => server.find(found('ERROR', null, 'now-7d', 'It failed')),
      message: 'now-7d: It failed',
    },
    'an unknown status': { arrange: ({ server }) => server.find(found('NEW', 99.99)), message: 'unknown status "NEW"' },
    'no result': { arrange: ({ server }) => server.find(), message: 'Dynatrace returned no result' },
    'a criterion without data next to a met one': {
      arrange: ({ server }) => server.find(found('SUCCESS', 99.95), found('NONE', null, 'now-30d')),
      message: 'now-30d: unknown status "NONE"',
    },
  },
  reason: ({ server }, text) => server.find(found('ERROR', null, 'now-7d', text)),
  unknown: {
    'an unknown name': { slo: 'Nothing', message: 'Dynatrace has no SLO named "Nothing"' },
    'a name that is a path': { slo: '../../../api/v2/slo', message: 'Dynatrace has no SLO named' },
    'a name that two SLOs have': {
      slo: 'Checkout availability',
      message: 'more than one SLO',
      change: ({ server }) => server.state.slos.push({ id: 'another', name: 'Checkout availability', criteria: [] }),
    },
    'an unknown id': { slo: 'vu9U3hXa3q0AAAABnothing', message: 'SLO not found' },
  },
})

describe('Dynatrace Platform: an evaluation', () => {
  const url = () =>
    `${server.url}/ui/intent/dynatrace.service.level.objectives/view-slo#${encodeURIComponent(`{"dt.slo.id":"${id}"}`)}`

  test('that is fast takes one request with the time', async () => {
    expect(await run()).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      message: 'The evaluation passed with a score of 100',
      data: {
        score: 100,
        errorBudget: 90,
        url: url(),
        timeStart: time.start,
        timeEnd: time.end,
        indicatorResults: [
          {
            displayName: id,
            status: 'pass',
            errorBudget: 90,
            value: { metric: id, value: 99.95, success: true },
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
        customTimeframe: { timeframeFrom: '2025-11-24T10:00:00.000Z', timeframeTo: '2025-11-24T10:05:00.000Z' },
        requestTimeoutMilliseconds: 8_000,
      },
    ])
  })

  test('that takes longer starts once and is polled until it ends', async () => {
    server.state.takes = 3
    expect(await run()).toMatchObject({ result: 'pass' })
    expect(paths()).toEqual(['POST slos/evaluation:start', ...Array(3).fill('GET slos/evaluation:poll')])
    expect(server.calls.at(-1)?.query.get('evaluation-token')).toBe('FQ5aVZERXZNMjR1SzVnPT0ifQ==0')
  })

  test('polls only the SLOs that are still running', async () => {
    const [slo] = server.state.slos
    if (slo) server.state.slos.push({ ...slo, id: 'vu9U3hXa3q0AAAABsearch', name: 'Search' })
    server.state.results['vu9U3hXa3q0AAAABsearch'] = [{ criteria: 'now-7d', status: 'FAILURE', value: 90 }]
    server.failNext(202, { evaluationToken: 'unknown-here', ttlSeconds: 300 }, { on: 'POST' })
    const outcome = await run({ queries: { checkout: id, search: 'vu9U3hXa3q0AAAABsearch' } })
    expect(outcome).toMatchObject({ result: 'fail', data: { score: 50 } })
    // The fake does not know the first token, so that evaluation starts again.
    expect(paths().filter((path) => path.startsWith('POST'))).toHaveLength(3)
    expect(paths().filter((path) => path.startsWith('GET'))).toHaveLength(1)
  })

  test.each([
    ['with a token that Dynatrace no longer knows', () => server.state.evaluations.clear(), 1],
    ['with an expired token', () => (server.state.ttlSeconds = 0), 0],
  ])('%s starts again', async (_what, expire, polls) => {
    server.state.takes = 1
    const platform = dynatracePlatform
    const client = clientOf(platform, platform.connection.parse(connection()))
    const asked = { queries: [{ name: id, query: id }], start: 1, end: 2, project: '', stage: '', service: '' }
    if (polls === 0) expire()
    const first = await platform.measure(client, asked, undefined)
    if (!('status' in first)) throw new Error('The evaluation has ended')
    expect(first).toMatchObject({ status: `evaluating ${id}`, pollImmediately: true })
    expire()
    server.state.takes = 0
    expect(await platform.measure(client, asked, first.started)).toMatchObject({ measured: [{ value: 99.95 }] })
    const polled = Array(polls).fill('GET slos/evaluation:poll')
    expect(paths()).toEqual(['POST slos/evaluation:start', ...polled, 'POST slos/evaluation:start'])
  })

  test('of a silent call polls the evaluation that it started', async () => {
    server.state.takes = 2
    expect(await ask()).toMatchObject({ result: 'pass' })
    expect(paths().filter((path) => path.startsWith('POST'))).toHaveLength(1)
  })

  test('that is too slow for a silent call has no verdict and recommends an interactive call', async () => {
    server.state.takes = 1_000
    const message = expect.stringMatching(/Dynatrace Platform is still evaluating.*mode=interactive/)
    expect(await ask()).toMatchObject({ status: 'errored', result: 'fail', message })
  })

  test('uses the worst of several criteria, with its target', async () => {
    server.state.slos = [
      {
        id,
        name: 'Checkout availability',
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

  test('has no target if the criterion is ambiguous', async () => {
    server.state.slos[0]?.criteria.push({ timeframeFrom: 'now-30d', target: 99 })
    server.find({ criteria: '2025-11-24 10:00 - 10:05', status: 'FAILURE', value: 98 })
    const { result, data } = await run()
    expect(result).toBe('fail')
    expect(data).not.toHaveProperty('errorBudget')
    expect(data['indicatorResults']).toMatchObject([{ passTargets: [], warningTargets: [] }])
  })

  test('finds an SLO by its name and reads each page once', async () => {
    const [slo] = server.state.slos
    const others = Array.from({ length: 5 }, (_, at) => ({ id: `${at}`, name: `SLO ${at}`, criteria: [] }))
    server.state.slos = [...others, ...(slo ? [slo] : [])]
    server.state.pageSize = 2
    const outcome = await run({ queries: { one: 'Checkout availability', two: 'Checkout availability' } })
    expect(outcome).toMatchObject({ result: 'pass', data: { url: url() } })
    expect(paths().filter((path) => path === 'GET slos')).toHaveLength(3)
  })

  test('names the missing scopes', async () => {
    const details = { missingScopes: ['slo:slos:read'] }
    server.failNext(403, { error: { code: 403, message: 'Missing permissions', details } })
    await expectFailure(ask(), 'refused', 'Missing permissions; missing scopes: slo:slos:read')
  })
})
