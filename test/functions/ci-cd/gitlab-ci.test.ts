import { beforeEach, describe, expect, test } from '@jest/globals'
import { gitlabCi } from '../../../functions/ci-cd/providers/gitlab-ci.ts'
import { startGitlabCi } from '../../../infra/platforms/gitlab-ci.ts'
import { jobConformance } from '../../conformance/job.ts'
import { ciCdPlatforms } from '../../conformance/job-platforms/ci-cd.ts'
import { expectFailure, failureOf, keyOf, startEach } from '../helpers.ts'
import { newest } from '../newest.ts'
import { Pipeline, pipelineActions } from './pipeline.ts'

const server = startEach(startGitlabCi)
const project = 'ops/shop/checkout'
const build = { project }
const id = `${project}#61`

const connected = (fields: object = {}) =>
  new Pipeline(gitlabCi, () => ({ baseUrl: server.url, token: server.token, ...fields }))
const inputs = (fields: object = {}) => connected({ parametersAre: 'inputs', ...fields })
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const pipeline = () => newest(server.state.pipelines)
const withParameter = (name: string) => ({ parameters: { STAGE: 'prod', [name]: 'x' } })

jobConformance(gitlabCi, pipelineActions, ciCdPlatforms['gitlab-ci'], {
  states: {
    running: [
      ...['created', 'waiting_for_resource', 'waiting_for_callback', 'preparing', 'pending', 'running', 'scheduled'],
      ...['manual', 'canceling'],
    ],
    pass: ['success'],
    warning: ['skipped'],
    fail: ['failed'],
    aborted: ['canceled'],
  },
  otherStates: ['success-with-warnings'],
  invalidStarts: [
    ['another target', { target: 'deploy' }, 'input.target must be omitted or pipeline'],
    ['an invalid project', { project: 'checkout' }, 'input.project must look like'],
    ['no project', { project: undefined }, 'input.project is required'],
    ['the variable of the key', { parameters: { WEBHOOKS_KEY: 'x' } }, 'must not contain WEBHOOKS_KEY'],
    [
      ...(['the input of the key', { parameters: { key: 'x' } }, 'must not contain key'] as const),
      { parametersAre: 'inputs', keyInput: 'key' },
    ],
  ],
  forbidden: [
    ...['BASH_ENV', 'bash_env', 'PATH', 'LD_PRELOAD', 'NODE_OPTIONS', 'PYTHONPATH', 'PERL5OPT', 'RUBYOPT', 'ENV'],
    ...['JAVA_TOOL_OPTIONS', 'CI_DEBUG_TRACE', 'GIT_SSH_COMMAND', 'GITLAB_TOKEN', 'FF_SCRIPT', 'https_proxy'],
  ].map((name) => [`the variable ${name}`, withParameter(name), 'list all names that they may set in allowParameters']),
  invalidIds: [['checkout#1', '61', `${project}#x`, '../..#1'], 'such as group/project#61'],
})

test('GitLab CI: the check reads the user of the token', async () => {
  await gitlabCi.check(connected().client())
  expect(server.calls.map(({ path }) => path)).toEqual(['/api/v4/user'])
})

