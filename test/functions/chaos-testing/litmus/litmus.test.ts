import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { litmus } from '../../../../functions/chaos-testing/litmus/litmus.ts'
import { secretsIn } from '../../../../shared/fields.ts'
import type { Run } from '../../../../shared/providers/job.ts'
import { redact } from '../../../../shared/redact.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { advanceClock } from '../../clock.ts'
import { expectFailure, times } from '../../helpers.ts'
import { experimentActions } from '../../job-actions.ts'
import { jobRow, type LitmusServer } from './fake.ts'
import { listedStates } from './states.ts'

afterEach(() => void jest.restoreAllMocks())

const pods = { target: 'a1b2' }
const notifyID = '5f2c3d1e-1b2c-4d5e-8f90-000000000001'
const id = `f0a1-shop/a1b2#${notifyID}`
const second = id.replace(/1$/, '2')

const connected = (fields: object = {}) => connect({ allow: 'a1b*, nightly, nope', ...fields })
const asUser = (fields: object = {}) => connected({ ...user, password: server.password, ...fields })
const noToken = { token: undefined }
const user = { ...noToken, username: 'robot' }
const password = 'a-password'
const needs = 'The connection to Litmus needs either a token, or a username and a password.'
const asked = (field: string) =>
  server.calls.filter(({ body }) => String((body as { query?: string } | undefined)?.query).includes(`${field}(`))
const endIn = (phase: string, what: Parameters<LitmusServer['enter']>[1] = {}, fields: object = {}) =>
  connected(fields).endAfter(pods, () => server.enter(phase, what))
/** Starts a run that the agent accepts. */
const startRun = async () => {
  await connected().start(pods)
  server.take()
}
/** A GraphQL error, which arrives with 200. */
const error = (message: string) => ({ errors: [{ message, path: ['runChaosExperiment'] }], data: null })
const passed = { name: 'pod-delete', verdict: 'Pass', probeSuccess: 100 }
const failed = { name: 'node-drain', verdict: 'Fail', probeSuccess: 50, failedProbe: 'HTTP 503 instead of 200' }

