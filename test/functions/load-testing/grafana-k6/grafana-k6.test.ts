import { describe, expect, test } from '@jest/globals'
import { grafanaK6 } from '../../../../functions/load-testing/grafana-k6/grafana-k6.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { secondsOf } from '../../job.ts'
import { loadTestActions } from '../../job-actions.ts'
import { type GrafanaK6Server, jobRow } from './fake.ts'

const soak = { target: '1234' }
const id = '5678'
const posts = () => server.calls.filter(({ method }) => method === 'POST')
const run = () => newestOf(server.state.runs)
/** Makes the newest run older by the given minutes. */
const age = (minutes: number) => {
  run().created = new Date(Date.now() - minutes * 60_000).toISOString()
  if (minutes > 10) server.state.keys.clear()
}
const byUser = { by_user: 'mia@example.com', message: null, code: null }
const byFault = { by_user: null, message: 'Validation error', code: 123 }
const endWith = (...end: Parameters<typeof server.enter>) => connected().endAfter(soak, () => server.enter(...end))
const pass = () => endWith('completed', { result: 'passed' })

const details = [{ message: 'The subscription has no virtual user hours left.', code: 'x', target: null }]
const finish = ({ enter }: GrafanaK6Server) => {
  for (const state of ['running', 'processing_metrics']) enter(state)
  enter('completed', { result: 'passed' })
}

const { server, connected } = jobConformance(grafanaK6, loadTestActions, jobRow, {
  states: {
    running: ['created', 'queued', 'initializing', 'running', 'processing_metrics', 'completed'],
    pass: ['completed/passed'],
    fail: ['completed/failed', 'aborted/failed'],
    aborted: ['aborted', 'aborted/passed'],
    errored: ['completed/error', 'aborted/error'],
  },
  check: [{ path: '/cloud/v6/load_tests', headers: { 'x-stack-id': '4711' } }],
  defaults: { baseUrl: 'https://api.k6.io' },
  unknownStates: ['paused', 'constructor', 'completed/flaky'],
  unsupported: ['project', 'ref', 'parameters'],
  invalidStarts: [
    { name: 'an invalid target', input: { target: 'Orders API' }, message: 'must be the number of a load test' },
  ],
  refused: [
    { name: 'another stack', change: () => undefined, reason: 'access to this stack', connection: { stackId: '1' } },
    { name: 'an unknown test', input: { target: '99' }, reason: '404 to GET /cloud/v6/load_tests/99' },
    {
      name: 'a token that may not run it',
      change: withState({ mayRun: false }),
      reason: 'start: The user does not have permission',
    },
    {
      name: 'a reason in the details',
      change: ({ failNext }) =>
        failNext(400, { error: { message: 'Validation failed', code: 'x', details } }, { on: 'POST' }),
      reason: ': Validation failed; The subscription has no virtual user hours left.',
    },
  ],
  measures: {
    end: finish,
    metrics: {
      requests: 1_200,
      rps: 20,
      errorRate: 0.0125,
      mean: 110.5,
      max: 900,
      p50: 100,
      p90: 190,
      p95: 240,
      p99: 480,
      duration: 60,
    },
  },
  refusedStops: [
    { change: withState({ mayRun: false }), reason: '403 to POST /cloud/v6/test_runs/5678/abort' },
    { id: '1', reason: '404 to GET' },
  ],
  ignored: /\/test_runs\/\d+$/,
  lost: [
    { name: 'after the key has expired, without a note', change: () => age(11) },
    {
      name: 'behind 100 runs of other calls',
      change({ state }) {
        const [ours] = state.runs
        if (!ours) throw new Error('The fake has no run')
        const note = `cloud-automation-webhooks ${keyOf(2)}`
        for (let other = 1; other <= 100; other++) state.runs.push({ ...ours, id: ours.id + other, note })
        ours.note = `cloud-automation-webhooks ${keyOf(1)}`
        state.keys.clear()
      },
    },
  ],
  reports: [
    {
      name: 'that its metrics cannot be read',
      change: (fake) => {
        fake.state.metricsStatus = 403
        finish(fake)
      },
      reported: {
        result: 'pass',
        message: expect.stringContaining('its metrics could not be read (Grafana Cloud k6 answered 403'),
      },
    },
  ],
  url: 'https://stack.grafana.net/a/k6-app/runs/5678',
  stores: { read: ({ state }) => state.runs[0]?.note, expected: `cloud-automation-webhooks ${keyOf(1)}` },
  invalidIds: { ids: ['x', '../1', '1/2'], message: 'input.id must be' },
})

