import { beforeEach, describe, expect, test } from '@jest/globals'
import { gitlabCi } from '../../../../functions/ci-cd/gitlab-ci/gitlab-ci.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { ignoreFailure } from '../../../conformance/common/ids.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { pipelineActions } from '../pipeline.ts'
import { jobRow } from './fake.ts'
import { listedStates } from './states.ts'

const project = 'ops/shop/checkout'
const build = { project }
const id = `${project}#61`

const inputs = (fields: object = {}) => connected({ parametersAre: 'inputs', ...fields })
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const pipeline = () => newestOf(server.state.pipelines)
const withParameter = (name: string) => ({ parameters: { STAGE: 'prod', [name]: 'x' } })

const key = keyOf(1)
const variable = (name: string, value: string) => ({ key: name, value })
const answered = 'GitLab CI answered 400 to POST /api/v4/projects/ops%2Fshop%2Fcheckout/pipeline'
const forbidden = 'Insufficient permissions to set pipeline variables'
const lint = { name: 'lint', stage: 'test', status: 'failed', allow_failure: true }
const rollout = { name: 'deploy', stage: 'production', status: 'failed', failure_reason: 'script_failure' }
const tests = { time: 1904, count: 12, success: 8, failed: 1, skipped: 2, error: 1 }

const { server, connected } = jobConformance(gitlabCi, pipelineActions, jobRow, {
  states: vendorStates(listedStates, {
    running: ['waiting_for_resource', 'waiting_for_callback', 'manual'],
    warning: ['skipped'],
  }),
  otherStates: ['success-with-warnings'],
  invalidStarts: [
    { name: 'another target', input: { target: 'deploy' }, message: 'input.target must be omitted or pipeline' },
    { name: 'an invalid project', input: { project: 'checkout' }, message: 'input.project must look like' },
    { name: 'no project', input: { project: undefined }, message: 'input.project is required' },
    {
      name: 'a value that GitLab expands',
      input: { parameters: { URL: 'http://evil.example.com/?key=%DEPLOY_KEY%' } },
      message: 'input.parameters.URL must not contain %NAME%',
    },
    {
      name: 'the variable of the key',
      input: { parameters: { WEBHOOKS_KEY: 'x' } },
      message: 'must not contain WEBHOOKS_KEY',
    },
    {
      name: 'the input of the key',
      input: { parameters: { key: 'x' } },
      message: 'must not contain key',
      connection: { parametersAre: 'inputs', keyInput: 'key' },
    },
  ],
  forbidden: [
    'BASH_ENV',
    'bash_env',
    'PATH',
    'LD_PRELOAD',
    'NODE_OPTIONS',
    'PYTHONPATH',
    'PERL5OPT',
    'RUBYOPT',
    'ENV',
    'JAVA_TOOL_OPTIONS',
    'CI_DEBUG_TRACE',
    'GIT_SSH_COMMAND',
    'GITLAB_TOKEN',
    'FF_SCRIPT',
    'https_proxy',
    'SECURE_ANALYZERS_PREFIX',
    'CS_IMAGE',
    'AUTO_DEVOPS_CHART',
    'HELM_UPGRADE_EXTRA_ARGS',
    'BUILDPACK_URL',
  ].map((name) => ({
    name: `the variable ${name}`,
    input: withParameter(name),
    message: 'list all names that they may set in allowParameters',
  })),
  url: `/${project}/-/pipelines/61`,
  sends: [
    {
      name: 'the default branch, and the key as a variable',
      request: { body: { ref: 'main', variables: [variable('WEBHOOKS_KEY', key)] } },
    },
    {
      name: 'parameters as variables, which are text',
      input: { parameters: { STAGE: 'prod', REPLICAS: 3 } },
      request: {
        body: { variables: [variable('STAGE', 'prod'), variable('REPLICAS', '3'), variable('WEBHOOKS_KEY', key)] },
      },
    },
    {
      name: 'values that GitLab does not expand',
      input: { parameters: { URL: 'http://evil.example.com/$DEPLOY_KEY', CITY: 'K%C3%B6ln, 50% off' } },
      request: {
        body: {
          variables: [
            variable('URL', 'http://evil.example.com/$$DEPLOY_KEY'),
            variable('CITY', 'K%C3%B6ln, 50% off'),
            variable('WEBHOOKS_KEY', key),
          ],
        },
      },
    },
    {
      name: 'variables that the connection lists',
      input: { parameters: { GIT_DEPTH: 1 } },
      request: { body: { variables: [variable('GIT_DEPTH', '1'), variable('WEBHOOKS_KEY', key)] } },
      connection: { allowParameters: 'GIT_DEPTH, STAGE' },
    },
    {
      name: 'parameters as typed inputs',
      input: { parameters: { replicas: 3 } },
      request: { body: expect.objectContaining({ inputs: { replicas: 3, key } }) },
      connection: { parametersAre: 'inputs', keyInput: 'key' },
    },
  ],
  refused: [
    { name: 'an unknown branch', input: { ref: 'nope' }, reason: `${answered}: base: Reference not found` },
    { name: 'a pipeline without jobs', change: withState({ empty: true }), reason: 'Pipeline will not run' },
    {
      name: 'a pipeline without the variable',
      change: withState({ variablesAllowed: false, empty: true }),
      reason: 'Pipeline will not run',
    },
    { name: 'a missing permission', change: withState({ mayRun: false }), reason: '403 Forbidden' },
    { name: 'an unknown project', input: { project: 'ops/nope' }, reason: '404 Project Not Found' },
    { name: 'a project without branches', change: withState({ defaultBranch: null }), reason: 'has no branches' },
    {
      name: 'a variable that may not be set',
      change: withState({ variablesAllowed: false }),
      reason: forbidden,
      input: { parameters: { STAGE: 'prod' } },
    },
  ],
  reports: [
    {
      name: 'a warning if a job failed that is allowed to fail',
      change: ({ finish }) => finish('success', { jobs: [lint] }),
      reported: { result: 'warning', data: { state: 'success-with-warnings', duration: 34 } },
    },
    {
      name: 'the job that failed, its stage and its reason, with a link',
      change: ({ finish }) => finish('failed', { jobs: [lint, rollout] }),
      reported: {
        message: `Pipeline ${id} ended as failed: job "deploy" of stage "production" failed (script_failure)`,
        data: { failedJob: 'deploy', failedStage: 'production' },
        links: { 'job deploy': expect.stringContaining(`/${project}/-/jobs/8001`) },
      },
    },
    {
      name: 'its state only if the token may not read jobs',
      change: (fake) => {
        fake.state.jobsShown = false
        fake.finish('failed')
      },
      reported: {
        message: `Pipeline ${id} ended as failed`,
        data: expect.not.objectContaining({ tests: expect.anything() }),
      },
    },
  ],
  measures: {
    end: ({ finish }) => finish('success', { coverage: '72.5', tests }),
    metrics: { coverage: 72.5, passed: 8 },
    data: { coverage: 72.5, tests: { total: 12, passed: 8, failed: 2, skipped: 2 } },
  },
  check: ['GET /api/v4/user'],
  found: [
    { name: 'with inputs by its name', change: () => {}, connection: { parametersAre: 'inputs', keyInput: 'key' } },
  ],
  stopsBy: { id: '61', project },
  refusedPolls: [{ change: withState({ pipelines: [] }), reason: '404' }],
  refusedStops: [
    { change: withState({ mayRun: false }), reason: '403 Forbidden' },
    { id: `${project}#7`, reason: '404 Not found' },
  ],
  invalidIds: { ids: ['checkout#1', '61', `${project}#x`, '../..#1'], message: 'such as group/project#61' },
})

