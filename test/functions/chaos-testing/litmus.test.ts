import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { litmus } from '../../../functions/chaos-testing/providers/litmus.ts'
import { type LitmusServer, startLitmus } from '../../../infra/platforms/litmus.ts'
import { secretsIn } from '../../../shared/fields.ts'
import type { Run } from '../../../shared/providers/job.ts'
import { redact } from '../../../shared/redact.ts'
import { failureOf } from '../helpers.ts'
import { times } from '../times.ts'
import { experiment } from './experiment.ts'

let server: LitmusServer
beforeEach(async () => {
  server = await startLitmus()
})
afterEach(async () => {
  jest.restoreAllMocks()
  await server.close()
})

const pods = { target: 'a1b2' }
const notifyID = '5f2c3d1e-1b2c-4d5e-8f90-000000000001'
const id = `f0a1-shop/a1b2#${notifyID}`

const connection = (fields: object = {}) => ({
  baseUrl: server.url,
  token: server.token,
  project: server.project,
  allow: 'a1b*, nightly, nope',
  ...fields,
})
const connected = (fields: object = {}) => experiment(litmus, () => connection(fields))
const asUser = (fields: object = {}) =>
  connected({ token: undefined, username: 'robot', password: server.password, ...fields })
const asked = (field: string) =>
  server.calls.filter(({ body }) => String((body as { query?: string } | undefined)?.query).includes(`${field}(`))
const run = () => {
  const found = server.state.runs.at(-1)
  if (!found) throw new Error('There is no run')
  return found
}
/** Advances the clock by the given seconds. */
const pass = (seconds: number) => {
  const now = Date.now() + seconds * 1_000
  jest.spyOn(Date, 'now').mockReturnValue(now)
}
/** A GraphQL error, which arrives with 200. */
const error = (message: string) => ({ errors: [{ message, path: ['runChaosExperiment'] }], data: null })
const passed = { name: 'pod-delete', verdict: 'Pass', probeSuccess: 100 }
const failed = { name: 'node-drain', verdict: 'Fail', probeSuccess: 50, failedProbe: 'HTTP 503 instead of 200' }

