import { describe, expect, test } from '@jest/globals'
import { azurePipelines } from '../../../functions/ci-cd/providers/azure-pipelines.ts'
import { startAzurePipelines } from '../../../infra/platforms/azure-pipelines.ts'
import { jobConformance } from '../../conformance/job.ts'
import { ciCdPlatforms } from '../../conformance/job-platforms/ci-cd.ts'
import { expectFailure, failureOf, keyOf, startEach } from '../helpers.ts'
import { secondsOf } from '../job.ts'
import { newest } from '../newest.ts'
import { Pipeline, pipelineActions } from './pipeline.ts'

const server = startEach(startAzurePipelines)
const project = 'fabrikam/Fabrikam Fiber'
const deploy = { target: 'Deploy' }
const id = `${project}#33`

const connected = (fields: object = {}) =>
  new Pipeline(azurePipelines, () => ({ baseUrl: server.url, token: server.token, project, ...fields }))
/** A connection that can find runs by key. */
const keyed = (fields: object = {}) => connected({ keyParameter: 'key', ...fields })
const run = () => newest(server.state.builds)
const record = (type: string, name: string, parentId: string | null, more: object = {}) => ({
  ...{ id: `${type} ${name}`, parentId, type, name, state: 'completed', result: 'succeeded' },
  ...more,
})
const stages = [record('Stage', 'Production', null, { order: 2 }), record('Stage', 'Test', null, { order: 1 })]
const variables = { parametersAre: 'variables' }
const unsafe = ['system.debug', 'SYSTEM_ACCESSTOKEN', 'PATH']

jobConformance(azurePipelines, pipelineActions, ciCdPlatforms['azure-pipelines'], {
  states: {
    running: ['none', 'notStarted', 'postponed', 'inProgress', 'cancelling'],
    pass: ['completed/succeeded'],
    warning: ['completed/partiallySucceeded'],
    fail: ['completed/failed'],
    aborted: ['completed/canceled'],
  },
  invalidStarts: [
    ['an invalid project', { project: 'Fabrikam' }, 'input.project must look like'],
    ['the parameter of the idempotency key', { parameters: { key: 'x' } }, 'input.parameters must not contain key'],
  ],
  forbidden: unsafe.map((name) => [
    `the variable ${name}`,
    { parameters: { [name]: 'x' } },
    `input.parameters.${name}`,
    variables,
  ]),
  invalidIds: [['Fabrikam#1', `${project}#x`, '../..#1', '_a/b#1'], 'such as fabrikam/Fabrikam-Fiber#33'],
  // Azure shows its sign-in page instead of a 401 response.
  unexpectedBodies: { page: 'credentials', text: 'credentials' },
  ignored: /\/(?:timeline|test\/runs)$/,
})

describe('Azure Pipelines: connection', () => {
  test('the check lists the pipelines of its project', async () => {
    await azurePipelines.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual([`/${project}/_apis/build/definitions`])
  })

  test('uses the API version of the connection', async () => {
    server.state.version = '7.0'
    await expectFailure(connected().start(deploy), 'refused', 'version is out of range')
    const ended = await connected({ apiVersion: '7.0' }).endAfter(deploy, () => server.finish('succeeded'))
    expect(ended).toMatchObject({ result: 'pass' })
  })

  test('the sign-in page of Azure is a credentials failure', async () => {
    server.failNext(203, '<html><title>Azure DevOps Services | Sign In</title>')
    await expectFailure(connected().start(deploy), 'credentials')
  })
})

