import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  GetDurableExecutionCommand,
  InvokeCommand,
  LambdaClient,
  SendDurableExecutionCallbackSuccessCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { build } from 'esbuild'
import { categories } from '../../../functions/index.ts'
import { webhookFile } from '../../../infra/build/files.ts'
import { type Runtime, startRuntime } from '../../../infra/local/runtime.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

afterAll(() => runtime.close())
const folder = temporaryFolder()
const bundles = { old: join(folder, 'old'), new: join(folder, 'new') }
let state: string
let runtime: Runtime

/** A task that waits for a callback. Its step names contain the version, so that another version cannot replay it. */
const task = (version: string) => `
  import { withDurableExecution } from '@aws/durable-execution-sdk-js'
  export const handler = withDurableExecution(async (event, context) => {
    const startedBy = await context.step('start-${version}', async () => '${version}')
    const [promise] = await context.createCallback('callback-${version}')
    const callback = await promise
    const endedBy = await context.step('end-${version}', async () => '${version}')
    return { startedBy, callback, endedBy }
  })`

async function bundle(outdir: string, version: string): Promise<void> {
  const { outputFiles } = await build({
    stdin: { contents: task(version), resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
  })
  for (const [name, files] of [
    ...categories.map(({ name }) => [name, ['webhook', 'task']] as const),
    ['finisher', ['finisher']] as const,
  ]) {
    mkdirSync(join(outdir, name), { recursive: true })
    // The tests run this task only.
    const code = ['ci-cd', 'finisher'].includes(name) ? outputFiles[0]?.text : `// ${version}`
    for (const file of files) writeFileSync(join(outdir, name, `${file}.js`), code ?? '')
    writeFileSync(join(outdir, name, 'task.js.map'), `{"of":"${Math.random()}"}`)
  }
}

beforeAll(async () => {
  await bundle(bundles.old, 'old')
  await bundle(bundles.new, 'new')
})

/** Starts the runtime on a new state. */
async function startNew(bundles: string): Promise<void> {
  state = mkdtempSync(join(folder, 'state-'))
  await start(bundles)
}

/** Restarts the runtime on the same state with other bundles. */
async function start(bundles: string): Promise<void> {
  await runtime?.close()
  runtime = await startRuntime({ port: 0, state, bundles, timeScale: 60 })
}

const lambda = () =>
  new LambdaClient({
    endpoint: runtime.cloud.endpoint,
    region: 'eu-west-1',
    credentials: runtime.cloud.credentials,
  })

async function startTask(name: string, functionName = 'ci-cd-task:live'): Promise<string> {
  const { DurableExecutionArn: arn = '' } = await lambda().send(
    new InvokeCommand({
      FunctionName: functionName,
      InvocationType: 'Event',
      DurableExecutionName: name,
      Payload: '{}',
    }),
  )
  await until(() => callbackOf(arn) !== undefined)
  return arn
}

function callbackOf(arn: string): string | undefined {
  const started = runtime.cloud.history(arn).find(({ EventType }) => EventType === 'CallbackStarted')
  return (started?.['CallbackStartedDetails'] as { CallbackId: string } | undefined)?.CallbackId
}

/** Completes the callback of a task and returns its result. */
async function endTask(arn: string) {
  await lambda().send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId: callbackOf(arn) }))
  await until(() => runtime.cloud.execution(arn)?.status !== 'RUNNING')
  const ended = await lambda().send(new GetDurableExecutionCommand({ DurableExecutionArn: arn }))
  return { status: ended.Status, version: ended.Version, ...JSON.parse(ended.Result ?? '{}') }
}

async function until(isTrue: () => boolean): Promise<void> {
  for (const from = Date.now(); !isTrue(); await sleep(20))
    if (Date.now() - from > 120_000) throw new Error('Waited 120 s.')
}