describe('GitLab CI: start', () => {
  test('takes project and branch from the connection, and prefers the input', async () => {
    const configured = connected({ project: '21', ref: 'release/1.2' })
    expect((await configured.start({})).outcome.data).toMatchObject({ id: '21#61' })
    expect(pipeline().ref).toBe('release/1.2')
    await configured.start({ target: 'pipeline', project, ref: 'main' }, { key: keyOf(2) })
    expect(pipeline().ref).toBe('main')
  })

  test('rejects a variable that the connection does not list', async () => {
    await expectFailure(
      connected({ allowParameters: 'GIT_DEPTH, STAGE' }).start({ ...build, parameters: { REPLICAS: 3 } }),
      'refused',
      'input.parameters.REPLICAS is not in allowParameters of the connection: GIT_DEPTH, STAGE',
    )
  })

  test('accepts any input unless the connection lists them', async () => {
    server.state.inputs.push('ENV')
    const input = { ...build, parameters: { ENV: 'prod' } }
    await inputs().start(input)
    expect(pipeline().inputs).toEqual({ ENV: 'prod' })
    await expectFailure(inputs({ allowParameters: ['replicas'] }).start(input), 'refused')
  })
})

describe('GitLab CI: start in a project that forbids pipeline variables', () => {
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
})

test('GitLab CI: a lost start has an unknown outcome if no variable can carry the key, and is never retried', async () => {
  server.state.variablesAllowed = false
  server.failNext(400, { message: { base: [forbidden] } }, { on: 'POST' })
  server.loseNext('POST')
  await expectFailure(connected().start(build), { kind: 'unconfirmed', transient: false })
  await expectFailure(connected().start(build, { isRetry: true }), 'unconfirmed')
  expect(server.state.pipelines).toHaveLength(1)
})

test.each([
  [false, 20],
  [true, 50],
])('GitLab CI: a start searches only the newest pipelines: as a retry (%s) %d', async (isRetry, count) => {
  for (let at = 0; at < 60; at++) server.addOf('mia')
  await connected().start(build, { isRetry }).catch(ignoreFailure)
  expect(server.calls.filter(({ path }) => path.endsWith('/variables'))).toHaveLength(count)
})

describe('GitLab CI: pipeline', () => {
  const blocked = expect.stringContaining('a manual job blocks it')
  test.each([
    ['wait', { status: 'manual', progress: 'waiting for a manual job' }],
    ['pass', { outcome: { result: 'pass', message: blocked } }],
    ['fail', { outcome: { result: 'fail', message: blocked } }],
  ])('blocked by a manual job, does what the connection says: %s', async (manual, expected) => {
    const seen = await connected({ manual }).pollAfter(build, () => Object.assign(pipeline(), { status: 'manual' }))
    expect(seen).toMatchObject(expected)
  })
})