const { server, connected: connect } = jobConformance(litmus, experimentActions, jobRow, {
  states: vendorStates(
    listedStates,
    {
      running: ['Pending', 'NA'],
      fail: ['Completed_With_Probe_Failure', 'Completed_With_Error'],
      errored: ['Timeout', 'Skipped'],
      aborted: ['Terminated'],
    },
    { All: 'a filter for runs of every state' },
  ),
  // All is only a filter of lists.
  defaults: { minScore: 100 },
  invalid: [{ project: undefined }, { project: 'a/b' }, { minScore: 101 }],
  unknownStates: ['All', 'Paused', 'constructor'],
  unsupported: ['ref', 'parameters'],
  check: ['POST /api/query getExperimentRun'],
  failedChecks: [
    { reason: 'permission_denied', connection: { project: 'another' } },
    {
      reason: '401 to POST /auth/login: Invalid Credentials',
      connection: { ...user, password: 'a-wrong-one' },
      kind: 'credentials',
    },
    ...[noToken, user, { ...noToken, password }, { username: 'robot', password }, { password }].map((connection) => ({
      reason: needs,
      connection,
      kind: 'misconfigured' as const,
    })),
  ],
  invalidStarts: [
    { name: 'an invalid target', input: { target: 'a/b' }, message: 'input.target must be the id of an experiment' },
    { name: 'a target of dots', input: { target: '..' }, message: 'input.target must be the id of an experiment' },
  ],
  forbidden: [
    {
      name: 'an experiment',
      message: 'input.target is "a1b2", which is outside the blast radius',
      connection: { allow: ['x1'] },
    },
    {
      name: 'a project',
      input: { project: 'bank' },
      message: 'input.project is "bank", which is outside the blast radius',
    },
  ],
  refused: [
    {
      name: 'a schedule, which returns no run',
      input: { target: 'nightly' },
      reason: 'The experiment nightly has a schedule',
    },
    {
      name: 'an unknown experiment',
      input: { target: 'nope' },
      reason: 'could not get experiment run, error: mongo: no doc',
    },
    {
      name: 'an inactive agent',
      change: withState({ agent: false }),
      reason: '422 to POST /api/query: experiment re-run failed due to inac',
    },
    {
      name: 'a viewer',
      change: withState({ role: 'Viewer' }),
      reason: '403 to POST /api/query: permission_denied: rpc error',
    },
  ],
  measures: {
    end: ({ enter }) => enter('Completed', { score: 100, faults: [passed] }),
    metrics: { resiliencyScore: 100, faultsFailed: 0, duration: 90 },
  },
  slowStop: { state: 'Running', change: withState({ stopsLate: true }) },
  refusedStops: [
    { change: withState({ role: 'Viewer' }), reason: '403 to POST /api/query: permission_denied' },
    { id: second, reason: 'no matching experiment run' },
  ],
  reports: [
    {
      name: 'the progress of each fault',
      change: ({ enter }) =>
        enter('Running', { faults: [passed, { name: 'node-drain', verdict: 'Awaited', phase: 'Running' }] }),
      reported: { progress: 'Running, pod-delete Completed, node-drain Running' },
    },
  ],
  waits: [
    {
      name: 'a permission check that fails',
      change: ({ failNext }) =>
        failNext(200, error('permission_denied: rpc error: code = Unavailable desc = connection')),
      reason: 'permission_denied: rpc error',
    },
  ],
  invalidIds: {
    ids: [
      notifyID,
      `a1b2#${notifyID}`,
      `../a1b2#${notifyID}`,
      `f0a1-shop/..#${notifyID}`,
      'f0a1-shop/a1b2#a b',
      `${id}/x`,
    ],
    message: ': project/experiment#notifyID',
  },
})

describe('Litmus: connection', () => {
  test('logs in, and uses the token until shortly before it expires', async () => {
    const { password } = server
    expect(secretsIn(litmus.connection, { password })).toEqual([password])
    const started = await asUser().start(pods)
    await asUser().poll(started, pods)
    expect(server.state.given).toBe(1)
    expect(asked('runChaosExperiment')[0]?.headers['authorization']).toBe('Bearer a-token-of-a-login-1')
    expect(server.calls[0]).toMatchObject({ path: '/auth/login', body: { username: 'robot', password } })
    expect(redact('with a-token-of-a-login-1')).toBe('with ***')
    advanceClock(86_400 - 20)
    await asUser().poll(started, pods)
    expect(server.state.given).toBe(2)
  })

  test('logs in again if Litmus rejects the token, in any of its ways', async () => {
    const started = await asUser().start(pods)
    for (const reject of [{ tokens: [] }, { revoked: ['a-token-of-a-login-2'] }]) {
      Object.assign(server.state, reject)
      expect(await asUser().poll(started, pods)).toMatchObject({ status: 'Queued' })
    }
    expect(server.state.given).toBe(3)
  })

  test.each([
    [502, '<html><title>502 Bad Gateway</title>'],
    [200, '<html>'],
  ])('a failed login (%s) is transient, and nothing was written', async (status, body) => {
    server.failNext(status, body)
    await expectFailure(asUser().start(pods), { kind: 'platform', transient: true, mayHaveWritten: false })
  })
})

test('Litmus: a start runs the experiment of the project, and links to the run', async () => {
  const { outcome } = await connected().start({ ...pods, project: server.project })
  const url = `${server.url}/account/-/project/f0a1-shop/experiments/a1b2/notifyID/${notifyID}`
  expect(outcome.data).toMatchObject({ id, url })
  const variables = { experimentID: 'a1b2', projectID: 'f0a1-shop' }
  expect(asked('runChaosExperiment')[0]?.body).toMatchObject({ variables })
})

