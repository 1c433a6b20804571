import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetDurableExecutionCommand, InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { buildSync } from 'esbuild'
import type { LocalFunction } from '../../infra/local/cloud/index.ts'
import { ERROR_NAMES } from '../../shared/core/direct/read-direct-call.ts'
import { type StepFunctionsServer, startStepFunctions } from '../functions/optimization/aws-step-functions/fake.ts'
import { awsCredentials, Service } from './service.ts'

// The fake accepts only this access key.
process.env['AWS_ACCESS_KEY_ID'] = awsCredentials.accessKeyId

const prefix = 'cloud-automation-webhooks'
const folder = mkdtempSync(join(tmpdir(), 'step-functions-'))
/** The durable function of docs/step-functions.md. */
const releases: LocalFunction = {
  name: 'releases',
  file: join(folder, 'index.js'),
  handler: 'handler',
  timeoutSeconds: 30,
  environment: { CI_CD_TASK: 'ci-cd-task:live' },
  durable: { executionTimeoutSeconds: 86_400, retentionDays: 1 },
}
let states: StepFunctionsServer
let service: Service
let lambda: LambdaClient
beforeAll(async () => {
  buildSync({
    entryPoints: [join(import.meta.dirname, '../lifecycle/invoking-function.ts')],
    outfile: releases.file,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    mainFields: ['module', 'main'],
    logLevel: 'error',
  })
  states = await startStepFunctions()
  service = await new Service({
    timeScale: 60,
    functions: [releases],
    secrets: {
      [`${prefix}/callers`]: {
        direct: { categories: ['issue-ticketing'] },
        releases: { categories: ['*'], orchestrator: 'states' },
      },
      [`${prefix}/orchestrators/states`]: { type: 'step-functions', region: 'eu-west-1', endpoint: states.url },
    },
  }).start()
  lambda = service.lambdaClient()
})
afterAll(async () => {
  await service.end()
  await states.close()
  rmSync(folder, { recursive: true })
})
afterEach(() => service.clearFaults())

/** Invokes the webhook function of a category as AWS services do. */
async function invoke(category: string, payload: object) {
  const { FunctionError, Payload = new Uint8Array() } = await lambda.send(
    new InvokeCommand({ FunctionName: `${category}-webhook`, Payload: JSON.stringify(payload) }),
  )
  return { isError: FunctionError !== undefined, result: JSON.parse(new TextDecoder().decode(Payload)) }
}

const open = (payload: object) => invoke('issue-ticketing', { action: 'open-issue', ...payload })
const issuesWith = async (title: string) => (await service.issues()).filter((issue) => issue.title === title)

const token = () => `AQCEAAAAKgAAAAM${randomUUID()}=`
const waiting = (taskToken: string) => {
  states.state.tasks[taskToken] = { hasEnded: false, heartbeats: 0 }
  return states.state.tasks[taskToken]
}
const hasEnded = (task: { hasEnded: boolean } | undefined) =>
  service.until(async () => task?.hasEnded === true, 'the end of the state')

const page = readFileSync(join(import.meta.dirname, '../../docs/step-functions.md'), 'utf8')

describe('docs/step-functions.md', () => {
  it('explains every error', () => {
    const documented = [...page.matchAll(/^\| `(Webhooks\.\w+)` \| [^|]+ \| /gm)].map(([, name]) => name)
    expect(new Set(documented)).toEqual(new Set([...Object.values(ERROR_NAMES), 'Webhooks.Internal']))
  })

  it('shows a state that works', async () => {
    const [machine] = [...page.matchAll(/^```json\n(\{\n {2}"StartAt".+?)^```/gms)].map(([, text = '']) =>
      JSON.parse(text),
    )
    const documented = machine.States.Deploy.Parameters.Payload
    const taskToken = token()
    const task = waiting(taskToken)
    const values: Record<string, string> = { '$$.Task.Token': taskToken, '$$.Execution.Id': 'execution-1' }
    const payload = Object.entries(documented).map(([name, value]) =>
      name.endsWith('.$') ? [name.slice(0, -2), values[String(value)]] : [name, value],
    )
    const { result } = await invoke('ci-cd', Object.fromEntries(payload))
    expect(result).toMatchObject({ taskId: expect.any(String) })
    await hasEnded(task)
    expect(JSON.parse(String(task?.result?.['output']))).toMatchObject({
      verdict: 'pass',
      action: 'trigger-deployment',
    })
  })
})

