// Runs test files while each process stops again and again, as on a busy machine: `npm run test:stalled`.
import { spawn } from 'node:child_process'
import { createHash, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { helpIfAsked } from '../../infra/project/help.ts'

helpIfAsked(`npm run test:stalled: runs test files while each process stops again and again, for up to 50 ms, without using the processor.

Usage
  npm run test:stalled -- [--seconds 180] [--seed <number>] [files]   test/lifecycle, test/infra and test/e2e by default

  --seconds N  start no other files after this time; 0 runs all files
  --seed N     the seed of their order; each run prints it
  --help       print this text

A test that fails only here depends on the speed of the machine.`)

/** Few enough to end soon after the time is up, and enough for two workers. */
const FILES_AT_ONCE = 8

const root = join(import.meta.dirname, '../..')
const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '180' }, seed: { type: 'string', default: String(randomInt(1e9)) } },
  allowPositionals: true,
})
const { seconds, seed } = values
const names = positionals.length > 0 ? positionals : ['test/{lifecycle,infra,e2e}/**/*.test.ts']
const files = globSync(names, { cwd: root }).toSorted((a, b) => orderOf(a).localeCompare(orderOf(b)))
const end = seconds === '0' ? Number.POSITIVE_INFINITY : performance.now() + Number(seconds) * 1_000

let ended = 0
let failedRuns = 0
while (ended < files.length && performance.now() < end) {
  const next = files.slice(ended, ended + FILES_AT_ONCE)
  if (!(await pass(next))) failedRuns++
  ended += next.length
}
console.log(`Ran ${ended} of ${files.length} test files with stalls, with --seed ${seed}`)
process.exitCode = failedRuns > 0 || ended === 0 ? 1 : 0

function orderOf(file: string): string {
  return createHash('sha256').update(`${seed} ${file}`).digest('hex')
}

async function pass(paths: readonly string[]): Promise<boolean> {
  const stall = pathToFileURL(join(import.meta.dirname, 'stall.mjs'))
  const child = spawn(
    process.execPath,
    ['--no-warnings', 'node_modules/jest/bin/jest.js', '--maxWorkers=2', '--runTestsByPath', ...paths],
    { cwd: root, env: { ...process.env, NODE_OPTIONS: `--import ${stall}` }, stdio: 'inherit' },
  )
  const [status] = await once(child, 'exit')
  return status === 0
}