describe('Azure Pipelines: start', () => {
  test('accepts a parameter with the name of an unsafe variable', async () => {
    server.state.definitions[0]?.parameters.push('PATH')
    await connected().start({ ...deploy, parameters: { PATH: '/shop' } })
    expect(run().templateParameters).toEqual({ PATH: '/shop' })
  })

  test('runs a pipeline by name on its default branch and returns the URL of the run', async () => {
    const { outcome } = await connected().start(deploy)
    expect(outcome.data['url']).toBe(`${server.url}/fabrikam/Fabrikam%20Fiber/_build/results?buildId=33`)
    expect(run()).toMatchObject({ definition: 297, sourceBranch: 'refs/heads/main', templateParameters: {} })
    expect(server.calls.at(-1)?.body).toEqual({ templateParameters: {} })
  })

  test('takes pipeline and branch from the connection, and does not look up an id', async () => {
    await connected({ target: '298', ref: 'release/1.2' }).start({})
    expect(run()).toMatchObject({ definition: 298, sourceBranch: 'refs/heads/release/1.2' })
    expect(server.calls).toHaveLength(1)
  })

  test('sends a full ref unchanged', async () => {
    await connected({ ref: 'release/1.2' }).start({ ...deploy, ref: 'refs/tags/v1' })
    expect(run().sourceBranch).toBe('refs/tags/v1')
  })

  const key = keyOf(1)
  test.each([
    [{}, { stage: 'prod', replicas: 3 }, { templateParameters: { stage: 'prod', replicas: '3', key } }],
    [variables, { STAGE: 'prod' }, { variables: { STAGE: 'prod', key }, templateParameters: {} }],
  ])('sends parameters as text, and the key as one of them: %j', async (fields, parameters, expected) => {
    await keyed(fields).start({ ...deploy, parameters })
    expect(run()).toMatchObject(expected)
  })

  test.each([
    ['Deplo', 'no pipeline "Deplo".'],
    ['nightly', 'several pipelines "nightly" (299 in \\eu, 300 in \\us). Use the id instead.'],
  ])('rejects the unknown or ambiguous name %s', async (target, found) => {
    const message = `The Azure DevOps project ${project} has ${found}`
    await expectFailure(connected().start({ target }), { message })
  })

  test.each([
    ['an unknown pipeline', { target: '7' }, 'Pipeline 7 not found'],
    ['an unknown branch', { ref: 'nope' }, 'using ref refs/heads/nope'],
    ['an unknown parameter', { parameters: { stge: 'x' } }, "Unexpected parameter 'stge'"],
    ['an unknown project', { project: 'fabrikam/nope' }, 'TF200016'],
  ])('reports the reason that Azure gives for %s', async (_what, input, reason) => {
    await expectFailure(connected().start({ ...deploy, ...input }), { kind: 'refused', status: 422 }, reason)
    expect(server.state.builds).toEqual([])
  })

  test('reports undeclared variables and missing permissions', async () => {
    server.state.limitsVariables = true
    const start = connected(variables).start({ ...deploy, parameters: { STAGE: 'prod' } })
    await expectFailure(start, 'refused', "You can't set the following variables (STAGE)")
    server.state.mayRun = false
    await expectFailure(connected().start(deploy), 'refused', 'needs Queue builds permissions')
  })
})

