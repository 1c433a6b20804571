import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { gitlabCi } from '../../../functions/ci-cd/providers/gitlab-ci.ts'
import { type GitlabCiServer, startGitlabCi } from '../../../infra/platforms/gitlab-ci.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { Pipeline } from './pipeline.ts'

let server: GitlabCiServer
beforeEach(async () => {
  server = await startGitlabCi()
})
afterEach(() => server.close())

const project = 'ops/shop/checkout'
const build = { project }
const id = `${project}#61`

const connected = (fields: object = {}) =>
  new Pipeline(gitlabCi, () => ({ baseUrl: server.url, token: server.token, ...fields }))
const inputs = (fields: object = {}) => connected({ parametersAre: 'inputs', ...fields })
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const pipeline = () => {
  const found = server.state.pipelines.at(-1)
  if (!found) throw new Error('There is no pipeline')
  return found
}

describe('GitLab CI: connection', () => {
  test('the check reads the user of the token', async () => {
    await gitlabCi.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/v4/user'])
  })

  test('an invalid token is a credentials failure without the token', async () => {
    const failure = await failureOf(connected({ token: 'a-wrong-token' }).start(build))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).toContain('401 Unauthorized')
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('the token is a secret', () => {
    expect(secretsIn(gitlabCi.connection, { token: server.token })).toEqual([server.token])
  })
})

describe('GitLab CI: start', () => {
  test('runs the pipeline of the default branch and returns at once', async () => {
    const { outcome } = await connected().start(build)
    const url = `${server.url}/${project}/-/pipelines/61`
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      message: `Started pipeline ${id}`,
      data: { id, url, state: 'started' },
      links: { [`gitlab-ci ${id}`]: url },
    })
    expect(pipeline()).toMatchObject({ ref: 'main', variables: [{ key: 'WEBHOOKS_KEY', value: keyOf(1) }] })
  })

  test('takes project and branch from the connection, and prefers the input', async () => {
    const configured = connected({ project: '21', ref: 'release/1.2' })
    expect((await configured.start({})).outcome.data).toMatchObject({ id: '21#61' })
    expect(pipeline().ref).toBe('release/1.2')
    await configured.start({ target: 'pipeline', project, ref: 'main' }, { key: keyOf(2) })
    expect(pipeline().ref).toBe('main')
  })

  test('sends parameters as variables, which are text', async () => {
    await connected().start({ ...build, parameters: { STAGE: 'prod', REPLICAS: 3 } }, { key: undefined })
    expect(pipeline().variables).toEqual([
      { key: 'STAGE', value: 'prod' },
      { key: 'REPLICAS', value: '3' },
    ])
  })

  test('sends parameters as typed inputs', async () => {
    await inputs({ keyInput: 'key' }).start({ ...build, parameters: { replicas: 3 } })
    expect(pipeline()).toMatchObject({ inputs: { replicas: 3, key: keyOf(1) }, variables: [] })
  })

  test.each([
    ['another target', {}, { target: 'deploy' }, 'input.target must be omitted or pipeline'],
    ['an invalid project', {}, { project: 'checkout' }, 'input.project must look like'],
    ['no project', {}, { project: undefined }, 'input.project is required'],
    ['the variable of the idempotency key', {}, { parameters: { WEBHOOKS_KEY: 'x' } }, 'must not contain WEBHOOKS_KEY'],
    [
      'the input of the idempotency key',
      { parametersAre: 'inputs', keyInput: 'key' },
      { parameters: { key: 'x' } },
      'must not contain key',
    ],
  ])('rejects %s before sending a request', async (_what, fields, input, message) => {
    const failure = await failureOf(connected(fields).start({ ...build, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test.each([
    ...['BASH_ENV', 'bash_env', 'PATH', 'LD_PRELOAD', 'NODE_OPTIONS', 'PYTHONPATH', 'PERL5OPT', 'RUBYOPT', 'ENV'],
    ...['JAVA_TOOL_OPTIONS', 'CI_DEBUG_TRACE', 'GIT_SSH_COMMAND', 'GITLAB_TOKEN', 'FF_SCRIPT', 'https_proxy'],
  ])('rejects the variable %s before sending a request', async (name) => {
    const failure = await failureOf(connected().start({ ...build, parameters: { STAGE: 'prod', [name]: 'x' } }))
    expect(failure).toMatchObject({ kind: 'refused', errors: [{ path: `input.parameters.${name}` }] })
    expect(failure.message).toContain('list all names that they may set in allowParameters of the connection')
    expect(server.calls).toEqual([])
  })

  test('accepts only the variables that the connection allows', async () => {
    const allowing = connected({ allowParameters: 'GIT_DEPTH, STAGE' })
    await allowing.start({ ...build, parameters: { GIT_DEPTH: 1, STAGE: 'prod' } }, { key: undefined })
    expect(pipeline().variables).toEqual([
      { key: 'GIT_DEPTH', value: '1' },
      { key: 'STAGE', value: 'prod' },
    ])
    const failure = await failureOf(allowing.start({ ...build, parameters: { REPLICAS: 3 } }))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toBe(
      'input.parameters.REPLICAS is not in allowParameters of the connection: GIT_DEPTH, STAGE.',
    )
  })

  test('accepts any input unless the connection lists them', async () => {
    server.state.inputs.push('ENV')
    await inputs().start({ ...build, parameters: { ENV: 'prod' } })
    expect(pipeline().inputs).toEqual({ ENV: 'prod' })
    const failure = await failureOf(
      inputs({ allowParameters: ['replicas'] }).start({ ...build, parameters: { ENV: 'x' } }),
    )
    expect(failure).toMatchObject({ kind: 'refused' })
  })

  test('reports the reason that GitLab gives', async () => {
    expect((await failureOf(connected().start({ ...build, ref: 'nope' }))).message).toBe(
      'GitLab CI answered 400 to POST /api/v4/projects/ops%2Fshop%2Fcheckout/pipeline: base: Reference not found',
    )
    server.state.empty = true
    const failure = await failureOf(connected().start(build))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain('Pipeline will not run')
    server.state.mayRun = false
    expect((await failureOf(connected().start(build))).message).toContain('403 Forbidden')
    expect((await failureOf(connected().start({ project: 'ops/nope' }))).message).toContain('404 Project Not Found')
    expect(server.state.pipelines).toEqual([])
  })

  test('is refused for a project without branches', async () => {
    server.state.defaultBranch = null
    expect((await failureOf(connected().start(build))).message).toContain('has no branches')
  })

  test('returns Retry-After of GitLab', async () => {
    server.failNext(429, 'Retry later', { on: 'POST', headers: { 'retry-after': '30' } })
    expect(await failureOf(connected().start(build))).toMatchObject({ transient: true, retryAfter: 30 })
  })
})

describe('GitLab CI: start in a project that forbids pipeline variables', () => {
  beforeEach(() => {
    server.state.variablesAllowed = false
  })

  test('starts again without the variable of the key if the call has no parameters', async () => {
    for (const parameters of [undefined, {}]) {
      expect((await connected().start({ ...build, parameters })).outcome).toMatchObject({ result: 'pass' })
      expect(pipeline().variables).toEqual([])
    }
    expect(server.state.pipelines).toHaveLength(2)
    expect(calls('POST').map(({ body }) => body)).toContainEqual({ ref: 'main' })
  })

  test.each([
    ['parameters', { parameters: { STAGE: 'prod' } }, keyOf(1)],
    ['parameters and no key', { parameters: { STAGE: 'prod' } }, undefined],
  ])('is refused for a call with %s', async (_, input, key) => {
    const failure = await failureOf(connected().start({ ...build, ...input }, { key }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain('Insufficient permissions to set pipeline variables')
    expect(calls('POST')).toHaveLength(1)
  })

  test('the outcome is unknown if the response is lost, and the start is never retried', async () => {
    server.failNext(400, { message: { base: ['Insufficient permissions to set pipeline variables'] } }, { on: 'POST' })
    server.loseNext('POST')
    expect(await failureOf(connected().start(build))).toMatchObject({ kind: 'doubtful', transient: false })
    expect(await failureOf(connected().start(build, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(server.state.pipelines).toHaveLength(1)
  })

  test('reports why GitLab refuses it without the variable', async () => {
    server.state.empty = true
    expect((await failureOf(connected().start(build))).message).toContain('Pipeline will not run')
    expect(server.state.pipelines).toEqual([])
  })
})

describe('GitLab CI: start with a lost response', () => {
  test('a retry finds the pipeline by its variable among pipelines of others', async () => {
    server.loseNext('POST')
    expect(await failureOf(connected().start(build))).toMatchObject({ transient: true, mayHaveWritten: true })
    server.addOf('mia')
    await connected().start(build, { key: keyOf(2) })
    const { outcome } = await connected().start(build, { isRetry: true })
    expect(outcome.data).toMatchObject({ id, url: `${server.url}/${project}/-/pipelines/61` })
    expect(server.state.pipelines).toHaveLength(3)
  })

  test('a retry finds a pipeline with inputs by its name', async () => {
    server.failNext(502, '<html>', { on: 'POST', done: true })
    await failureOf(inputs({ keyInput: 'key' }).start(build))
    const { outcome } = await inputs({ keyInput: 'key' }).start(build, { isRetry: true })
    expect(outcome.data).toMatchObject({ id })
    expect(server.calls.some(({ path }) => path.endsWith('/variables'))).toBe(false)
  })

  test('a retry starts a pipeline that does not exist', async () => {
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(connected().start(build))
    await connected().start(build, { isRetry: true })
    expect(server.state.pipelines).toHaveLength(1)
  })

  test('is not retried if no input carries the key', async () => {
    server.loseNext('POST')
    expect(await failureOf(inputs().start(build))).toMatchObject({ kind: 'doubtful', transient: false })
    expect(await failureOf(inputs().start(build, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(server.state.pipelines).toHaveLength(1)
  })

  test('searches only the newest pipelines', async () => {
    for (let at = 0; at < 60; at++) server.addOf('mia')
    await connected().start(build)
    expect(server.calls.filter(({ path }) => path.endsWith('/variables'))).toHaveLength(20)
    server.calls.length = 0
    await connected().start(build, { key: keyOf(2), isRetry: true })
    expect(server.calls.filter(({ path }) => path.endsWith('/variables'))).toHaveLength(50)
  })
})

describe('GitLab CI: second delivery of an event', () => {
  test('finds the pipeline after it has ended', async () => {
    await connected().start(build)
    server.finish('success')
    expect((await connected().start(build)).outcome.data).toMatchObject({ id })
    expect(calls('POST')).toHaveLength(1)
  })
})

describe('GitLab CI: pipeline', () => {
  test.each([
    'created',
    'waiting_for_resource',
    'waiting_for_callback',
    'preparing',
    'pending',
    'running',
    'scheduled',
    'canceling',
  ])('keeps running in the state %s', async (status) => {
    const started = await connected().start(build)
    pipeline().status = status
    expect(await connected().poll(started, build)).toMatchObject({ status: status })
  })

  test('keeps running in an unknown state', async () => {
    const started = await connected().start(build)
    pipeline().status = 'paused'
    expect(await connected().poll(started, build)).toMatchObject({ status: 'paused (unknown state)' })
  })

  test.each([
    ['success', 'succeeded', 'pass'],
    ['skipped', 'succeeded', 'warning'],
    ['failed', 'succeeded', 'fail'],
    ['canceled', 'aborted', 'fail'],
  ])('in the state %s, ends as %s, %s', async (state, status, result) => {
    const started = await connected().start(build)
    server.finish(state)
    const ended = await connected().end(started, build)
    expect(ended).toMatchObject({
      status,
      result,
      data: { id, state, duration: 34 },
      links: { [`gitlab-ci ${id}`]: `${server.url}/${project}/-/pipelines/61` },
    })
    expect(ended.data).not.toHaveProperty('tests')
  })

  test('ends with a warning if a job failed that is allowed to fail', async () => {
    const started = await connected().start(build)
    server.finish('success', { jobs: [{ name: 'lint', stage: 'test', status: 'failed', allow_failure: true }] })
    expect(await connected().end(started, build)).toMatchObject({
      result: 'warning',
      data: { state: 'success-with-warnings' },
    })
  })

  test('a failure names the job, its stage and its reason, with a link', async () => {
    const started = await connected().start(build)
    server.finish('failed', {
      jobs: [
        { name: 'lint', stage: 'test', status: 'failed', allow_failure: true },
        { name: 'deploy', stage: 'production', status: 'failed', failure_reason: 'script_failure' },
      ],
    })
    const ended = await connected().end(started, build)
    expect(ended.message).toBe(
      `Pipeline ${id} ended as failed: job "deploy" of stage "production" failed (script_failure)`,
    )
    expect(ended.data).toMatchObject({ failedJob: 'deploy', failedStage: 'production' })
    expect(ended.links).toMatchObject({ 'job deploy': `${server.url}/${project}/-/jobs/8001` })
  })

  test('reports its tests and coverage, which thresholds can use', async () => {
    const input = { ...build, thresholds: [{ metric: 'coverage', op: '>=', value: 80 }] }
    const started = await connected().start(input)
    const tests = { time: 1904, count: 12, success: 8, failed: 1, skipped: 2, error: 1 }
    server.finish('success', { coverage: '72.5', tests })
    expect(await connected().end(started, input)).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('coverage is 72.5, not >= 80'),
      data: { coverage: 72.5, tests: { total: 12, passed: 8, failed: 2, skipped: 2 } },
    })
    const passed = { ...build, thresholds: [{ metric: 'passed', op: '>=', value: 8 }] }
    expect(await connected().end(started, passed)).toMatchObject({ result: 'pass' })
  })

  test('reports only its state if the token may not read jobs', async () => {
    const started = await connected().start(build)
    server.state.jobsShown = false
    server.finish('failed')
    const { data, message } = await connected().end(started, build)
    expect(message).toBe(`Pipeline ${id} ended as failed`)
    expect(data).not.toHaveProperty('tests')
  })

  test.each([
    ['wait', undefined],
    ['pass', 'pass'],
    ['fail', 'fail'],
  ])('blocked by a manual job, does what the connection says: %s', async (manual, result) => {
    const started = await connected().start(build)
    pipeline().status = 'manual'
    const seen = await connected({ manual }).poll(started, build)
    if (result === undefined) expect(seen).toMatchObject({ status: 'manual', progress: 'waiting for a manual job' })
    else expect(seen).toMatchObject({ outcome: { result, message: expect.stringContaining('a manual job blocks it') } })
  })

  test('keeps running while GitLab is down, and is refused if it no longer exists', async () => {
    const started = await connected().start(build)
    server.failNext(500, '<html><title>500</title>')
    expect(await failureOf(connected().poll(started, build))).toMatchObject({ transient: true })
    server.state.pipelines = []
    expect(await failureOf(connected().poll(started, build))).toMatchObject({ kind: 'refused' })
  })
})

describe('GitLab CI: cancel', () => {
  test('cancels a pipeline by id, or by number with the project', async () => {
    for (const input of [{ id }, { id: '62', project }]) {
      await connected().start(build, { key: undefined })
      const outcome = await connected().cancel(input)
      expect(outcome).toMatchObject({ result: 'pass', data: { state: 'canceled' } })
      expect(outcome.message).toContain('Stopped pipeline ops/shop/checkout#6')
    }
  })

  test('passes for a pipeline that has ended', async () => {
    await connected().start(build)
    server.finish('success')
    expect(await connected().cancel({ id })).toMatchObject({ message: `Pipeline ${id} had ended already (success)` })
    expect(calls('POST')).toHaveLength(1)
  })

  test('reports the reason that GitLab gives for a refusal', async () => {
    await connected().start(build)
    server.state.mayRun = false
    expect((await failureOf(connected().cancel({ id }))).message).toContain('403 Forbidden')
    expect((await failureOf(connected().cancel({ id: `${project}#7` }))).message).toContain('404 Not found')
  })

  test.each(['checkout#1', '61', `${project}#x`, '../..#1'])('rejects the id %s', async (wrong) => {
    const failure = await failureOf(connected().cancel({ id: wrong }))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain('such as group/project#61')
  })
})
