import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { STARTED_PROGRAM } from './platform.ts'
import type { Program, Started } from './program.ts'

/** A test that Jest has run. */
interface TestResult {
  fullName: string
  status: 'passed' | 'failed' | 'pending'
  /** Milliseconds. */
  duration?: number | null
  failureMessages?: string[]
}

const root = join(import.meta.dirname, '../..')

/** Runs a test file with a program, without the tests that the program cannot pass. */
export async function runSuite({ suite = '', unreachable = {} }: Program, started: Started): Promise<TestResult[]> {
  const names = Object.keys(unreachable)
  const excluded = names.map((name) => name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')
  const jest = spawn(
    process.execPath,
    [
      '--no-warnings',
      'node_modules/jest/bin/jest.js',
      '--json',
      ...(names.length > 0 ? ['--testNamePattern', `^(?!.*(?:${excluded})$)`] : []),
      `test/real/${suite}`,
    ],
    {
      cwd: root,
      env: { ...process.env, [STARTED_PROGRAM]: JSON.stringify(started) },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const [output, errors] = await Promise.all([text(jest.stdout), text(jest.stderr)])
  const [file] = output.startsWith('{') ? JSON.parse(output).testResults : []
  if (!file || file.assertionResults.length === 0) throw new Error(`${suite} did not run: ${file?.message ?? errors}`)
  const results: TestResult[] = file.assertionResults
  const pending = results.filter(({ status }) => status === 'pending').map(({ fullName }) => fullName)
  const unused = names.filter((name) => !pending.some((test) => test.endsWith(name)))
  if (unused.length > 0) throw new Error(`${suite} has no test "${unused.join('", "')}"`)
  return results
}