describe('Azure Pipelines: start with a lost response', () => {
  test.each([
    ['its parameters', {}, undefined],
    ['its variables', variables, undefined],
    ['its name', {}, 'key'],
  ])('a retry finds the run by %s', async (_what, fields, named) => {
    Object.assign(server.state.definitions[0] ?? {}, { named })
    server.loseNext('POST')
    await failureOf(keyed(fields).start(deploy))
    await keyed(fields).start(deploy, { key: keyOf(2) })
    expect((await keyed(fields).start(deploy, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(server.state.builds).toHaveLength(2)
  })

  test('is not retried if no parameter carries the key', async () => {
    server.loseNext('POST')
    await expectFailure(connected().start(deploy), { kind: 'doubtful', transient: false })
    await expectFailure(connected().start(deploy, { isRetry: true }), 'doubtful')
    expect(server.state.builds).toHaveLength(1)
  })
})

describe('Azure Pipelines: run', () => {
  const check = record('Checkpoint', 'Checkpoint', 'Stage Production', { state: 'inProgress' })
  const approval = record('Checkpoint.Approval', 'Approval', check.id, { state: 'inProgress', result: null })
  const only = record('Stage', '__default', null, { state: 'inProgress' })
  test.each([
    ['a stage', [stages[0], { ...stages[1], state: 'inProgress', result: null }], 'stage 1 of 2, Test'],
    ['an approval', [...stages, check, approval], 'stage Production waits for an approval'],
    ['its only stage', [only], undefined],
    ['the approval of its only stage', [only, { ...check, parentId: only.id }, approval], 'waiting for an approval'],
  ])('reports that it is at %s', async (_what, records, progress) => {
    const seen = connected().pollAfter(deploy, () => Object.assign(run(), { status: 'inProgress', records }))
    expect(await seen).toMatchObject({ status: 'inProgress', progress })
  })

  test('reports its times and its link', async () => {
    const ended = await connected().endAfter(deploy, () => server.finish('succeeded'))
    expect(secondsOf(ended)).toBeCloseTo(60, 0)
    expect(ended.data).toMatchObject({ duration: 60 })
    const link = expect.stringContaining('/_build/results?buildId=33')
    expect(ended.links).toMatchObject({ [`azure-pipelines ${id}`]: link })
  })

  test('a failure names the task that failed first, with its job, stage and error', async () => {
    const job = record('Job', 'Rollout', 'Stage Production', { result: 'failed', finishTime: '2026-01-01T10:00:00Z' })
    const task = (name: string, finishTime: string, message: string) => {
      const issues = [
        { type: 'warning', message: 'deprecated' },
        { type: 'error', message },
      ]
      return record('Task', name, job.id, { result: 'failed', finishTime, issues })
    }
    const records = [
      ...stages.map((stage) => ({ ...stage, result: 'failed' })),
      task('Clean up', '2026-01-01T10:00:05Z', 'nothing there'),
      job,
      task('Helm', '2026-01-01T10:00:04Z', 'UPGRADE\nFAILED'),
    ]
    const ended = await connected().endAfter(deploy, () => server.finish('failed', { records }))
    expect(ended.message).toBe(
      `Run ${id} ended as completed/failed: stage "Production", job "Rollout", task "Helm" failed: UPGRADE FAILED`,
    )
    expect(ended.data).toMatchObject({ failedStage: 'Production', failedJob: 'Rollout', failedTask: 'Helm' })
  })

  test('a failure before the start reports the errors of its YAML', async () => {
    const validationResults = [{ result: 'error', message: 'Job a depends on b' }]
    const { message } = await connected().endAfter(deploy, () => server.finish('failed', { validationResults }))
    expect(message).toContain('completed/failed: Job a depends on b')
  })

  test('reports its tests, which thresholds can use', async () => {
    const input = { ...deploy, thresholds: [{ metric: 'failed', op: '<=', value: 0 }] }
    const tests = [
      { totalTests: 10, passedTests: 8, unanalyzedTests: 1 },
      { totalTests: 2, passedTests: 2, unanalyzedTests: 0 },
    ]
    expect(await connected().endAfter(input, () => server.finish('succeeded', { tests }))).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('failed is 1, not <= 0'),
      data: { tests: { total: 12, passed: 10, failed: 1 } },
    })
  })

  test('reports everything else if the token may not read tests', async () => {
    server.state.readsTests = false
    const { result, data } = await connected().endAfter(deploy, () => server.finish('succeeded'))
    expect(result).toBe('pass')
    expect(data).not.toHaveProperty('tests')
  })

  test.each([0, 1, 2])('keeps running if Azure fails after %d responses of a poll', async (answered) => {
    const started = await connected().start(deploy)
    server.finish('succeeded')
    for (let at = 0; at < answered; at++) server.failNext(200, [run(), { records: [] }][at])
    server.failNext(500, '<html><title>500</title>')
    await expectFailure(connected().poll(started, deploy), { transient: true })
  })

  test('is refused if it no longer exists', async () => {
    const polled = connected().pollAfter(deploy, () => Object.assign(server.state, { builds: [] }))
    await expectFailure(polled, 'refused')
  })
})

describe('Azure Pipelines: cancel', () => {
  test('cancels a run by number with the project', async () => {
    await connected().start(deploy)
    expect((await connected().stop({ id: '33' })).message).toContain(`Stopped run ${id}`)
    expect(server.calls.find(({ method }) => method === 'PATCH')?.body).toEqual({ status: 'cancelling' })
  })

  test('waits for a run that is still cancelling', async () => {
    await connected().start(deploy)
    server.state.slow = true
    expect(await connected().stop({ id })).toMatchObject({ message: 'still cancelling' })
  })

  test('reports the reason that Azure gives for a refusal', async () => {
    await connected().start(deploy)
    server.state.mayRun = false
    await expectFailure(connected().stop({ id }), 'refused', 'needs Stop builds')
    await expectFailure(connected().stop({ id: `${project}#7` }), 'refused', 'could not be found')
  })
})
