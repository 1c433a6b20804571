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
/** A connection that can find runs by key. */
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

describe('Azure Pipelines: connection', () => {
  test('the check lists the pipelines of its project', async () => {
    await azurePipelines.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual([`/${project}/_apis/build/definitions`])
  })

  test('uses the API version of the connection', async () => {
    server.state.version = '7.0'
    expect((await failureOf(connected().start(deploy))).message).toContain('version is out of range')
    const old = connected({ apiVersion: '7.0' })
    const started = await old.start(deploy)
    server.finish('succeeded')
    expect(await old.end(started, deploy)).toMatchObject({ result: 'pass' })
  })

  test('an invalid token is a credentials failure without the token', async () => {
    const failure = await failureOf(connected({ token: 'a-wrong-token' }).start(deploy))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('the sign-in page of Azure is a credentials failure, too', async () => {
    server.failNext(203, '<html><title>Azure DevOps Services | Sign In</title>')
    expect(await failureOf(connected().start(deploy))).toMatchObject({ kind: 'credentials' })
  })

  test('the token is a secret', () => {
    expect(secretsIn(azurePipelines.connection, { token: server.token })).toEqual([server.token])
  })
})

describe('Azure Pipelines: start', () => {
  test('rejects an unsafe variable, but accepts a parameter with that name', async () => {
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

  test('runs a pipeline by name on its default branch and returns the run at once', async () => {
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

  test('takes pipeline and branch from the connection, and does not look up an id', async () => {
    await connected({ target: '298', ref: 'release/1.2' }).start({})
    expect(run()).toMatchObject({ definition: 298, sourceBranch: 'refs/heads/release/1.2' })
    expect(server.calls).toHaveLength(1)
  })

  test('sends a full ref unchanged', async () => {
    await connected({ ref: 'release/1.2' }).start({ ...deploy, ref: 'refs/tags/v1' })
    expect(run().sourceBranch).toBe('refs/tags/v1')
  })

  test('sends parameters as text, and the key in the parameter of the connection', async () => {
    await keyed().start({ ...deploy, parameters: { stage: 'prod', replicas: 3 } })
    expect(run().templateParameters).toEqual({ stage: 'prod', replicas: '3', key: keyOf(1) })
  })

  test('sends parameters as variables if the connection says so', async () => {
    await keyed({ parametersAre: 'variables' }).start({ ...deploy, parameters: { STAGE: 'prod' } })
    expect(run()).toMatchObject({ variables: { STAGE: 'prod', key: keyOf(1) }, templateParameters: {} })
  })

  test('sends no key if the call has none', async () => {
    await keyed().start(deploy, { key: undefined })
    expect(run().templateParameters).toEqual({})
  })

  test.each([
    ['an invalid project', { project: 'Fabrikam' }, 'input.project must look like'],
    ['the parameter of the idempotency key', { parameters: { key: 'x' } }, 'input.parameters must not contain key'],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(keyed().start({ ...deploy, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('rejects an unknown or ambiguous name', async () => {
    expect((await failureOf(connected().start({ target: 'Deplo' }))).message).toBe(
      `The Azure DevOps project ${project} has no pipeline "Deplo".`,
    )
    expect((await failureOf(connected().start({ target: 'nightly' }))).message).toBe(
      `The Azure DevOps project ${project} has several pipelines "nightly" (299 in \\eu, 300 in \\us). Use the id instead.`,
    )
  })

  test.each([
    ['an unknown pipeline', { target: '7' }, 'Pipeline 7 not found'],
    ['an unknown branch', { ref: 'nope' }, 'using ref refs/heads/nope'],
    ['an unknown parameter', { parameters: { stge: 'x' } }, "Unexpected parameter 'stge'"],
    ['an unknown project', { project: 'fabrikam/nope' }, 'TF200016'],
  ])('reports the reason that Azure gives for %s', async (_what, input, reason) => {
    const failure = await failureOf(connected().start({ ...deploy, ...input }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain(reason)
    expect(server.state.builds).toEqual([])
  })

  test('reports undeclared variables and missing permissions', async () => {
    server.state.limitsVariables = true
    const variables = connected({ parametersAre: 'variables' })
    const failure = await failureOf(variables.start({ ...deploy, parameters: { STAGE: 'prod' } }))
    expect(failure.message).toContain("You can't set the following variables (STAGE)")
    server.state.mayRun = false
    expect((await failureOf(connected().start(deploy))).message).toContain('needs Queue builds permissions')
  })

  test('returns Retry-After of Azure', async () => {
    server.failNext(429, undefined, { on: 'POST', headers: { 'retry-after': '30' } })
    expect(await failureOf(connected().start(deploy))).toMatchObject({ transient: true, mayHaveWritten: false })
    server.failNext(429, undefined, { on: 'POST', headers: { 'retry-after': '30' } })
    expect(await failureOf(connected().start(deploy))).toMatchObject({ retryAfter: 30 })
  })
})

describe('Azure Pipelines: start with a lost response', () => {
  test.each([
    ['its parameters', {}, undefined],
    ['its variables', { parametersAre: 'variables' }, undefined],
    ['its name', {}, 'key'],
  ])('a retry finds the run by %s', async (_what, fields, named) => {
    Object.assign(server.state.definitions[0] ?? {}, { named })
    server.loseNext('POST')
    expect(await failureOf(keyed(fields).start(deploy))).toMatchObject({ transient: true, mayHaveWritten: true })
    await keyed(fields).start(deploy, { key: keyOf(2) })
    const { outcome } = await keyed(fields).start(deploy, { isRetry: true })
    expect(outcome.data).toMatchObject({ id })
    expect(server.state.builds).toHaveLength(2)
  })

  test('a retry starts a run that does not exist', async () => {
    server.failNext(503, '<html>', { on: 'POST' })
    await failureOf(keyed().start(deploy))
    await keyed().start(deploy, { isRetry: true })
    expect(server.state.builds).toHaveLength(1)
  })

  test('is not retried if no parameter carries the key', async () => {
    server.loseNext('POST')
    expect(await failureOf(connected().start(deploy))).toMatchObject({ kind: 'doubtful', transient: false })
    expect(await failureOf(connected().start(deploy, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(server.state.builds).toHaveLength(1)
  })
})

describe('Azure Pipelines: second delivery of an event', () => {
  test('finds the run after it has ended', async () => {
    await keyed().start(deploy)
    server.finish('succeeded')
    expect((await keyed().start(deploy)).outcome.data).toMatchObject({ id })
    expect(calls('POST')).toHaveLength(1)
  })
})

describe('Azure Pipelines: run', () => {
  test.each(['none', 'notStarted', 'postponed', 'inProgress', 'cancelling'])(
    'keeps running in the state %s',
    async (status) => {
      const started = await connected().start(deploy)
      run().status = status
      expect(await connected().poll(started, deploy)).toMatchObject({ status: status, progress: undefined })
    },
  )

  test('keeps running in an unknown state', async () => {
    const started = await connected().start(deploy)
    run().status = 'hibernating'
    expect(await connected().poll(started, deploy)).toMatchObject({ status: 'hibernating (unknown state)' })
  })

  test('reports the running stage, and one that waits for an approval', async () => {
    const started = await connected().start(deploy)
    const [production, tests] = stages
    const running = { ...tests, state: 'inProgress', result: null }
    Object.assign(run(), { status: 'inProgress', records: [production, running] })
    expect(await connected().poll(started, deploy)).toMatchObject({
      status: 'inProgress',
      progress: 'stage 1 of 2, Test',
    })
    const check = record('Checkpoint', 'Checkpoint', 'Stage Production', { state: 'inProgress' })
    const approval = record('Checkpoint.Approval', 'Approval', check.id, { state: 'inProgress', result: null })
    run().records = [...stages, check, approval]
    expect(await connected().poll(started, deploy)).toMatchObject({
      progress: 'stage Production waits for an approval',
    })
    const only = record('Stage', '__default', null, { state: 'inProgress' })
    run().records = [only]
    expect(await connected().poll(started, deploy)).toMatchObject({ progress: undefined })
    run().records = [only, { ...check, parentId: only.id }, approval]
    expect(await connected().poll(started, deploy)).toMatchObject({ progress: 'waiting for an approval' })
  })

  test.each([
    ['succeeded', 'succeeded', 'pass'],
    ['partiallySucceeded', 'succeeded', 'warning'],
    ['failed', 'succeeded', 'fail'],
    ['canceled', 'aborted', 'fail'],
  ])('completed with %s, ends as %s, %s', async (state, status, result) => {
    const started = await connected().start(deploy)
    server.finish(state)
    const ended = await connected().end(started, deploy)
    expect(secondsOf(ended)).toBeCloseTo(60, 0)
    expect(ended).toMatchObject({
      status,
      result,
      data: { id, state: `completed/${state}`, duration: 60 },
      links: { [`azure-pipelines ${id}`]: expect.stringContaining('/_build/results?buildId=33') },
    })
  })

  test('a failure names the task that failed first, with its job, stage and error', async () => {
    const started = await connected().start(deploy)
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
    const ended = await connected().end(started, deploy)
    expect(ended.message).toBe(
      `Run ${id} ended as completed/failed: stage "Production", job "Rollout", task "Helm" failed: UPGRADE FAILED`,
    )
    expect(ended.data).toMatchObject({ failedStage: 'Production', failedJob: 'Rollout', failedTask: 'Helm' })
  })

  test('a failure before the start reports the errors of its YAML', async () => {
    const started = await connected().start(deploy)
    server.finish('failed', { validationResults: [{ result: 'error', message: 'Job a depends on b' }] })
    expect((await connected().end(started, deploy)).message).toContain('completed/failed: Job a depends on b')
  })

  test('reports its tests, which thresholds can use', async () => {
    const input = { ...deploy, thresholds: [{ metric: 'failed', op: '<=', value: 0 }] }
    const started = await connected().start(input)
    const tests = [
      { totalTests: 10, passedTests: 8, unanalyzedTests: 1 },
      { totalTests: 2, passedTests: 2, unanalyzedTests: 0 },
    ]
    server.finish('succeeded', { tests })
    expect(await connected().end(started, input)).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('failed is 1, not <= 0'),
      data: { tests: { total: 12, passed: 10, failed: 1 } },
    })
  })

  test('reports everything else if the token may not read tests', async () => {
    const started = await connected().start(deploy)
    server.state.readsTests = false
    server.finish('succeeded')
    const { result, data } = await connected().end(started, deploy)
    expect(result).toBe('pass')
    expect(data).not.toHaveProperty('tests')
  })

  test('keeps running while Azure is down, and is refused if it no longer exists', async () => {
    const started = await connected().start(deploy)
    server.finish('succeeded')
    for (const answered of [0, 1, 2]) {
      for (let at = 0; at < answered; at++) server.failNext(200, [run(), { records: [] }][at])
      server.failNext(500, '<html><title>500</title>')
      expect(await failureOf(connected().poll(started, deploy))).toMatchObject({ transient: true })
    }
    server.state.builds = []
    expect(await failureOf(connected().poll(started, deploy))).toMatchObject({ kind: 'refused' })
  })
})

describe('Azure Pipelines: cancel', () => {
  test('cancels a run by id, or by number with the project', async () => {
    for (const input of [{ id }, { id: '34' }]) {
      await connected().start(deploy)
      const outcome = await connected().cancel(input)
      expect(outcome).toMatchObject({ result: 'pass', data: { state: 'completed/canceled' } })
      expect(outcome.message).toContain(`Stopped run ${project}#3`)
    }
    expect(calls('PATCH')[0]?.body).toEqual({ status: 'cancelling' })
  })

  test('waits for a run that is still cancelling', async () => {
    await connected().start(deploy)
    server.state.slow = true
    expect(await connected().cancel({ id })).toMatchObject({ message: 'still cancelling' })
  })

  test('passes for a run that has ended, even between the poll and the cancellation', async () => {
    await connected().start(deploy)
    server.finish('succeeded')
    expect(await connected().cancel({ id })).toMatchObject({
      message: `Run ${id} had ended already (completed/succeeded)`,
    })
    expect(calls('PATCH')).toHaveLength(0)
    await azurePipelines.stop(connected().client(), { id })
    expect(run().result).toBe('succeeded')
  })

  test('reports the reason that Azure gives for a refusal', async () => {
    await connected().start(deploy)
    server.state.mayRun = false
    expect((await failureOf(connected().cancel({ id }))).message).toContain('needs Stop builds')
    expect((await failureOf(connected().cancel({ id: `${project}#7` }))).message).toContain('could not be found')
  })

  test.each(['Fabrikam#1', `${project}#x`, '../..#1', '_a/b#1'])('rejects the id %s', async (wrong) => {
    const failure = await failureOf(connected().cancel({ id: wrong }))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain('such as fabrikam/Fabrikam-Fiber#33')
  })
})
