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

interface TestFile {
  message: string
  assertionResults: TestResult[]
}

const root = join(import.meta.dirname, '../..')

/** Runs the test files of a program, one after the other, without the tests that the program cannot pass. */
export async function runSuite({ suite = '', unreachable = {} }: Program, started: Started): Promise<TestResult[]> {
  const names = Object.keys(unreachable)
  const excluded = names.map((name) => name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')
  const jest = spawn(
    process.execPath,
    [
      '--no-warnings',
      'node_modules/jest/bin/jest.js',
      '--json',
      '--runInBand',
      ...(names.length > 0 ? ['--testNamePattern', `^(?!.*(?:${excluded})$)`] : []),
      `test/real/${suite}[.-]`,
    ],
    {
      cwd: root,
      env: { ...process.env, [STARTED_PROGRAM]: JSON.stringify(started) },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const [output, errors] = await Promise.all([text(jest.stdout), text(jest.stderr)])
  const files: TestFile[] = output.startsWith('{') ? JSON.parse(output).testResults : []
  const broken = files.find(({ assertionResults }) => assertionResults.length === 0)
  if (files.length === 0 || broken) throw new Error(`${suite} did not run: ${broken?.message ?? errors}`)
  const results = files.flatMap(({ assertionResults }) => assertionResults)
  const pending = results.filter(({ status }) => status === 'pending').map(({ fullName }) => fullName)
  const unused = names.filter((name) => !pending.some((test) => test.endsWith(name)))
  if (unused.length > 0) throw new Error(`${suite} has no test "${unused.join('", "')}"`)
  return results
}
