import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ALL, USUAL } from './test/runner/selection.ts'

// Nothing may depend on the time zone of the machine, and UTC would hide it.
process.env.TZ = 'Asia/Kolkata'

// Each test file writes its CPU time into this file, for the reporter.
if (process.env.TEST_CPU_TIMES === undefined) {
  process.env.TEST_CPU_TIMES = join(tmpdir(), `webhooks-test-cpu-${process.pid}`)
  // A run that was stopped may have left one.
  rmSync(process.env.TEST_CPU_TIMES, { force: true })
}

/** With the name of a file, a folder or a test, every file may be meant. */
const isNamed = process.argv.slice(2).some((argument) => /^[^-].*[a-z]/i.test(argument))

export default {
  // Stryker does not replace <rootDir>, and would load a relative path from the project instead of from its copy.
  testEnvironment: join(import.meta.dirname, 'test/runner/environment.ts'),
  runtime: '<rootDir>/test/runner/runtime.ts',
  testSequencer: '<rootDir>/test/runner/sequencer.ts',
  roots: ['<rootDir>/test'],
  testMatch: isNamed ? ALL : USUAL,
  // Tests that install packages, or run npm, tsc and Jest in a copy of the project, take longer. They run only when they are
  // named, as do those that need a real program.
  testPathIgnorePatterns: ['test/nested/', 'test/real/'].filter(
    (folder) => !process.argv.some((argument) => `${argument}/`.startsWith(folder)),
  ),
  transform: {},
  // Ends a test that hangs: a test that waits for something on a busy machine must not reach it.
  testTimeout: 600_000,
  setupFiles: ['<rootDir>/test/runner/hide-log-lines.ts', '<rootDir>/test/runner/fixed-seeds.ts'],
  reporters: ['<rootDir>/test/runner/reporter.ts', 'summary'],
  coverageProvider: 'v8',
  collectCoverageFrom: ['shared/**/*.ts'],
  coverageReporters: ['text-summary'],
  // Many tests wait most of the time for processes and clocks, so more workers than cores keep the cores busy.
  maxWorkers: 4,
  // Jest keeps what each file has loaded: without an end to it, some gigabytes.
  workerIdleMemoryLimit: '1GB',
}
