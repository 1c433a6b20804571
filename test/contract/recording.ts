import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

/** A request that a fake platform received in a test, and its response. */
export interface RecordedExchange {
  /** The test file: `functions/ci-cd/jenkins`. */
  test: string
  method: string
  /** Encoded. */
  path: string
  query: string
  headers: IncomingHttpHeaders
  body: string
  status: number
  response: unknown
  /** The test chose the response, not the platform. */
  isInjected: boolean
}

/** The beginnings of the names of the tests whose exchanges are recorded. */
export const RECORDED_TESTS = ['functions/', 'shared/orchestrators/', 'infra/cli/github']
const tests = join(import.meta.dirname, '..')

export function testName(path: string): string {
  return relative(tests, path).replace(/\.test\.ts$/, '')
}

/**
 * Reads the exchanges that a run of the tests recorded in the folder in RECORDED_EXCHANGES. Without that variable, runs
 * the tests.
 */
export function readExchanges(): RecordedExchange[] {
  const recorded = process.env['RECORDED_EXCHANGES']
  const folder = recorded ?? mkdtempSync(join(tmpdir(), 'webhooks-exchanges-'))
  try {
    if (recorded === undefined) runTests(folder)
    return readdirSync(folder).flatMap((file) => {
      const lines = readFileSync(join(folder, file), 'utf8').trimEnd().split('\n')
      return lines.map((line) => JSON.parse(line) as RecordedExchange)
    })
  } finally {
    if (recorded === undefined) rmSync(folder, { recursive: true })
  }
}

function runTests(folder: string): void {
  const jest = join(tests, '../node_modules/jest/bin/jest.js')
  const { status } = spawnSync(
    process.execPath,
    ['--no-warnings', jest, ...RECORDED_TESTS.map((name) => `test/${name}`)],
    { cwd: join(tests, '..'), env: { ...process.env, RECORDED_EXCHANGES: folder }, stdio: 'inherit' },
  )
  if (status !== 0) throw new Error('The tests that record the requests failed. Correct them first.')
}