describe('Litmus: connection', () => {
  test('the check reads an unknown run', async () => {
    await litmus.check(connected().client())
    expect(server.calls).toHaveLength(1)
    expect(asked('getExperimentRun')[0]?.headers['authorization']).toBe(`Bearer ${server.token}`)
    expect(await failureOf(litmus.check(connected({ project: 'another' }).client()))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('permission_denied'),
    })
  })

  test('logs in, and uses the token until shortly before it expires', async () => {
    const started = await asUser().start(pods)
    await asUser().poll(started, pods)
    expect(server.state.given).toBe(1)
    expect(asked('runChaosExperiment')[0]?.headers['authorization']).toBe('Bearer a-token-of-a-login-1')
    expect(server.calls[0]).toMatchObject({
      path: '/auth/login',
      body: { username: 'robot', password: server.password },
    })
    expect(redact('with a-token-of-a-login-1')).toBe('with ***')
    pass(86_400 - 20)
    await asUser().poll(started, pods)
    expect(server.state.given).toBe(2)
  })

  test('logs in again if Litmus rejects the token, in any of its ways', async () => {
    const started = await asUser().start(pods)
    server.state.tokens = []
    expect(await failureOf(asUser().poll(started, pods))).toMatchObject({
      kind: 'credentials',
      message: expect.stringContaining('Token is expired'),
    })
    expect(await asUser().poll(started, pods)).toMatchObject({ status: 'Queued' })
    server.state.revoked = ['a-token-of-a-login-2']
    expect(await failureOf(asUser().poll(started, pods))).toMatchObject({
      kind: 'credentials',
      message: expect.stringContaining('Token is revoked'),
    })
    expect(await asUser().poll(started, pods)).toMatchObject({ status: 'Queued' })
    expect(server.state.given).toBe(3)
  })

  test('an invalid password is a credentials failure without the password', async () => {
    const failure = await failureOf(asUser({ password: 'a-wrong-password' }).start(pods))
    expect(failure).toMatchObject({ kind: 'credentials', mayHaveWritten: false })
    expect(failure.message).toContain('401 to POST /auth/login: Invalid Credentials')
    expect(failure.message).not.toContain('a-wrong-password')
  })

  test('an invalid token is a credentials failure without the token', async () => {
    const failure = await failureOf(connected({ token: 'a-wrong-token' }).start(pods))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('a failed login is transient, and nothing was written', async () => {
    server.failNext(502, '<html><title>502 Bad Gateway</title>')
    expect(await failureOf(asUser().start(pods))).toMatchObject({ transient: true, mayHaveWritten: false })
    server.failNext(200, '<html>')
    expect(await failureOf(asUser().start(pods))).toMatchObject({ kind: 'platform', mayHaveWritten: false })
  })

  test.each([
    ['nothing', { token: undefined }],
    ['a user without a password', { token: undefined, username: 'robot' }],
    ['a password without a user', { token: undefined, password: 'a-password' }],
    ['both', { username: 'robot', password: 'a-password' }],
    ['a token and a password', { password: 'a-password' }],
  ])('rejects %s', async (_what, fields) => {
    expect(await failureOf(connected(fields).start(pods))).toMatchObject({
      kind: 'misconfigured',
      message: 'The connection to Litmus needs either a token, or a username and a password.',
    })
    expect(server.calls).toEqual([])
  })

  test('requires allow and a valid project and score', () => {
    for (const fields of [{ allow: undefined }, { project: undefined }, { project: 'a/b' }, { minScore: 101 }])
      expect(litmus.connection.safeParse(connection(fields)).success).toBe(false)
    expect(litmus.connection.parse(connection()).minScore).toBe(100)
  })

  test('the token and the password are secrets', () => {
    const values = litmus.connection.parse(connection({ password: 'a-password' }))
    expect(secretsIn(litmus.connection, values)).toEqual([server.token, 'a-password'])
  })
})

describe('Litmus: start', () => {
  test('runs the experiment and returns at once', async () => {
    const { outcome } = await connected().start(pods)
    const url = `${server.url}/account/-/project/f0a1-shop/experiments/a1b2/notifyID/${notifyID}`
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      message: `Started experiment run ${id}`,
      data: { id, url, state: 'started' },
      links: { [`litmus ${id}`]: url },
    })
    expect(asked('runChaosExperiment')[0]?.body).toMatchObject({
      variables: { experimentID: 'a1b2', projectID: 'f0a1-shop' },
    })
  })

  test('takes the experiment from the connection, and accepts its project', async () => {
    await connected({ target: 'a1b3' }).start({ project: server.project })
    expect(run()).toMatchObject({ experimentID: 'a1b3', project: 'f0a1-shop' })
  })

  test.each([
    ['an experiment', { target: 'a1b2' }, 'input.target is "a1b2", which is outside the blast radius'],
    ['a project', { target: 'x1', project: 'bank' }, 'input.project is "bank", which is outside the blast radius'],
  ])('rejects %s that the connection does not allow', async (_what, input, message) => {
    const failure = await failureOf(connected({ allow: ['x1'] }).start(input))
    expect(failure).toMatchObject({ kind: 'refused', status: 422, message: expect.stringContaining(message) })
    expect(server.calls).toEqual([])
  })

  test.each([
    ['an invalid target', { target: 'a/b' }, 'input.target must be the id of an experiment'],
    ['a target of dots', { target: '..' }, 'input.target must be the id of an experiment'],
    ['a ref', { ref: 'main' }, 'input.ref is not supported'],
    ['parameters', { parameters: { TARGET_PODS: 'all' } }, 'input.parameters is not supported'],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(connected({ allow: '*' }).start({ ...pods, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400, message: expect.stringContaining(message) })
    expect(server.calls).toEqual([])
  })

  test('reports the reason that Litmus gives', async () => {
    expect(await failureOf(connected().start({ target: 'nope' }))).toMatchObject({
      kind: 'refused',
      message:
        'Litmus answered 404 to POST /api/query: could not get experiment run, error: mongo: no documents in result',
    })
    server.state.agent = false
    expect(await failureOf(connected().start(pods))).toMatchObject({
      kind: 'refused',
      message: 'Litmus answered 422 to POST /api/query: experiment re-run failed due to inactive infra',
    })
    server.state.role = 'Viewer'
    expect(await failureOf(connected().start(pods))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('403 to POST /api/query: permission_denied: rpc error'),
    })
    expect(server.state.runs).toEqual([])
  })

  test('rejects an experiment with a schedule, which returns no run', async () => {
    expect(await failureOf(connected().start({ target: 'nightly' }))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('The experiment nightly has a schedule'),
    })
  })

  test('returns Retry-After of Litmus', async () => {
    server.failNext(429, 'slow down', { headers: { 'retry-after': '12' } })
    expect(await failureOf(connected().start(pods))).toMatchObject({
      transient: true,
      retryAfter: 12,
      mayHaveWritten: false,
    })
  })

  test('is transient if the permission check fails, but not if the request may have been received', async () => {
    server.failNext(200, error('permission_denied: rpc error: code = Unavailable desc = connection error'))
    expect(await failureOf(connected().start(pods))).toMatchObject({ transient: true, mayHaveWritten: false })
    await connected().start(pods)
    server.down()
    expect(await failureOf(connected().start(pods))).toMatchObject({ kind: 'doubtful' })
    expect(server.state.runs).toHaveLength(1)
  })
})

