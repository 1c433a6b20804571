import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { GetDurableExecutionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { build } from 'esbuild'
import { categories } from '../../../functions/index.ts'
import { authorizationWith } from '../../../infra/local/cloud/index.ts'
import { type Runtime, startRuntime } from '../../../infra/local/runtime.ts'

const folder = mkdtempSync(join(tmpdir(), 'webhooks-versions-'))
const bundles = { old: join(folder, 'old'), new: join(folder, 'new') }
let state: string
let runtime: Runtime

/**
 * A task that begins, is told to go on, and ends: the first step is what the code of one version calls it, so that the other
 * can not replay it.
 */
const task = (version: string) => `
  import { withDurableExecution } from '@aws/durable-execution-sdk-js'
  export const handler = withDurableExecution(async (event, context) => {
    const begunBy = await context.step('begin-${version}', async () => '${version}')
    const [told] = await context.createCallback('told-${version}')
    const callback = await told
    const endedBy = await context.step('end-${version}', async () => '${version}')
    return { begunBy, callback, endedBy }
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
    for (const file of files) writeFileSync(join(outdir, name, `${file}.js`), outputFiles[0]?.text ?? '')
    writeFileSync(join(outdir, name, 'task.js.map'), `{"of":"${Math.random()}"}`)
  }
}

beforeAll(async () => {
  await bundle(bundles.old, 'old')
  await bundle(bundles.new, 'new')
})
beforeEach(() => {
  state = mkdtempSync(join(folder, 'state-'))
})
afterEach(() => runtime.close())
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Stops the runtime that there is, and starts one on the same state with other bundles. */
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

async function begin(name: string, functionName = 'ci-cd-task:live'): Promise<string> {
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

/** Tells a task to go on. @returns how it ended */
async function end(arn: string) {
  const id = encodeURIComponent(callbackOf(arn) ?? '')
  await fetch(`${runtime.cloud.endpoint}/2025-12-01/durable-execution-callbacks/${id}/succeed`, {
    method: 'POST',
    headers: { authorization: authorizationWith(runtime.cloud.credentials) },
    body: 'go on',
  })
  await until(() => runtime.cloud.execution(arn)?.status !== 'RUNNING')
  const {
    Status,
    Result,
    Error: error,
    Version,
  } = await lambda().send(new GetDurableExecutionCommand({ DurableExecutionArn: arn }))
  return { status: Status, version: Version, error, ...JSON.parse(Result ?? '{}') }
}

async function until(holds: () => boolean): Promise<void> {
  for (const from = Date.now(); !holds(); await sleep(20))
    if (Date.now() - from > 120_000) throw new Error('Waited 120 s.')
}

describe('a task that waits while its code is replaced', () => {
  it('ends on the code that it began on; a new one runs on the new code', async () => {
    await start(bundles.old)
    const before = await begin('before')
    await start(bundles.new)
    const after = await begin('after')
    expect(await end(before)).toMatchObject({ status: 'SUCCEEDED', version: '1', begunBy: 'old', endedBy: 'old' })
    expect(await end(after)).toMatchObject({ status: 'SUCCEEDED', version: '2', begunBy: 'new', endedBy: 'new' })
    expect([before, after].map((arn) => /:function:([^/]+)/.exec(arn)?.[1])).toEqual(['ci-cd-task:1', 'ci-cd-task:2'])
  })

  it('does so when the folder of its bundle is gone', async () => {
    const copy = join(folder, 'gone')
    await bundle(copy, 'old')
    await start(copy)
    const arn = await begin('before')
    rmSync(copy, { recursive: true })
    expect(await end(arn)).toMatchObject({ endedBy: 'old' })
  })

  it('lets another one be begun on its version, as the finisher does to end what a task had begun', async () => {
    await start(bundles.old)
    const before = await begin('before')
    await start(bundles.new)
    const beside = await begin('beside', before.split('/durable-execution')[0])
    expect(await end(beside)).toMatchObject({ version: '1', endedBy: 'old' })
  })
})

describe('a build while the runtime runs', () => {
  const answer = async () => {
    const response = await fetch(`${runtime.url}/v1/issue-ticketing/open-issue`, { method: 'POST', body: '{}' })
    return { status: response.status, body: await response.text() }
  }

  it('does not break it, whether a function was called before or not', async () => {
    const copy = join(folder, 'rebuilt')
    await bundle(copy, 'old')
    for (const { name } of categories)
      writeFileSync(join(copy, name, 'webhook.js'), 'exports.handler = async () => ({ statusCode: 200, body: "old" })')
    await start(copy)
    rmSync(copy, { recursive: true })
    expect(await answer()).toEqual({ status: 200, body: 'old' })
    expect(await begin('after')).toContain('ci-cd-task')
  })

  it('shows no path of this machine if it left a function that cannot start', async () => {
    const copy = join(folder, 'broken')
    await bundle(copy, 'old')
    for (const { name } of categories) writeFileSync(join(copy, name, 'webhook.js'), 'require("./missing.js")')
    await start(copy)
    expect(await answer()).toEqual({ status: 502, body: '{"message":"Internal server error"}' })
  })
})

describe('a task of a state folder from before there were versions', () => {
  it('goes on with the code that is there at the first start after that, as it would have', async () => {
    await start(bundles.old)
    const arn = await begin('before')
    await runtime.close()
    const db = new DatabaseSync(join(state, 'durable.db'))
    db.exec('ALTER TABLE execution DROP COLUMN function_version; DROP TABLE version; PRAGMA user_version = 1')
    db.close()
    await start(bundles.old)
    expect(await end(arn)).toMatchObject({ version: '1', endedBy: 'old' })
  })
})

describe('a version', () => {
  it('is new only where the code is: neither a restart nor a source map makes one', async () => {
    await start(bundles.old)
    writeFileSync(join(bundles.old, 'ci-cd/task.js.map'), '{}')
    await start(bundles.old)
    expect(await end(await begin('first'))).toMatchObject({ version: '1' })
  })

  it('is kept while a task runs on it, and forgotten at a start after its end', async () => {
    await start(bundles.old)
    const before = await begin('before')
    await start(bundles.new)
    await end(await begin('after'))
    await end(await begin('beside', 'ci-cd-task:1'))
    await end(before)
    await start(bundles.new)
    await expect(begin('late', 'ci-cd-task:1')).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })

  it('is kept for as long as a task is remembered that failed on it: the finisher may need it', async () => {
    await start(bundles.old)
    runtime.cloud.stop(await begin('before'))
    await start(bundles.new)
    await end(await begin('after'))
    await start(bundles.new)
    expect(await end(await begin('beside', 'ci-cd-task:1'))).toMatchObject({ endedBy: 'old' })
  })

  it('is whole: what a process left that died while it was copied does not count', async () => {
    await start(bundles.old)
    await end(await begin('before'))
    const files = (code: string) => readdirSync(join(state, 'versions', code))
    const code = readdirSync(join(state, 'versions')).find((name) => files(name).includes('task.js')) ?? ''
    await runtime.close()
    const copy = join(state, 'versions', code)
    rmSync(copy, { recursive: true })
    mkdirSync(`${copy}.half`)
    writeFileSync(join(`${copy}.half`, 'task.js'), 'half of i')
    await start(bundles.old)
    await end(await begin('after'))
    expect(existsSync(`${copy}.half`)).toBe(false)
    expect(readFileSync(join(copy, 'task.js'), 'utf8')).toBe(readFileSync(join(bundles.old, 'ci-cd/task.js'), 'utf8'))
  })
})