describe('a task whose code is replaced while it waits', () => {
  const arns: string[] = []
  const ends: object[] = []
  let late: Promise<unknown>
  beforeAll(async () => {
    await startNew(bundles.old)
    arns.push(await startTask('before'))
    await start(bundles.new)
    arns.push(await startTask('after'), await startTask('cleanup', arns[0]?.split('/durable-execution')[0]))
    for (const arn of arns) ends.push(await endTask(arn))
    await start(bundles.new)
    late = startTask('late', 'ci-cd-task:1').catch((error) => error)
    await late
  })

  it('ends with the code it started with, and a new task runs the new code', () => {
    expect(ends[0]).toMatchObject({ status: 'SUCCEEDED', version: '1', startedBy: 'old', endedBy: 'old' })
    expect(ends[1]).toMatchObject({ status: 'SUCCEEDED', version: '2', startedBy: 'new', endedBy: 'new' })
    expect(arns.map((arn) => /:function:([^/]+)/.exec(arn)?.[1])).toEqual(['1', '2', '1'].map((n) => `ci-cd-task:${n}`))
  })

  it('allows another execution on its version, as the finisher starts one for cleanup', () => {
    expect(ends[2]).toMatchObject({ version: '1', endedBy: 'old' })
  })

  it('no longer has its version at the first start after the last task of the version has ended', async () => {
    expect(await late).toMatchObject({ name: 'ResourceNotFoundException' })
  })
})

describe('a build while the runtime runs', () => {
  let running: string
  beforeAll(async () => {
    const copy = join(folder, 'rebuilt')
    await bundle(copy, 'old')
    const code = 'export const handler = async () => ({ statusCode: 200, body: "old" })'
    writeFileSync(join(copy, 'issue-ticketing', webhookFile), code)
    writeFileSync(join(copy, 'slo', webhookFile), 'import "./missing.js"')
    await startNew(copy)
    running = await startTask('before')
    rmSync(copy, { recursive: true })
  })
  const callWebhook = async (category: string) => {
    const response = await fetch(`${runtime.url}/v1/${category}/any-action`, { method: 'POST', body: '{}' })
    return { status: response.status, body: await response.text() }
  }

  it('does not affect running tasks', async () => {
    expect(await endTask(running)).toMatchObject({ endedBy: 'old' })
  })

  it('does not affect functions that start later', async () => {
    expect(await callWebhook('issue-ticketing')).toEqual({ status: 200, body: 'old' })
    expect(await startTask('after')).toContain('ci-cd-task')
  })

  it('does not reveal paths of this machine if a function cannot start', async () => {
    expect(await callWebhook('slo')).toEqual({ status: 502, body: '{"message":"Internal server error"}' })
  })
})

describe('a version', () => {
  it('is retained as long as a failed task that may need the finisher', async () => {
    await startNew(bundles.old)
    runtime.cloud.stop(await startTask('before'))
    await start(bundles.new)
    await endTask(await startTask('after'))
    await start(bundles.new)
    expect(await endTask(await startTask('cleanup', 'ci-cd-task:1'))).toMatchObject({ endedBy: 'old' })
  })

  it('is not created for a new source map, and copied again if an earlier process was killed during the copy', async () => {
    await startNew(bundles.old)
    await endTask(await startTask('before'))
    const files = (code: string) => readdirSync(join(state, 'versions', code))
    const code = readdirSync(join(state, 'versions')).find((name) => files(name).includes('task.js')) ?? ''
    await runtime.close()
    const copy = join(state, 'versions', code)
    rmSync(copy, { recursive: true })
    mkdirSync(`${copy}.draft`)
    writeFileSync(join(`${copy}.draft`, 'task.js'), 'half of i')
    writeFileSync(join(bundles.old, 'ci-cd/task.js.map'), '{}')
    await start(bundles.old)
    expect(await endTask(await startTask('after'))).toMatchObject({ version: '1' })
    expect(existsSync(`${copy}.draft`)).toBe(false)
    expect(readFileSync(join(copy, 'task.js'), 'utf8')).toBe(readFileSync(join(bundles.old, 'ci-cd/task.js'), 'utf8'))
  })
})