describe('Litmus: start with an unknown outcome', () => {
  test.each([
    ['the response is lost', () => server.loseNext('POST')],
    ['Litmus returns a page with 500', () => server.failNext(500, '<html><title>Oops</title>', { done: true })],
    ['the database fails', () => server.failNext(200, error('server selection error: no primary'), { done: true })],
    ['Litmus reports an internal error', () => server.failNext(200, error('internal system error'), { done: true })],
    ['Litmus returns no run', () => server.failNext(200, { data: null }, { done: true })],
  ])('is not retried, because runs have no key: %s', async (_what, fail) => {
    fail()
    expect(await failureOf(connected().start(pods))).toMatchObject({
      kind: 'doubtful',
      transient: false,
      message: expect.stringContaining('Check Litmus before you repeat the call'),
    })
    expect(server.state.runs).toHaveLength(1)
  })

  test('is not retried after a crash', async () => {
    expect(await failureOf(connected().start(pods, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(server.calls).toEqual([])
  })
})

describe('Litmus: run', () => {
  test.each([
    ['Queued', 'Queued'],
    ['Pending', 'Pending'],
    ['Running', 'Running'],
    ['NA', 'NA'],
    // Only a filter of lists: no run is in this phase.
    ['All', 'All (unknown state)'],
    ['Paused', 'Paused (unknown state)'],
  ])('keeps running in the phase %s', async (phase, running) => {
    const started = await connected().start(pods)
    server.enter(phase)
    expect(await connected().poll(started, pods)).toMatchObject({ status: running, progress: phase })
  })

  test.each([
    ['Completed', 100, 'succeeded', 'pass'],
    ['Completed', 99.9, 'succeeded', 'fail'],
    ['Completed', 0, 'succeeded', 'fail'],
    ['Completed', null, 'succeeded', 'fail'],
    ['Completed_With_Probe_Failure', 50, 'succeeded', 'fail'],
    ['Completed_With_Error', 100, 'succeeded', 'fail'],
    ['Error', 100, 'errored', 'fail'],
    ['Timeout', 100, 'errored', 'fail'],
    ['Skipped', 100, 'errored', 'fail'],
    ['Stopped', 100, 'aborted', 'fail'],
    ['Terminated', 100, 'aborted', 'fail'],
  ])('in the phase %s with the score %s, ends as %s, %s', async (phase, score, status, result) => {
    const started = await connected().start(pods)
    server.enter(phase, { score })
    expect(await connected().end(started, pods)).toMatchObject({ status, result, data: { id, state: phase } })
  })

  test.each([
    [60, 60, 'pass'],
    [60, 59.99, 'fail'],
    [0, 0, 'pass'],
  ])('passes with at least the minimum score of the connection: %s of %s', async (minScore, score, result) => {
    const started = await connected({ minScore }).start(pods)
    server.enter('Completed_With_Probe_Failure', { score, faults: [failed] })
    expect(await connected({ minScore }).end(started, pods)).toMatchObject({ status: 'succeeded', result })
  })

  test('reports the injected faults and their results', async () => {
    const started = await connected().start(pods)
    server.enter('Completed', { score: 100, faults: [passed] })
    const outcome = await connected().end(started, pods)
    expect(outcome.message).toBe(`Experiment run ${id} ended as Completed`)
    expect(outcome.data).toEqual({
      ...times,
      id,
      url: started.outcome.data['url'],
      state: 'Completed',
      experiment: 'checkout-pods',
      infrastructure: 'production',
      resiliencyScore: 100,
      duration: 90,
      faultsPassed: 1,
      faultsFailed: 0,
      faultsAwaited: 0,
      faultsStopped: 0,
      faultsNa: 0,
      totalFaults: 1,
      faults: [{ name: 'pod-delete', verdict: 'Pass', probeSuccess: 100 }],
    })
  })

  test('a failure names the score, the fault and the probe', async () => {
    const started = await connected().start(pods)
    server.enter('Completed_With_Probe_Failure', { score: 66.66, faults: [passed, failed] })
    const outcome = await connected().end(started, pods)
    expect(outcome.message).toBe(
      `Experiment run ${id} ended as Completed_With_Probe_Failure: resiliencyScore is 66.66, not >= 100; fault node-drain: Fail (probe answers: HTTP 503 instead of 200)`,
    )
    expect(outcome.data).toMatchObject({
      failedFault: 'node-drain',
      faults: [
        { name: 'pod-delete' },
        { verdict: 'Fail', probeSuccess: 50, failedProbes: ['answers: HTTP 503 instead of 200'] },
      ],
    })
  })

  test('an error names the failed step', async () => {
    const started = await connected().start(pods)
    const broken = { name: 'pod-delete', verdict: 'Fail', failStep: 'TARGET_SELECTION_ERROR : no pod found' }
    server.enter('Error', { faults: [broken], message: 'workflow shutdown' })
    expect((await connected().end(started, pods)).message).toBe(
      `Experiment run ${id} ended as Error: fault pod-delete: Fail (TARGET_SELECTION_ERROR : no pod found); workflow shutdown`,
    )
    const nodes = {
      a: { name: 'install-chaos-faults', type: 'Pod', phase: 'Error', message: 'Error (exit code 1)' },
      b: { name: 'pod-delete-x7c', type: 'ChaosEngine', phase: 'Error', message: 'no such engine' },
    }
    server.enter('Error', { reportedStatus: JSON.stringify({ nodes }) })
    const { message, data } = await connected().end(started, pods)
    expect(message).toContain(
      'fault pod-delete-x7c: N/A (no such engine); step install-chaos-faults: Error (exit code 1)',
    )
    expect(data['faults']).toEqual([{ name: 'pod-delete-x7c', verdict: 'N/A', failStep: 'no such engine' }])
  })

  test.each(['', 'not JSON', '[]', '{"nodes":{"a":1}}', '{"nodes":null}'])(
    'has a verdict regardless of the report of its agent: %j',
    async (executionData) => {
      const started = await connected().start(pods)
      server.enter('Completed', { score: 100, reportedStatus: executionData })
      expect(await connected().end(started, pods)).toMatchObject({ result: 'pass', data: { resiliencyScore: 100 } })
    },
  )

  test('limits its results if it has many faults', async () => {
    const started = await connected().start(pods)
    const faults = Array.from({ length: 60 }, (_, at) => ({
      ...failed,
      name: `fault-${at}`,
      failedProbe: 'x'.repeat(999),
    }))
    server.enter('Completed', { score: 0, faults })
    const { data, message } = await connected().end(started, pods)
    expect(data['faults']).toHaveLength(20)
    expect(message.length).toBeLessThan(700)
    expect(JSON.stringify(data).length).toBeLessThan(8_000)
  })

  test('can be polled after the deadline, when nothing can be started', async () => {
    const { job: pending } = await connected().start(pods)
    const late = connected().client({ deadline: -1 })
    expect(await litmus.getStatus(late, pending as Run)).toMatchObject({ state: 'Queued' })
    expect(await failureOf(litmus.start(late, pods))).toMatchObject({ kind: 'deadline' })
    expect(server.state.runs).toHaveLength(1)
  })

  test('reports the progress of each fault', async () => {
    const started = await connected().start(pods)
    server.enter('Running', { faults: [passed, { name: 'node-drain', verdict: 'Awaited', phase: 'Running' }] })
    expect(await connected().poll(started, pods)).toMatchObject({
      status: 'Running',
      progress: 'Running, pod-delete Completed, node-drain Running',
    })
  })

  test('is judged by thresholds', async () => {
    const input = {
      ...pods,
      thresholds: [
        { metric: 'resiliencyScore', op: '>=', value: 50, warn: 80 },
        { metric: 'faultsFailed', op: '<', value: 2 },
        { metric: 'duration', op: '<', value: 300 },
      ],
    }
    const started = await connected({ minScore: 0 }).start(input)
    server.enter('Completed_With_Probe_Failure', { score: 66, faults: [passed, failed] })
    expect(await connected({ minScore: 0 }).end(started, input)).toMatchObject({
      result: 'warning',
      message: expect.stringContaining('resiliencyScore is 66, not >= 80'),
    })
  })

  test('may be invisible for a minute after its start, but not longer', async () => {
    const started = await connected().start(pods)
    server.state.shownLate = 3
    const first = await connected().poll(started, pods)
    expect(first).toMatchObject({ status: 'not visible yet' })
    pass(61)
    expect(await failureOf(connected().poll(started, pods))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('404 to POST /api/query: no matching experiment run'),
    })
  })

  test('is refused at once if it disappears after it was visible', async () => {
    const started = await connected().start(pods)
    const seen = await connected().poll(started, pods)
    server.state.runs = []
    expect(await failureOf(connected().poll({ ...started, ...seen }, pods))).toMatchObject({ kind: 'refused' })
  })

  test('keeps running while Litmus is down', async () => {
    const started = await connected().start(pods)
    server.failNext(500, '<html><title>Oops</title>')
    expect(await failureOf(connected().poll(started, pods))).toMatchObject({ transient: true })
    server.failNext(200, error('DB aggregate stage error: cursor is closed'))
    expect(await failureOf(connected().poll(started, pods))).toMatchObject({ transient: true })
    server.failNext(200, '<html>Log in</html>')
    expect(await failureOf(connected().poll(started, pods))).toMatchObject({ transient: true })
  })
})

describe('Litmus: stop', () => {
  test('stops only this run of the experiment', async () => {
    await connected().start(pods)
    server.take()
    await connected().start(pods)
    server.take()
    expect(await connected().stop({ id })).toMatchObject({
      result: 'pass',
      message: `Stopped experiment run ${id} (Stopped)`,
      data: { id, state: 'Stopped' },
    })
    expect(server.state.runs.map(({ phase }) => phase)).toEqual(['Stopped', 'Running'])
    expect(asked('stopExperimentRuns')[0]?.body).toMatchObject({
      variables: { projectID: 'f0a1-shop', experimentID: 'a1b2', experimentRunID: 'run-1' },
    })
  })

  test('waits for a run that is still running', async () => {
    await connected().start(pods)
    server.take()
    server.state.stopsLate = true
    expect(await connected().stop({ id })).toMatchObject({ message: 'still Running' })
  })

  test('is transient until the agent accepts the run, because a stop without its id would stop all runs', async () => {
    await connected().start(pods)
    server.take()
    await connected().start(pods)
    const second = id.replace(/1$/, '2')
    expect(await failureOf(connected().stop({ id: second }))).toMatchObject({
      transient: true,
      message: 'Litmus cannot stop a run before its agent accepts it (Queued).',
    })
    expect(asked('stopExperimentRuns')).toEqual([])
    server.take()
    expect(await connected().stop({ id: second })).toMatchObject({ data: { state: 'Stopped' } })
  })

  test('also stops it at the deadline', async () => {
    const started = await connected().start(pods)
    server.take()
    expect(await connected().stopAtDeadline(started, pods)).toBe(true)
    expect(run().phase).toBe('Stopped')
  })

  test('passes for a run that has ended, even between the poll and the stop', async () => {
    await connected().start(pods)
    server.enter('Completed', { score: 100 })
    expect(await connected().stop({ id })).toMatchObject({
      result: 'pass',
      message: `Experiment run ${id} had ended already (Completed)`,
    })
    await litmus.stop(connected().client(), { id })
    expect(asked('stopExperimentRuns')).toEqual([])
  })

  test('reports the reason for a refusal', async () => {
    await connected().start(pods)
    server.take()
    server.state.role = 'Viewer'
    expect(await failureOf(connected().stop({ id }))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('403 to POST /api/query: permission_denied'),
    })
    const gone = id.replace(/1$/, '9')
    expect(await failureOf(connected().stop({ id: gone }))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('404 to POST /api/query: no matching experiment run'),
    })
    server.down()
    expect(await failureOf(connected().stop({ id }))).toMatchObject({ transient: true })
  })

  test.each([
    notifyID,
    `a1b2#${notifyID}`,
    `../a1b2#${notifyID}`,
    `f0a1-shop/..#${notifyID}`,
    'f0a1-shop/a1b2#a b',
    `${id}/x`,
  ])('rejects the id %j', async (wrong) => {
    expect(await failureOf(connected().stop({ id: wrong }))).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(': project/experiment#notifyID'),
    })
    expect(server.calls).toEqual([])
  })

  test('rejects a run of another project', async () => {
    const failure = await failureOf(connected({ project: 'bank' }).stop({ id }))
    expect(failure).toMatchObject({
      kind: 'invalid',
      message: 'input.id is in the project f0a1-shop, not in bank',
    })
  })
})
