// `npm run test:threats`: makes each deliberate break in a copy of the project, and expects its test to fail.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BREAKS, type Break } from './breaks.ts'

const root = join(import.meta.dirname, '../..')
/** Not copied, nor built again: a test that runs the bundles does not notice a break in `functions` or `shared`. */
const LINKED = ['node_modules', 'dist']
const TIMEOUT_MS = 300_000

const copy = mkdtempSync(join(tmpdir(), 'breaks-'))
try {
  for (const name of readdirSync(root)) {
    if (LINKED.includes(name)) symlinkSync(join(root, name), join(copy, name))
    else if (name !== '.git') cpSync(join(root, name), join(copy, name), { recursive: true })
  }
  const chosen = process.argv.slice(2)
  const threats = Object.entries(BREAKS).filter(([threat]) => chosen.length === 0 || chosen.includes(threat))
  const unnoticed = threats.filter(([threat, change]) => !isNoticed(threat, change)).map(([threat]) => threat)
  console.log(`${threats.length - unnoticed.length} of ${threats.length} breaks were noticed.`)
  if (unnoticed.length > 0) process.exitCode = 1
} finally {
  rmSync(copy, { recursive: true })
}

/** Whether the test of a threat passes without a break, and fails with it. */
function isNoticed(threat: string, { file, from, to, test }: Break): boolean {
  const path = join(copy, file)
  const text = readFileSync(path, 'utf8')
  const before = run(test)
  writeFileSync(
    path,
    text.replace(from, () => to),
  )
  const after = run(test)
  writeFileSync(path, text)
  const result = before !== 'passed' ? `test ${before} without the break` : after === 'failed' ? 'noticed' : 'UNNOTICED'
  console.log(`${threat}: ${result}`)
  return result === 'noticed'
}

/** Runs one test. A file that cannot be loaded does not count as a failed test. */
function run(test: string): 'passed' | 'failed' | 'not run' {
  const [file = '', ...names] = test.split(' > ')
  const parts = names.join(' ').split(/%[sij#]|\$\w+/)
  const pattern = parts.map((part) => part.replace(/[^\w\s]/g, '\\$&')).join('.*')
  const jest = ['node_modules/jest/bin/jest.js', '--maxWorkers=1', `test/${file}.test.ts`, '-t', pattern, '--json']
  const { stdout } = spawnSync('node', ['--no-warnings', 'infra/tools/run.mjs', ...jest], {
    cwd: copy,
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    maxBuffer: 2 ** 28,
  })
  const line = stdout.split('\n').find((text) => text.startsWith('{"numFailedTestSuites"'))
  const { numFailedTests = 0, numPassedTests = 0 } = JSON.parse(line ?? '{}')
  return numFailedTests > 0 ? 'failed' : numPassedTests > 0 ? 'passed' : 'not run'
}
