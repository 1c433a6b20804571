import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll } from '@jest/globals'
import { buildSync } from 'esbuild'
import type { CloudOptions, LocalFunction, Observation } from '../../../../infra/local/cloud/index.ts'
import { type LocalCloud, startLocalCloud } from '../../../../infra/local/cloud/index.ts'
import { temporaryFolder } from '../../../temporary-folder.ts'

const HANDLERS = fileURLToPath(new URL('./handlers.ts', import.meta.url))
const LOCKFILE = join(import.meta.dirname, '../../../../package-lock.json')
const clouds: LocalCloud[] = []

// Also after a failed test: an open cloud would prevent the test run from ending.
afterAll(async () => {
  for (const cloud of clouds) await cloud.close()
})

/** The folder of the test file, deleted after it. */
export const folder = (() => {
  const path = temporaryFolder()
  return { path, file: (name: string) => join(path, name) }
})()

/** Bundles the test functions like those of dist/: CommonJS, one file, with class names. Again only after a change. */
function bundled(): string {
  const hash = createHash('sha256')
  for (const file of [HANDLERS, import.meta.filename, LOCKFILE]) hash.update(readFileSync(file))
  const bundle = join(dirname(LOCKFILE), `node_modules/.cache/webhooks/handlers-${hash.digest('hex').slice(0, 16)}.js`)
  if (existsSync(bundle)) return bundle
  const outfile = folder.file('handlers.js')
  buildSync({
    entryPoints: [HANDLERS],
    outfile,
    bundle: true,
    keepNames: true,
    minify: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    mainFields: ['module', 'main'],
    logLevel: 'error',
  })
  mkdirSync(dirname(bundle), { recursive: true })
  // Another process may read it already.
  copyFileSync(outfile, `${bundle}.${process.pid}`)
  renameSync(`${bundle}.${process.pid}`, bundle)
  return bundle
}

let handlers: string | undefined

/** Returns a durable function for each exported handler. */
export function durable(names: string[], more: Partial<LocalFunction> = {}): LocalFunction[] {
  handlers ??= bundled()
  const file = handlers
  return names.map((name) => ({
    name,
    file,
    handler: name,
    timeoutSeconds: 30,
    environment: {},
    concurrency: 2,
    durable: { executionTimeoutSeconds: 600, retentionDays: 1 },
    ...more,
  }))
}

/** Returns a plain function for each exported handler. */
export function plain(names: string[], more: Partial<LocalFunction> = {}): LocalFunction[] {
  return durable(names, more).map(({ durable: _durable, ...fn }) => fn)
}

export interface Started {
  cloud: LocalCloud
  lambda: LambdaClient
  seen: Observation[]
}

/** Starts a local cloud and a client, and collects the observations. */
export async function start(
  options: Partial<CloudOptions> & Pick<CloudOptions, 'state' | 'functions'>,
): Promise<Started> {
  const seen: Observation[] = []
  const cloud = await startLocalCloud({
    secret: () => undefined,
    table: 'test',
    credentials,
    timeScale: 20,
    copiesCode: false,
    observe: (observation) => seen.push(observation),
    ...options,
  })
  clouds.push(cloud)
  return { cloud, lambda: client(cloud), seen }
}

/** Starts a cloud before the tests, in a state folder of the test file. */
export function startBefore(options: () => Omit<Parameters<typeof start>[0], 'state'>, state = 'state'): Started {
  const started = {} as Started
  beforeAll(async () => {
    Object.assign(started, await start({ state: folder.file(state), ...options() }))
  })
  return started
}

/** Starts an execution of a durable function and returns its ARN. */
export async function startExecution(
  lambda: LambdaClient,
  FunctionName: string,
  event: unknown,
  DurableExecutionName?: string,
): Promise<string> {
  const Payload = new TextEncoder().encode(JSON.stringify(event))
  const { DurableExecutionArn = '' } = await lambda.send(
    new InvokeCommand({
      FunctionName: `${FunctionName}:live`,
      InvocationType: 'Event',
      Payload,
      DurableExecutionName,
    }),
  )
  return DurableExecutionArn
}

/** Returns the events of the latest execution, of a function if given. */
export function latestEvents({ cloud }: Started, functionName?: string) {
  const [latest] = cloud.executions({ limit: 1, ...(functionName ? { functionName } : {}) })
  return cloud.history(latest?.arn ?? '')
}

export const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

function client(cloud: LocalCloud): LambdaClient {
  return new LambdaClient({ endpoint: cloud.endpoint, region: 'eu-west-1', credentials, maxAttempts: 1 })
}

/** Waits until `check` returns a value. */
export async function until<Value>(check: () => Value | undefined | false, what = 'it', seconds = 120): Promise<Value> {
  const end = Date.now() + seconds * 1_000
  for (;;) {
    const value = check()
    if (value !== undefined && value !== false) return value
    if (Date.now() > end) throw new Error(`${what} did not happen in time`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Returns the lines that handlers appended to a file; none if the file does not exist. */
export function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