test.each([
  ['returns a page with 500', 500, '<html><title>Oops</title>'],
  ['has a failing database', 200, error('server selection error: no primary')],
  ['reports an internal error', 200, error('internal system error')],
  ['returns no run', 200, { data: null }],
])('Litmus: a start has an unknown outcome if Litmus %s', async (_what, status, body) => {
  server.failNext(status, body, { done: true })
  await expectFailure(connected().start(pods), { kind: 'unconfirmed', transient: false })
  expect(server.state.runs).toHaveLength(1)
})

describe('Litmus: run', () => {
  test.each([
    ['Completed', 99.9, 'succeeded', 'fail'],
    ['Completed', null, 'succeeded', 'fail'],
    ['Completed_With_Error', 100, 'succeeded', 'fail'],
    ['Error', 100, 'errored', 'fail'],
  ])('in the phase %s with the score %s, ends as %s, %s', async (phase, score, status, result) => {
    expect(await endIn(phase, { score })).toMatchObject({ status, result })
  })

  test.each([
    [60, 60, 'pass'],
    [60, 59.99, 'fail'],
    [0, 0, 'pass'],
  ])('passes with at least the minimum score of the connection: %s of %s', async (minScore, score, result) => {
    const ended = await endIn('Completed_With_Probe_Failure', { score, faults: [failed] }, { minScore })
    expect(ended).toMatchObject({ status: 'succeeded', result })
  })

  test('reports the injected faults and their results', async () => {
    const { message, data } = await endIn('Completed', { score: 100, faults: [passed] })
    expect(message).toBe(`Experiment run ${id} ended as Completed`)
    expect(data).toEqual({
      ...times,
      id,
      url: expect.any(String),
      state: 'Completed',
      duration: 90,
      experiment: 'checkout-pods',
      infrastructure: 'production',
      resiliencyScore: 100,
      totalFaults: 1,
      faultsPassed: 1,
      faultsFailed: 0,
      faultsAwaited: 0,
      faultsStopped: 0,
      faultsNa: 0,
      faults: [passed],
    })
  })

  test('that failed names the score, the fault and the probe', async () => {
    const { message, data } = await endIn('Completed_With_Probe_Failure', { score: 66.66, faults: [passed, failed] })
    expect(message).toBe(
      `Experiment run ${id} ended as Completed_With_Probe_Failure: resiliencyScore is 66.66, not >= 100; fault node-drain: Fail (probe answers: HTTP 503 instead of 200)`,
    )
    const failedProbes = ['answers: HTTP 503 instead of 200']
    const faults = [{ name: 'pod-delete' }, { verdict: 'Fail', probeSuccess: 50, failedProbes }]
    expect(data).toMatchObject({ failedFault: 'node-drain', faults })
  })

  const noPod = { name: 'pod-delete', verdict: 'Fail', failStep: 'TARGET_SELECTION_ERROR : no pod found' }
  const nodes = {
    a: { name: 'install-chaos-faults', type: 'Pod', phase: 'Error', message: 'Error (exit code 1)' },
    b: { name: 'pod-delete-x7c', type: 'ChaosEngine', phase: 'Error', message: 'no such engine' },
  }
  test.each([
    [
      { faults: [noPod], message: 'workflow shutdown' },
      'fault pod-delete: Fail (TARGET_SELECTION_ERROR : no pod found); workflow shutdown',
    ],
    [
      { reportedStatus: JSON.stringify({ nodes }) },
      'fault pod-delete-x7c: N/A (no such engine); step install-chaos-faults: Error (exit code 1)',
    ],
  ])('that is errored names the failed step: %j', async (what, words) => {
    const { message, data } = await endIn('Error', what)
    expect(message).toContain(words)
    expect(data['faults']).toMatchObject([{ failStep: expect.any(String) }])
  })

  test.each(['', 'not JSON', '[]', '{"nodes":{"a":1}}', '{"nodes":null}'])(
    'has a verdict regardless of the report of its agent: %j',
    async (reportedStatus) => {
      const ended = await endIn('Completed', { score: 100, reportedStatus })
      expect(ended).toMatchObject({ result: 'pass', data: { resiliencyScore: 100 } })
    },
  )

  test('limits its results if it has many faults', async () => {
    const failedProbe = 'x'.repeat(999)
    const faults = Array.from({ length: 60 }, (_, at) => ({ ...failed, name: `fault-${at}`, failedProbe }))
    const { data, message } = await endIn('Completed', { score: 0, faults })
    expect(data['faults']).toHaveLength(20)
    expect(message.length).toBeLessThan(700)
    expect(JSON.stringify(data).length).toBeLessThan(8_000)
  })

  test('can be polled after the deadline, when nothing can be started', async () => {
    const { job } = await connected().start(pods)
    const late = connected().client({ deadline: -1 })
    expect(await litmus.getStatus(late, job as Run)).toMatchObject({ state: 'Queued' })
    await expectFailure(litmus.start(late, pods), { kind: 'deadline' })
    expect(server.state.runs).toHaveLength(1)
  })

  test('can be a warning by a threshold although it failed', async () => {
    const thresholds = [{ metric: 'resiliencyScore', op: '>=', value: 50, warn: 80 }]
    const end = () => server.enter('Completed_With_Probe_Failure', { score: 66, faults: [passed, failed] })
    const { result, message } = await connected({ minScore: 0 }).endAfter({ ...pods, thresholds }, end)
    expect(`${result}: ${message}`).toMatch(/^warning: .*resiliencyScore is 66, not >= 80/)
  })

  test('may be invisible for a minute after its start, but not longer', async () => {
    const started = await connected().start(pods)
    server.state.shownLate = 3
    expect(await connected().poll(started, pods)).toMatchObject({ status: 'not visible yet' })
    advanceClock(61)
    const message = '404 to POST /api/query: no matching experiment run'
    await expectFailure(connected().poll(started, pods), { kind: 'refused' }, message)
  })

  test('is refused at once if it disappears after it was visible', async () => {
    const started = await connected().start(pods)
    const seen = await connected().poll(started, pods)
    server.state.runs = []
    await expectFailure(connected().poll({ ...started, ...seen }, pods), { kind: 'refused' })
  })
})