describe('GitLab CI: start', () => {
  test('runs the pipeline of the default branch and returns its URL', async () => {
    const { outcome } = await connected().start(build)
    expect(outcome.data).toMatchObject({ id, url: `${server.url}/${project}/-/pipelines/61` })
    expect(pipeline()).toMatchObject({ ref: 'main', variables: [{ key: 'WEBHOOKS_KEY', value: keyOf(1) }] })
  })

  test('takes project and branch from the connection, and prefers the input', async () => {
    const configured = connected({ project: '21', ref: 'release/1.2' })
    expect((await configured.start({})).outcome.data).toMatchObject({ id: '21#61' })
    expect(pipeline().ref).toBe('release/1.2')
    await configured.start({ target: 'pipeline', project, ref: 'main' }, { key: keyOf(2) })
    expect(pipeline().ref).toBe('main')
  })

  test.each([
    [{}, { GIT_DEPTH: 1, STAGE: 'prod' }, 'GIT_DEPTH, STAGE'],
    [{}, { STAGE: 'prod', REPLICAS: 3 }, undefined],
  ])('sends parameters as variables, which are text', async (fields, parameters, allowParameters) => {
    const allowing = connected({ ...fields, ...(allowParameters ? { allowParameters } : {}) })
    await allowing.start({ ...build, parameters }, { key: undefined })
    const expected = Object.entries(parameters).map(([key, value]) => ({ key, value: String(value) }))
    expect(pipeline().variables).toEqual(expected)
  })

  test('sends parameters as typed inputs', async () => {
    await inputs({ keyInput: 'key' }).start({ ...build, parameters: { replicas: 3 } })
    expect(pipeline()).toMatchObject({ inputs: { replicas: 3, key: keyOf(1) }, variables: [] })
  })

  test('rejects a variable that the connection does not list', async () => {
    await expectFailure(
      connected({ allowParameters: 'GIT_DEPTH, STAGE' }).start({ ...build, parameters: { REPLICAS: 3 } }),
      'refused',
      'input.parameters.REPLICAS is not in allowParameters of the connection: GIT_DEPTH, STAGE.',
    )
  })

  test('accepts any input unless the connection lists them', async () => {
    server.state.inputs.push('ENV')
    const input = { ...build, parameters: { ENV: 'prod' } }
    await inputs().start(input)
    expect(pipeline().inputs).toEqual({ ENV: 'prod' })
    await expectFailure(inputs({ allowParameters: ['replicas'] }).start(input), 'refused')
  })

  const answered = 'GitLab CI answered 400 to POST /api/v4/projects/ops%2Fshop%2Fcheckout/pipeline'
  test.each([
    ['an unknown branch', {}, { ref: 'nope' }, `${answered}: base: Reference not found`],
    ['a pipeline without jobs', { empty: true }, {}, 'Pipeline will not run'],
    ['a missing permission', { mayRun: false }, {}, '403 Forbidden'],
    ['an unknown project', {}, { project: 'ops/nope' }, '404 Project Not Found'],
    ['a project without branches', { defaultBranch: null }, {}, 'has no branches'],
  ])('reports the reason that GitLab gives for %s', async (_what, state, input, reason) => {
    Object.assign(server.state, state)
    await expectFailure(connected().start({ ...build, ...input }), { kind: 'refused', status: 422 }, reason)
    expect(server.state.pipelines).toEqual([])
  })
})

describe('GitLab CI: start in a project that forbids pipeline variables', () => {
  const forbidden = 'Insufficient permissions to set pipeline variables'
  beforeEach(() => {
    server.state.variablesAllowed = false
  })

  test.each([undefined, {}])('starts again without the variable of the key: parameters are %j', async (parameters) => {
    expect((await connected().start({ ...build, parameters })).outcome).toMatchObject({ result: 'pass' })
    expect(pipeline().variables).toEqual([])
    expect(calls('POST').at(-1)?.body).toEqual({ ref: 'main' })
  })

  test.each([keyOf(1), undefined])('is refused for a call with parameters and the key %s', async (key) => {
    const start = connected().start({ ...build, parameters: { STAGE: 'prod' } }, { key })
    await expectFailure(start, { kind: 'refused', status: 422 }, forbidden)
    expect(calls('POST')).toHaveLength(1)
  })

  test('the outcome is unknown if the response is lost, and the start is never retried', async () => {
    server.failNext(400, { message: { base: [forbidden] } }, { on: 'POST' })
    server.loseNext('POST')
    await expectFailure(connected().start(build), { kind: 'doubtful', transient: false })
    await expectFailure(connected().start(build, { isRetry: true }), 'doubtful')
    expect(server.state.pipelines).toHaveLength(1)
  })

  test('reports why GitLab refuses it without the variable', async () => {
    server.state.empty = true
    await expectFailure(connected().start(build), 'refused', 'Pipeline will not run')
  })
})

