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

// Also after a test that failed in the middle: an open cloud would keep the test run from ending.
afterAll(async () => {
  for (const cloud of clouds) await cloud.close()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder of its own for each test file; goes away with it. */
export function temporaryFolder(): { path: string; file: (name: string) => string } {
  const path = mkdtempSync(join(tmpdir(), 'cloud-test-'))
  folders.push(path)
  return { path, file: (name) => join(path, name) }
}

/** Bundles the test functions as those of dist/ are: CJS, one file, class names kept. */
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

/** A durable function for each name: the export of the same name. */
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

/** A plain function for each name. */
export function plain(file: string, names: string[], more: Partial<LocalFunction> = {}): LocalFunction[] {
  return durable(file, names, more).map(({ durable: _durable, ...fn }) => fn)
}

export interface Started {
  cloud: LocalCloud
  lambda: LambdaClient
  seen: Observation[]
}

/** Starts a local cloud that collects what it observes, and a client of it. */
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

/** Waits until `check` gives something; not for ever. */
export async function until<Value>(check: () => Value | undefined | false, what = 'it', seconds = 120): Promise<Value> {
  const end = Date.now() + seconds * 1_000
  for (;;) {
    const value = check()
    if (value !== undefined && value !== false) return value
    if (Date.now() > end) throw new Error(`${what} did not happen in time`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** @returns the lines that handlers noted in a file; none while there is no file */
export function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