describe('Litmus: stop', () => {
  test('stops only this run of the experiment', async () => {
    for (let runs = 0; runs < 2; runs++) await startRun()
    expect(await connected().stop({ id })).toMatchObject({ message: `Stopped experiment run ${id} (Stopped)` })
    expect(server.state.runs.map(({ phase }) => phase)).toEqual(['Stopped', 'Running'])
    const variables = { projectID: 'f0a1-shop', experimentID: 'a1b2', experimentRunID: 'run-1' }
    expect(asked('stopExperimentRuns')[0]?.body).toMatchObject({ variables })
  })

  test('is transient until the agent accepts the run, because a stop without its id would stop all runs', async () => {
    await startRun()
    await connected().start(pods)
    const message = 'Litmus cannot stop a run before its agent accepts it (Queued).'
    await expectFailure(connected().stop({ id: second }), { transient: true, message })
    expect(asked('stopExperimentRuns')).toEqual([])
    server.take()
    expect(await connected().stop({ id: second })).toMatchObject({ data: { state: 'Stopped' } })
  })

  test('sends nothing for a run that has ended', async () => {
    await connected().start(pods)
    server.enter('Completed', { score: 100 })
    await litmus.stop(connected().client(), { id })
    expect(asked('stopExperimentRuns')).toEqual([])
  })

  test('rejects a run of another project', async () => {
    const message = 'input.id is in the project f0a1-shop, not in bank'
    await expectFailure(connected({ project: 'bank' }).stop({ id }), { kind: 'invalid', message })
  })
})