test('Grafana Cloud k6: a retry finds its run by the note even if the first attempt was 30 days ago', async () => {
  const { outcome } = await connected().start(soak)
  age(30 * 24 * 60)
  expect((await connected().start(soak, { isRetry: true })).outcome.data['id']).toBe(outcome.data['id'])
  expect(server.state.runs).toHaveLength(1)
})

describe('Grafana Cloud k6: start', () => {
  test('sends no key if the call has none', async () => {
    await connected().start(soak, { key: undefined })
    expect(run().note).toBe('')
    expect(server.calls.map(({ headers }) => headers['k6-idempotency-key'])).toEqual([undefined])
  })

  test.each([
    ['fails', () => server.failNext(503, 'busy', { on: 'PATCH' })],
    ['is forbidden', () => Object.assign(server.state, { mayEdit: false })],
  ])('succeeds even if saving the note %s', async (_what, prepare) => {
    prepare()
    expect((await connected().start(soak)).outcome).toMatchObject({ data: { id } })
  })

  test('of the same event finds the run after the key has expired', async () => {
    await connected().start(soak)
    server.enter('completed', { result: 'passed' })
    age(60)
    expect((await connected().start(soak)).outcome.data).toMatchObject({ id })
    expect(posts()).toHaveLength(1)
  })
})

describe('Grafana Cloud k6: run', () => {
  test('reports its progress', async () => {
    const entered = new Date(Date.now() - 90_000).toISOString()
    const running = await connected().pollAfter(soak, () => run().history.push({ type: 'running', entered }))
    const progress = expect.stringMatching(/^running for 9\d s of about 600 s, up to 10 users$/)
    expect(running).toMatchObject({ status: 'running', progress })
  })

  test('reads no metrics before it has a result', async () => {
    await connected().pollAfter(soak, () => server.enter('completed'))
    expect(server.calls.filter(({ path }) => path.includes('/v5/'))).toEqual([])
  })

  test.each<[result: 'error' | null, extra: typeof byUser | typeof byFault, status: string]>([
    ['error', byUser, 'aborted'],
    ['error', byFault, 'errored'],
    [null, byUser, 'aborted'],
  ])('that was aborted with the result %s by %j is %s', async (result, extra, status) => {
    expect(await endWith('aborted', { result, extra })).toMatchObject({ status, result: 'fail' })
  })

  test('reports its period and its cost', async () => {
    const ended = await connected().endAfter(soak, () => finish(server))
    expect(secondsOf(ended)).toBe(60)
    expect(ended.data).toMatchObject({ virtualUserHours: 10.5 })
  })

  test('reports why it failed, and who aborted it', async () => {
    const message = 'Some thresholds were crossed: http_req_duration p(95)<200'
    const failed = await endWith('completed', { result: 'failed', details: { type: 'failed', message } })
    expect(failed.message).toBe(`Test run 5678 ended as completed/failed: ${message}`)
    const extra = { ...byFault, by_user: 'mia@example.com' }
    const aborted = await endWith('aborted', { result: 'error', extra })
    expect(aborted.message).toContain(': Validation error; code 123; by mia@example.com')
  })

  test('of a test without HTTP requests has no metrics of them', async () => {
    server.state.metrics = {}
    const ended = await pass()
    expect(ended).toMatchObject({ result: 'pass' })
    expect(ended.data).not.toHaveProperty('p95')
  })
})

test('Grafana Cloud k6: a stop is refused before the test is running', async () => {
  await connected().start(soak)
  await expectFailure(connected().stop({ id }), 'refused', '409 to POST /cloud/v6/test_runs/5678/abort: Cannot')
})