describe('A silent call without HTTP', () => {
  it('returns its outcome, and a repeat with the same id returns it again', async () => {
    const title = `Order ${randomUUID()}`
    const payload = { id: randomUUID(), input: { title } }
    const first = await open(payload)
    expect(first).toMatchObject({ isError: false, result: { status: 'succeeded', result: 'pass' } })
    expect(await open(payload)).toEqual(first)
    expect(await issuesWith(title)).toHaveLength(1)
  })

  it('accepts the options of the query', async () => {
    const { result } = await open({ input: { title: 'Dry' }, dryRun: true })
    expect(result.message).toContain('Dry run')
    expect(await issuesWith('Dry')).toEqual([])
  })

  it.each([
    ['without an action', { action: undefined }, 'Webhooks.Invalid', 'action is required: one of open-issue'],
    ['with an unknown action', { action: 'open-isue' }, 'Webhooks.Invalid', 'Did you mean "open-issue"?'],
    ['with an incomplete input', { input: {} }, 'Webhooks.Invalid', 'title'],
    ['of an unknown caller', { caller: 'unknown' }, 'Webhooks.Forbidden', 'The secret callers has no entry unknown.'],
    ['as a gate', { mode: 'gate' }, 'Webhooks.Invalid', 'mode must be silent or interactive'],
    ['with an unknown connection', { connection: 'none' }, 'Webhooks.Invalid', 'none'],
  ])('%s throws an error that says what to change', async (_what, change, errorType, message) => {
    const { isError, result } = await open({ input: { title: 'T' }, ...change })
    expect({ isError, ...result }).toMatchObject({
      isError: true,
      errorType,
      errorMessage: expect.stringContaining(message),
    })
  })

  it('throws an error that names the refusal of the platform', async () => {
    await service.fault({ target: 'github', kind: '401' })
    expect((await open({ input: { title: 'T' } })).result).toMatchObject({ errorType: 'Webhooks.Refused' })
  })

  it('that starts a job that needs a task returns the id of the task, which stops it', async () => {
    const start = { action: 'start-test', caller: 'releases', id: randomUUID(), context: randomUUID() }
    const input = { parameters: { type: 'latency', attributes: { latency: 10 }, duration: 600 } }
    const first = await invoke('chaos-testing', { ...start, input })
    expect(await invoke('chaos-testing', { ...start, input })).toEqual(first)
    const { id } = first.result.data
    expect(first.result.data).toEqual({ id: expect.stringMatching(/^[0-9a-f]{40}$/), state: 'started' })
    await service.until(async () => (await service.list('toxics')).length > 0, 'the fault')
    const stop = { action: 'stop-test', caller: 'releases', input: { id } }
    expect((await invoke('chaos-testing', stop)).result).toMatchObject({
      message: expect.stringContaining('Stopped fault shop-db/'),
    })
    expect(await service.list('toxics')).toEqual([])
  })

  it('of a caller that may not use the category throws an error', async () => {
    const { result } = await invoke('ci-cd', { action: 'trigger-build', input: { target: 'deploy.yml' } })
    expect(result).toMatchObject({ errorType: 'Webhooks.Forbidden' })
  })
})

describe('A state that waits for a task token', () => {
  const build = (taskToken: string, more: object = {}) =>
    invoke('ci-cd', {
      action: 'trigger-build',
      caller: 'releases',
      taskToken,
      input: { target: 'deploy.yml' },
      ...more,
    })

  it('gets the outcome of a job once, and heartbeats before, and its task token stays secret', async () => {
    const taskToken = token()
    const task = waiting(taskToken)
    const { result } = await build(taskToken, { heartbeat: true })
    expect(result).toEqual({ taskId: expect.stringMatching(/^[0-9a-f]{40}$/), duplicate: false })
    expect((await build(taskToken, { heartbeat: true })).result).toEqual({ taskId: result.taskId, duplicate: true })
    await hasEnded(task)
    expect(JSON.parse(String(task?.result?.['output']))).toMatchObject({ taskId: result.taskId, verdict: 'pass' })
    expect(task?.heartbeats).toBeGreaterThan(0)
    const ends = states.calls.filter(({ body }) => JSON.stringify(body).includes(taskToken) && 'output' in Object(body))
    expect(ends).toHaveLength(1)
    expect(`${service.output}${JSON.stringify(await service.tasks())}`).not.toContain(taskToken)
  })

  it('fails with the reason of a refusal', async () => {
    await service.fault({ target: 'github', kind: '401' })
    const taskToken = token()
    const task = waiting(taskToken)
    await build(taskToken)
    await hasEnded(task)
    expect(task?.result).toMatchObject({ error: 'Webhooks.Errored', cause: expect.stringContaining('401') })
  })

  it('needs an interactive call of a caller whose orchestrator completes states', async () => {
    expect((await build(token(), { mode: 'silent' })).result).toMatchObject({
      errorType: 'Webhooks.Invalid',
      errorMessage: expect.stringContaining('mode must be interactive'),
    })
  })

  it('that gives up lets the task end, and the task records it', async () => {
    const taskToken = token()
    expect((await build(taskToken)).result.taskId).toBeDefined()
    await service.until(() => service.output.includes('answer unwanted'), 'the log line')
  })
})

describe('A durable function that invokes a task', () => {
  it('gets the outcome, although the runtime is killed meanwhile', async () => {
    const { DurableExecutionArn } = await lambda.send(
      new InvokeCommand({
        FunctionName: 'releases:live',
        InvocationType: 'Event',
        Payload: JSON.stringify({ target: 'deploy.yml' }),
      }),
    )
    const isRunning = ({ functionName, status }: { functionName: string; status: string }) =>
      functionName === 'ci-cd-task' && status === 'RUNNING'
    await service.until(async () => (await service.tasks()).some(isRunning), 'the task')
    await service.kill()
    await service.start()
    lambda = service.lambdaClient()
    const read = () => lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn }))
    await service.until(async () => (await read()).Status !== 'RUNNING', 'the end')
    const { Status, Result = '{}' } = await read()
    expect([Status, JSON.parse(Result)]).toMatchObject(['SUCCEEDED', { deployed: true }])
  })
})