describe('GitLab CI: start with a lost response', () => {
  test('a retry finds the pipeline by its variable among pipelines of others', async () => {
    server.loseNext('POST')
    await failureOf(connected().start(build))
    server.addOf('mia')
    await connected().start(build, { key: keyOf(2) })
    expect((await connected().start(build, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(server.state.pipelines).toHaveLength(3)
  })

  test('a retry finds a pipeline with inputs by its name', async () => {
    server.failNext(502, '<html>', { on: 'POST', done: true })
    await failureOf(inputs({ keyInput: 'key' }).start(build))
    const { outcome } = await inputs({ keyInput: 'key' }).start(build, { isRetry: true })
    expect(outcome.data).toMatchObject({ id })
    expect(server.calls.some(({ path }) => path.endsWith('/variables'))).toBe(false)
  })

  test('is not retried if no input carries the key', async () => {
    server.loseNext('POST')
    await expectFailure(inputs().start(build), { kind: 'doubtful', transient: false })
    await expectFailure(inputs().start(build, { isRetry: true }), 'doubtful')
    expect(server.state.pipelines).toHaveLength(1)
  })

  test.each([
    [false, 20],
    [true, 50],
  ])('searches only the newest pipelines: as a retry (%s) %d', async (isRetry, count) => {
    for (let at = 0; at < 60; at++) server.addOf('mia')
    await connected().start(build, { isRetry })
    expect(server.calls.filter(({ path }) => path.endsWith('/variables'))).toHaveLength(count)
  })
})

describe('GitLab CI: pipeline', () => {
  test('ends with a warning if a job failed that is allowed to fail', async () => {
    const jobs = [{ name: 'lint', stage: 'test', status: 'failed', allow_failure: true }]
    const ended = await connected().endAfter(build, () => server.finish('success', { jobs }))
    expect(ended).toMatchObject({ result: 'warning', data: { state: 'success-with-warnings', duration: 34 } })
    expect(ended.data).not.toHaveProperty('tests')
  })

  test('a failure names the job, its stage and its reason, with a link', async () => {
    const jobs = [
      { name: 'lint', stage: 'test', status: 'failed', allow_failure: true },
      { name: 'deploy', stage: 'production', status: 'failed', failure_reason: 'script_failure' },
    ]
    const ended = await connected().endAfter(build, () => server.finish('failed', { jobs }))
    expect(ended.message).toBe(
      `Pipeline ${id} ended as failed: job "deploy" of stage "production" failed (script_failure)`,
    )
    expect(ended.data).toMatchObject({ failedJob: 'deploy', failedStage: 'production' })
    expect(ended.links).toMatchObject({ 'job deploy': `${server.url}/${project}/-/jobs/8001` })
  })

  test.each([
    [{ metric: 'coverage', op: '>=', value: 80 }, 'fail'],
    [{ metric: 'passed', op: '>=', value: 8 }, 'pass'],
  ])('reports its tests and coverage, which the threshold %j can use', async (threshold, result) => {
    const tests = { time: 1904, count: 12, success: 8, failed: 1, skipped: 2, error: 1 }
    const input = { ...build, thresholds: [threshold] }
    const ended = await connected().endAfter(input, () => server.finish('success', { coverage: '72.5', tests }))
    const counts = { total: 12, passed: 8, failed: 2, skipped: 2 }
    expect(ended).toMatchObject({ result, data: { coverage: 72.5, tests: counts } })
  })

  test('reports only its state if the token may not read jobs', async () => {
    server.state.jobsShown = false
    const { data, message } = await connected().endAfter(build, () => server.finish('failed'))
    expect(message).toBe(`Pipeline ${id} ended as failed`)
    expect(data).not.toHaveProperty('tests')
  })

  const blocked = expect.stringContaining('a manual job blocks it')
  test.each([
    ['wait', { status: 'manual', progress: 'waiting for a manual job' }],
    ['pass', { outcome: { result: 'pass', message: blocked } }],
    ['fail', { outcome: { result: 'fail', message: blocked } }],
  ])('blocked by a manual job, does what the connection says: %s', async (manual, expected) => {
    const seen = await connected({ manual }).pollAfter(build, () => Object.assign(pipeline(), { status: 'manual' }))
    expect(seen).toMatchObject(expected)
  })

  test('is refused if it no longer exists', async () => {
    const polled = connected().pollAfter(build, () => Object.assign(server.state, { pipelines: [] }))
    await expectFailure(polled, 'refused')
  })
})

describe('GitLab CI: cancel', () => {
  test('cancels a pipeline by number with the project', async () => {
    await connected().start(build)
    const outcome = await connected().stop({ id: '61', project })
    expect(outcome).toMatchObject({ result: 'pass', data: { state: 'canceled' } })
    expect(outcome.message).toContain('Stopped pipeline ops/shop/checkout#61')
  })

  test('reports the reason that GitLab gives for a refusal', async () => {
    await connected().start(build)
    server.state.mayRun = false
    await expectFailure(connected().stop({ id }), 'refused', '403 Forbidden')
    await expectFailure(connected().stop({ id: `${project}#7` }), 'refused', '404 Not found')
  })
})
