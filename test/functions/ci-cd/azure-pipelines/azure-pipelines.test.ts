import { expect, test } from '@jest/globals'
import { azurePipelines } from '../../../../functions/ci-cd/azure-pipelines/azure-pipelines.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { pipelineActions } from '../pipeline.ts'
import { type AzurePipelinesServer, jobRow } from './fake.ts'
import { listedStates } from './states.ts'

const project = 'fabrikam/Fabrikam Fiber'
const deploy = { target: 'Deploy' }
const id = `${project}#33`

const run = () => newestOf(server.state.builds)
const record = (type: string, name: string, parentId: string | null, more: object = {}) => ({
  id: `${type} ${name}`,
  parentId,
  type,
  name,
  state: 'completed',
  result: 'succeeded',
  ...more,
})
const stages = [record('Stage', 'Production', null, { order: 2 }), record('Stage', 'Test', null, { order: 1 })]
const variables = { parametersAre: 'variables' }
const unsafe = ['system.debug', 'SYSTEM_ACCESSTOKEN', 'PATH']

const key = keyOf(1)
const has = expect.objectContaining
const path = (pipeline: number) => ({ path: `/${project}/_apis/pipelines/${pipeline}/runs` })
const branch = (refName: string) => ({ body: { resources: { repositories: { self: { refName } } } } })
const check = record('Checkpoint', 'Checkpoint', 'Stage Production', { state: 'inProgress' })
const approval = record('Checkpoint.Approval', 'Approval', check.id, { state: 'inProgress', result: null })
const only = record('Stage', '__default', null, { state: 'inProgress' })
const progress: [string, unknown[], string | undefined][] = [
  ['a stage', [stages[0], { ...stages[1], state: 'inProgress', result: null }], 'stage 1 of 2, Test'],
  ['an approval', [...stages, check, approval], 'stage Production waits for an approval'],
  ['nothing about its only stage', [only], undefined],
  ['the approval of its only stage', [only, { ...check, parentId: only.id }, approval], 'waiting for an approval'],
]
const rollout = record('Job', 'Rollout', 'Stage Production', { result: 'failed', finishTime: '2026-01-01T10:00:00Z' })
const task = (name: string, finishTime: string, message: string) => {
  const issues = [
    { type: 'warning', message: 'deprecated' },
    { type: 'error', message },
  ]
  return record('Task', name, rollout.id, { result: 'failed', finishTime, issues })
}
const failed = [
  ...stages.map((stage) => ({ ...stage, result: 'failed' })),
  task('Clean up', '2026-01-01T10:00:05Z', 'nothing there'),
  rollout,
  task('Helm', '2026-01-01T10:00:04Z', 'UPGRADE\nFAILED'),
]
const tests = [
  { totalTests: 10, passedTests: 8, unanalyzedTests: 1 },
  { totalTests: 2, passedTests: 2, unanalyzedTests: 0 },
]

