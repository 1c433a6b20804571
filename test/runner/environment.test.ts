import { execFile } from 'node:child_process'
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from '@jest/globals'
import { until } from '../e2e/service.ts'
import { temporaryFolder } from '../temporary-folder.ts'

const runner = import.meta.dirname
const folder = temporaryFolder()
writeFileSync(
  join(folder, 'jest.config.json'),
  JSON.stringify({
    rootDir: folder,
    testEnvironment: join(runner, 'environment.ts'),
    runtime: join(runner, 'runtime.ts'),
    testMatch: ['**/*.test.ts'],
    transform: {},
  }),
)
// In the order of their names.
writeFileSync(
  join(folder, 'by-name.cjs'),
  'module.exports = class { sort(tests) { return tests.toSorted((a, b) => (a.path < b.path ? -1 : 1)) } cacheResults() {} shard(tests) { return tests } allFailedTests(tests) { return tests } }',
)

/** Runs test files one after another in one process, and returns what Jest prints. */
async function run(...files: string[]): Promise<{ code: number; output: string }> {
  for (const file of globSync('*.test.ts', { cwd: folder })) rmSync(join(folder, file))
  for (const [index, text] of files.entries()) writeFileSync(join(folder, `${index}.test.ts`), text)
  const jest = join(runner, '../../node_modules/jest/bin/jest.js')
  const args = ['--no-warnings', jest, '--runInBand', '--testSequencer', join(folder, 'by-name.cjs')]
  return promisify(execFile)(process.execPath, args, { cwd: folder }).then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    ({ code, stdout, stderr }) => ({ code, output: stdout + stderr }),
  )
}

it('An error of work that a file has left behind does not fail the next file, and is printed with its origin', async () => {
  const leaves = `
    const whenNext = (end) => (Reflect.get(globalThis, 'hasNext') ? end() : setTimeout(whenNext, 1, end))
    it('leaves work', () => {
      whenNext(() => { throw new Error('a late error') })
      whenNext(() => Promise.reject(new Error('a late rejection')))
      whenNext(() => setTimeout(() => Object.assign(globalThis, { hasFailed: true }), 10))
    })`
  const next = `it('waits', async () => {
    Object.assign(globalThis, { hasNext: true })
    while (!Reflect.get(globalThis, 'hasFailed')) await new Promise((resolve) => setTimeout(resolve, 1))
  })`
  const { code, output } = await run(leaves, next)
  expect(output).toMatch(/After the end of .*0\.test\.ts:\nError: a late error/)
  expect(output).toMatch(/After the end of .*0\.test\.ts:\nError: a late rejection/)
  expect(code).toBe(0)
})

it('An error of work of the file itself fails it', async () => {
  const { code, output } = await run(`it('waits for an error', async () => {
    const failed = new Promise((resolve) => process.once('uncaughtExceptionMonitor', resolve))
    setTimeout(() => { throw new Error('an error of its own') }, 1)
    await failed
  })`)
  expect([code, output]).toEqual([1, expect.stringContaining('an error of its own')])
})

it('Processes and temporary files of a file end with it', async () => {
  const pid = join(folder, 'pid')
  const modules = `
    import { spawn } from 'node:child_process'
    import { readdirSync, writeFileSync } from 'node:fs'
    import { tmpdir } from 'node:os'
    import { join } from 'node:path'`
  const leaves = `
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1_000)'])
    writeFileSync(${JSON.stringify(pid)}, String(child.pid))
    writeFileSync(join(tmpdir(), 'left'), '')
    throw new Error('before any hook')`
  const next = `
    it('finds nothing', () => { expect(readdirSync(tmpdir())).toEqual([]) })`
  const { output } = await run(modules + leaves, modules + next)
  expect(output).toContain('1 passed, 1 total')
  const hasEnded = async () => {
    try {
      return !process.kill(Number(readFileSync(pid, 'utf8')), 0)
    } catch {
      return true
    }
  }
  await until(hasEnded, 10, () => 'the end of the process')
})
