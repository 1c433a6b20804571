import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { azurePipelines } from '../../../functions/ci-cd/providers/azure-pipelines.ts'
import { type AzurePipelinesServer, startAzurePipelines } from '../../../infra/platforms/azure-pipelines.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { secondsOf } from '../job.ts'
import { Pipeline } from './pipeline.ts'

let server: AzurePipelinesServer
beforeEach(async () => {
  server = await startAzurePipelines()
})
afterEach(() => server.close())

const project = 'fabrikam/Fabrikam Fiber'
const deploy = { target: 'Deploy' }
const id = `${project}#33`

const connected = (fields: object = {}) =>
  new Pipeline(azurePipelines, () => ({ baseUrl: server.url, token: server.token, project, ...fields }))
/** A connection that can look runs up. */
const keyed = (fields: object = {}) => connected({ keyParameter: 'key', ...fields })
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const run = () => {
  const found = server.state.builds.at(-1)
  if (!found) throw new Error('There is no run')
  return found
}
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

describe('the connection', () => {
  test('is checked with the pipelines of its project', async () => {
    await azurePipelines.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual([`/${project}/_apis/build/definitions`])
  })

  test('asks by the API version of the connection', async () => {
    server.state.version = '7.0'
    expect((await failureOf(connected().start(deploy))).message).toContain('version is out of range')
    const old = connected({ apiVersion: '7.0' })
    const begun = await old.start(deploy)
    server.finish('succeeded')
    expect(await old.end(begun, deploy)).toMatchObject({ result: 'pass' })
  })

  test('says that a token is wrong, and not which', async () => {
    const failure = await failureOf(connected({ token: 'a-wrong-token' }).start(deploy))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('says so too where Azure answers the page to sign in', async () => {
    server.failNext(203, '<html><title>Azure DevOps Services | Sign In</title>')
    expect(await failureOf(connected().start(deploy))).toMatchObject({ kind: 'credentials' })
  })

  test('has its token masked wherever it turns up', () => {
    expect(secretsIn(azurePipelines.connection, { token: server.token })).toEqual([server.token])
  })
})

describe('a start', () => {
  test('with an unsafe variable is refused, and not with a parameter of that name', async () => {
    for (const name of ['system.debug', 'SYSTEM_ACCESSTOKEN', 'PATH']) {
      const input = { ...deploy, parameters: { [name]: 'x' } }
      const failure = await failureOf(connected({ parametersAre: 'variables' }).start(input))
      expect(failure).toMatchObject({ kind: 'refused', errors: [{ path: `input.parameters.${name}` }] })
    }
    expect(server.calls).toEqual([])
    server.state.definitions[0]?.parameters.push('PATH')
    await connected().start({ ...deploy, parameters: { PATH: '/shop' } })
    expect(run().templateParameters).toEqual({ PATH: '/shop' })
  })

  test('runs the pipeline of a name on its default branch, and answers the run at once', async () => {
    const { outcome } = await connected().start(deploy)
    const url = `${server.url}/fabrikam/Fabrikam%20Fiber/_build/results?buildId=33`
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      message: `Started run ${id}`,
      data: { id, url, state: 'started' },
      links: { [`azure-pipelines ${id}`]: url },
    })
    expect(run()).toMatchObject({ definition: 297, sourceBranch: 'refs/heads/main', templateParameters: {} })
    expect(calls('POST')[0]?.body).toEqual({ templateParameters: {} })
  })

  test('takes pipeline and branch from the connection, and an id without looking it up', async () => {
    await connected({ target: '298', ref: 'release/1.2' }).start({})
    expect(run()).toMatchObject({ definition: 298, sourceBranch: 'refs/heads/release/1.2' })
    expect(server.calls).toHaveLength(1)
  })

  test('takes a whole ref as it is', async () => {
    await connected({ ref: 'release/1.2' }).start({ ...deploy, ref: 'refs/tags/v1' })
    expect(run().sourceBranch).toBe('refs/tags/v1')
  })

  test('gives parameters as text, and the key where a parameter takes it', async () => {
    await keyed().start({ ...deploy, parameters: { stage: 'prod', replicas: 3 } })
    expect(run().templateParameters).toEqual({ stage: 'prod', replicas: '3', key: keyOf(1) })
  })

  test('gives parameters as variables, where the connection says so', async () => {
    await keyed({ parametersAre: 'variables' }).start({ ...deploy, parameters: { STAGE: 'prod' } })
    expect(run()).toMatchObject({ variables: { STAGE: 'prod', key: keyOf(1) }, templateParameters: {} })
  })

  test('has no key where the call has none', async () => {
    await keyed().start(deploy, { key: undefined })
    expect(run().templateParameters).toEqual({})
  })

  test.each([
    ['a project that is none', { project: 'Fabrikam' }, 'input.project must look like'],
    ['the parameter that takes our key', { parameters: { key: 'x' } }, 'input.parameters must not set key'],
  ])('is refused before anything is sent for %s', async (_what, input, message) => {
    const failure = await failureOf(keyed().start({ ...deploy, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('is refused for a name that is none, or that of several', async () => {
    expect((await failureOf(connected().start({ target: 'Deplo' }))).message).toBe(
      `The Azure DevOps project ${project} has no pipeline "Deplo".`,
    )
    expect((await failureOf(connected().start({ target: 'nightly' }))).message).toBe(
      `The Azure DevOps project ${project} has several pipelines "nightly" (299 in \\eu, 300 in \\us): write its id.`,
    )
  })

  test.each([
    ['a pipeline that is not there', { target: '7' }, 'Pipeline 7 not found'],
    ['a branch that is not there', { ref: 'nope' }, 'using ref refs/heads/nope'],
    ['a parameter that is not there', { parameters: { stge: 'x' } }, "Unexpected parameter 'stge'"],
    ['a project that is not there', { project: 'fabrikam/nope' }, 'TF200016'],
  ])('says in the words of Azure what is wrong with %s', async (_what, input, reason) => {
    const failure = await failureOf(connected().start({ ...deploy, ...input }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain(reason)
    expect(server.state.builds).toEqual([])
  })

  test('says that variables must be declared, and which right is missing', async () => {
    server.state.limitsVariables = true
    const variables = connected({ parametersAre: 'variables' })
    const failure = await failureOf(variables.start({ ...deploy, parameters: { STAGE: 'prod' } }))
    expect(failure.message).toContain("You can't set the following variables (STAGE)")
    server.state.mayRun = false
    expect((await failureOf(connected().start(deploy))).message).toContain('needs Queue builds permissions')
  })

  test('waits as long as Azure asks for', async () => {
    server.failNext(429, undefined, { on: 'POST', headers: { 'retry-after': '30' } })
    expect(await failureOf(connected().start(deploy))).toMatchObject({ transient: true, afterWrite: false })
    server.failNext(429, undefined, { on: 'POST', headers: { 'retry-after': '30' } })
    expect(await failureOf(connected().start(deploy))).toMatchObject({ retryAfter: 30 })
  })
})

describe('a start whose answer was lost', () => {
  test.each([
    ['its parameters', {}, undefined],
    ['its variables', { parametersAre: 'variables' }, undefined],
    ['its name', {}, 'key'],
  ])('is found by %s', async (_what, fields, named) => {
    Object.assign(server.state.definitions[0] ?? {}, { named })
    server.loseNext('POST')
    expect(await failureOf(keyed(fields).start(deploy))).toMatchObject({ transient: true, afterWrite: true })
    await keyed(fields).start(deploy, { key: keyOf(2) })
    const { outcome } = await keyed(fields).start(deploy, { isRetry: true })
    expect(outcome.data).toMatchObject({ id })
    expect(server.state.builds).toHaveLength(2)
  })

  test('is started where it is not there', async () => {
    server.failNext(503, '<html>', { on: 'POST' })
    await failureOf(keyed().start(deploy))
    await keyed().start(deploy, { isRetry: true })
    expect(server.state.builds).toHaveLength(1)
  })

  test('is not repeated where no parameter takes the key', async () => {
    server.loseNext('POST')
    expect(await failureOf(connected().start(deploy))).toMatchObject({ kind: 'doubtful', transient: false })
    expect(await failureOf(connected().start(deploy, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(server.state.builds).toHaveLength(1)
  })
})

describe('a second delivery of an event', () => {
  test('finds the run, though it has ended', async () => {
    await keyed().start(deploy)
    server.finish('succeeded')
    expect((await keyed().start(deploy)).outcome.data).toMatchObject({ id })
    expect(calls('POST')).toHaveLength(1)
  })
})

describe('a run', () => {
  test.each(['none', 'notStarted', 'postponed', 'inProgress', 'cancelling'])('that is %s goes on', async (status) => {
    const begun = await connected().start(deploy)
    run().status = status
    expect(await connected().poll(begun, deploy)).toMatchObject({ status: status, progress: undefined })
  })

  test('with a status that is not known goes on', async () => {
    const begun = await connected().start(deploy)
    run().status = 'hibernating'
    expect(await connected().poll(begun, deploy)).toMatchObject({ status: 'hibernating (unknown state)' })
  })

  test('says which of its stages is at work, and which waits for an approval', async () => {
    const begun = await connected().start(deploy)
    const [production, tests] = stages
    const running = { ...tests, state: 'inProgress', result: null }
    Object.assign(run(), { status: 'inProgress', records: [production, running] })
    expect(await connected().poll(begun, deploy)).toMatchObject({
      status: 'inProgress',
      progress: 'stage 1 of 2, Test',
    })
    const check = record('Checkpoint', 'Checkpoint', 'Stage Production', { state: 'inProgress' })
    const approval = record('Checkpoint.Approval', 'Approval', check.id, { state: 'inProgress', result: null })
    run().records = [...stages, check, approval]
    expect(await connected().poll(begun, deploy)).toMatchObject({ progress: 'stage Production waits for an approval' })
    const only = record('Stage', '__default', null, { state: 'inProgress' })
    run().records = [only]
    expect(await connected().poll(begun, deploy)).toMatchObject({ progress: undefined })
    run().records = [only, { ...check, parentId: only.id }, approval]
    expect(await connected().poll(begun, deploy)).toMatchObject({ progress: 'waiting for an approval' })
  })

  test.each([
    ['succeeded', 'succeeded', 'pass'],
    ['partiallySucceeded', 'succeeded', 'warning'],
    ['failed', 'succeeded', 'fail'],
    ['canceled', 'aborted', 'fail'],
  ])('that is completed and %s ends as %s, %s', async (state, status, result) => {
    const begun = await connected().start(deploy)
    server.finish(state)
    const ended = await connected().end(begun, deploy)
    expect(secondsOf(ended)).toBeCloseTo(60, 0)
    expect(ended).toMatchObject({
      status,
      result,
      data: { id, state: `completed/${state}`, duration: 60 },
      links: { [`azure-pipelines ${id}`]: expect.stringContaining('/_build/results?buildId=33') },
    })
  })

  test('that failed names the task that failed first, with its job, its stage and its error', async () => {
    const begun = await connected().start(deploy)
    const job = record('Job', 'Rollout', 'Stage Production', { result: 'failed', finishTime: '2026-01-01T10:00:00Z' })
    const task = (name: string, finishTime: string, message: string) =>
      record('Task', name, job.id, {
        result: 'failed',
        finishTime,
        issues: [
          { type: 'warning', message: 'deprecated' },
          { type: 'error', message },
        ],
      })
    const records = [
      ...stages.map((stage) => ({ ...stage, result: 'failed' })),
      task('Clean up', '2026-01-01T10:00:05Z', 'nothing there'),
      job,
      task('Helm', '2026-01-01T10:00:04Z', 'UPGRADE\nFAILED'),
    ]
    server.finish('failed', { records })
    const ended = await connected().end(begun, deploy)
    expect(ended.message).toBe(
      `Run ${id} ended as completed/failed: stage "Production", job "Rollout", task "Helm" failed: UPGRADE FAILED`,
    )
    expect(ended.data).toMatchObject({ failedStage: 'Production', failedJob: 'Rollout', failedTask: 'Helm' })
  })

  test('that failed before it began says what is wrong with its YAML', async () => {
    const begun = await connected().start(deploy)
    server.finish('failed', { validationResults: [{ result: 'error', message: 'Job a depends on b' }] })
    expect((await connected().end(begun, deploy)).message).toContain('completed/failed: Job a depends on b')
  })

  test('tells its tests, which are held against thresholds', async () => {
    const input = { ...deploy, thresholds: [{ metric: 'failed', op: '<=', value: 0 }] }
    const begun = await connected().start(input)
    const tests = [
      { totalTests: 10, passedTests: 8, unanalyzedTests: 1 },
      { totalTests: 2, passedTests: 2, unanalyzedTests: 0 },
    ]
    server.finish('succeeded', { tests })
    expect(await connected().end(begun, input)).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('failed is 1, not <= 0'),
      data: { tests: { total: 12, passed: 10, failed: 1 } },
    })
  })

  test('tells the rest to a token that may not read tests', async () => {
    const begun = await connected().start(deploy)
    server.state.readsTests = false
    server.finish('succeeded')
    const { result, data } = await connected().end(begun, deploy)
    expect(result).toBe('pass')
    expect(data).not.toHaveProperty('tests')
  })

  test('is looked at again where Azure is down, also in the middle, and refused where it is gone', async () => {
    const begun = await connected().start(deploy)
    server.finish('succeeded')
    for (const answered of [0, 1, 2]) {
      for (let at = 0; at < answered; at++) server.failNext(200, [run(), { records: [] }][at])
      server.failNext(500, '<html><title>500</title>')
      expect(await failureOf(connected().poll(begun, deploy))).toMatchObject({ transient: true })
    }
    server.state.builds = []
    expect(await failureOf(connected().poll(begun, deploy))).toMatchObject({ kind: 'refused' })
  })
})

describe('cancel', () => {
  test('ends a run, by its id or by its number with the project', async () => {
    for (const input of [{ id }, { id: '34' }]) {
      await connected().start(deploy)
      const outcome = await connected().cancel(input)
      expect(outcome).toMatchObject({ result: 'pass', data: { state: 'completed/canceled' } })
      expect(outcome.message).toContain(`Stopped run ${project}#3`)
    }
    expect(calls('PATCH')[0]?.body).toEqual({ status: 'cancelling' })
  })

  test('waits for a run that takes its time', async () => {
    await connected().start(deploy)
    server.state.slow = true
    expect(await connected().cancel({ id })).toMatchObject({ message: 'still cancelling' })
  })

  test('passes for a run that has ended, also between our look and the cancel', async () => {
    await connected().start(deploy)
    server.finish('succeeded')
    expect(await connected().cancel({ id })).toMatchObject({
      message: `Run ${id} had ended already (completed/succeeded)`,
    })
    expect(calls('PATCH')).toHaveLength(0)
    await azurePipelines.stop(connected().client(), { id })
    expect(run().result).toBe('succeeded')
  })

  test('says why Azure does not do it', async () => {
    await connected().start(deploy)
    server.state.mayRun = false
    expect((await failureOf(connected().cancel({ id }))).message).toContain('needs Stop builds')
    expect((await failureOf(connected().cancel({ id: `${project}#7` }))).message).toContain('could not be found')
  })

  test.each(['Fabrikam#1', `${project}#x`, '../..#1', '_a/b#1'])('refuses the id %s', async (wrong) => {
    const failure = await failureOf(connected().cancel({ id: wrong }))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain('write it like fabrikam/Fabrikam-Fiber#33')
  })
})
