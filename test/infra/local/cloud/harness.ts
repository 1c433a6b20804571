import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { afterAll } from '@jest/globals'
import { buildSync } from 'esbuild'
import type { CloudOptions, LocalFunction, Observation } from '../../../../infra/local/cloud/index.ts'
import { type LocalCloud, startLocalCloud } from '../../../../infra/local/cloud/index.ts'

const clouds: LocalCloud[] = []
const folders: string[] = []

// Also after a failed test: an open cloud would prevent the test run from ending.
afterAll(async () => {
  for (const cloud of clouds) await cloud.close()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Creates a temporary folder that is deleted after the test file. */
export function temporaryFolder(): { path: string; file: (name: string) => string } {
  const path = mkdtempSync(join(tmpdir(), 'cloud-test-'))
  folders.push(path)
  return { path, file: (name) => join(path, name) }
}

/** Bundles the test functions like those of dist/: CommonJS, one file, with class names. */
export function buildHandlers(folder: string): string {
  const outfile = join(folder, 'handlers.js')
  buildSync({
    entryPoints: [fileURLToPath(new URL('./handlers.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    mainFields: ['module', 'main'],
    keepNames: true,
    minify: true,
    logLevel: 'error',
  })
  return outfile
}

/** Returns a durable function for each exported handler. */
export function durable(file: string, names: string[], more: Partial<LocalFunction> = {}): LocalFunction[] {
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
export function plain(file: string, names: string[], more: Partial<LocalFunction> = {}): LocalFunction[] {
  return durable(file, names, more).map(({ durable: _durable, ...fn }) => fn)
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
    observe: (observation) => seen.push(observation),
    ...options,
  })
  clouds.push(cloud)
  return { cloud, lambda: client(cloud), seen }
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