const { server, connected } = jobConformance(azurePipelines, pipelineActions, jobRow, {
  states: vendorStates(
    listedStates,
    { running: ['none', 'postponed'], warning: ['completed/partiallySucceeded'] },
    {
      all: 'a filter for builds of every status',
      'completed/none': 'a build that is not complete: polled until it has a result',
    },
  ),
  invalidStarts: [
    ...['$(dbPassword)', '$[variables.dbPassword]'].map((value) => ({
      name: `the value ${value}, which Azure Pipelines replaces`,
      input: { parameters: { url: `https://shop.example/${value}` } },
      message: 'input.parameters.url must not contain $( or $[',
    })),
    { name: 'an invalid project', input: { project: 'Fabrikam' }, message: 'input.project must look like' },
    {
      name: 'the parameter of the idempotency key',
      input: { parameters: { key: 'x' } },
      message: 'input.parameters must not contain key',
    },
  ],
  forbidden: unsafe.map((name) => ({
    name: `the variable ${name}`,
    input: { parameters: { [name]: 'x' } },
    message: `input.parameters.${name}`,
    connection: variables,
  })),
  url: '/fabrikam/Fabrikam%20Fiber/_build/results?buildId=33',
  sends: [
    { name: 'the default branch', request: { ...path(297), body: { templateParameters: { key } } } },
    {
      name: 'a full ref unchanged',
      input: { ref: 'refs/tags/v1' },
      request: branch('refs/tags/v1'),
      connection: { ref: 'release/1.2' },
    },
    {
      name: 'the pipeline and the branch of the connection',
      input: { target: undefined },
      request: { ...path(298), ...branch('refs/heads/release/1.2') },
      connection: { target: '298', ref: 'release/1.2', keyParameter: undefined },
    },
    {
      name: 'parameters as text, and the key as one of them',
      input: { parameters: { stage: 'prod', replicas: 3 } },
      request: { body: has({ templateParameters: { stage: 'prod', replicas: '3', key } }) },
    },
    {
      name: 'variables, and the key as one of them',
      input: { parameters: { STAGE: 'prod' } },
      request: { body: { variables: { STAGE: { value: 'prod' }, key: { value: key } } } },
      connection: variables,
    },
  ],
  refused: [
    { name: 'an unknown pipeline', input: { target: '7' }, reason: 'Pipeline 7 not found' },
    { name: 'an unknown branch', input: { ref: 'nope' }, reason: 'using ref refs/heads/nope' },
    { name: 'an unknown parameter', input: { parameters: { stge: 'x' } }, reason: "Unexpected parameter 'stge'" },
    { name: 'an unknown project', input: { project: 'fabrikam/nope' }, reason: 'TF200016' },
    {
      name: 'an undeclared variable',
      change: withState({ limitsVariables: true }),
      reason: "You can't set the following variables (STAGE",
      input: { parameters: { STAGE: 'prod' } },
      connection: variables,
    },
    { name: 'a missing permission', change: withState({ mayRun: false }), reason: 'needs Queue builds permissions' },
  ],
  reports: [
    ...progress.map(([name, records, text]) => ({
      name,
      change: ({ state }: AzurePipelinesServer) =>
        Object.assign(newestOf(state.builds), { status: 'inProgress', records }),
      reported: { status: 'inProgress', progress: text },
    })),
    {
      name: 'its link',
      change: ({ finish }) => finish('succeeded'),
      reported: { links: { [`azure-pipelines ${id}`]: expect.stringContaining('/_build/results?buildId=33') } },
    },
    {
      name: 'the task that failed first, with its job, stage and error',
      change: ({ finish }) => finish('failed', { records: failed }),
      reported: {
        message: `Run ${id} ended as completed/failed: stage "Production", job "Rollout", task "Helm" failed: UPGRADE FAILED`,
        data: { failedStage: 'Production', failedJob: 'Rollout', failedTask: 'Helm' },
      },
    },
    {
      name: 'the errors of its YAML',
      change: ({ finish }) =>
        finish('failed', { validationResults: [{ result: 'error', message: 'Job a depends on b' }] }),
      reported: { message: expect.stringContaining('completed/failed: Job a depends on b') },
    },
    {
      name: 'its tests, which thresholds can use',
      change: ({ finish }) => finish('succeeded', { tests }),
      reported: {
        result: 'fail',
        message: expect.stringContaining('failed is 1, not <= 0'),
        data: { tests: { total: 12, passed: 10, failed: 1 } },
      },
      input: { thresholds: [{ metric: 'failed', op: '<=', value: 0 }] },
    },
    {
      name: 'everything else if the token may not read tests',
      change: (fake) => {
        fake.state.readsTests = false
        fake.finish('succeeded')
      },
      reported: { result: 'pass', data: expect.not.objectContaining({ tests: expect.anything() }) },
    },
  ],
  measures: { end: ({ finish }) => finish('succeeded'), metrics: { duration: 60 } },
  failedChecks: [
    { reason: '', change: ({ failNext }) => failNext(203, '<html><title>Sign In</title>'), kind: 'credentials' },
  ],
  check: [`GET /${project}/_apis/build/definitions`],
  slowStop: { state: 'cancelling', change: withState({ slow: true }) },
  found: [
    { name: 'by its variables', change: () => {}, connection: variables },
    { name: 'by its name', change: ({ state }) => Object.assign(state.definitions[0] ?? {}, { named: 'key' }) },
  ],
  stopsBy: { id: '33' },
  refusedPolls: [{ change: withState({ builds: [] }), reason: '404' }],
  refusedStops: [
    { change: withState({ mayRun: false }), reason: 'needs Stop builds' },
    { id: `${project}#7`, reason: 'could not be found' },
  ],
  invalidIds: {
    ids: ['Fabrikam#1', `${project}#x`, '../..#1', '_a/b#1'],
    message: 'such as fabrikam/Fabrikam-Fiber#33',
  },
  // Azure shows its sign-in page instead of a 401 response.
  unexpectedBodies: { page: 'credentials', text: 'credentials' },
  ignored: /\/(?:timeline|test\/runs)$/,
})

test('Azure Pipelines: requests use the API version of the connection', async () => {
  server.state.version = '7.0'
  await expectFailure(connected().start(deploy), 'refused', 'version is out of range')
  const ended = await connected({ apiVersion: '7.0' }).endAfter(deploy, () => server.finish('succeeded'))
  expect(ended).toMatchObject({ result: 'pass' })
})

test('Azure Pipelines: a start accepts a parameter with the name of an unsafe variable', async () => {
  server.state.definitions[0]?.parameters.push('PATH')
  await connected().start({ ...deploy, parameters: { PATH: '/shop' } })
  expect(run().templateParameters).toMatchObject({ PATH: '/shop' })
})
