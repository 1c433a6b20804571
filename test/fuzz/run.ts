// Sends malformed requests to the local runtime: `npm run fuzz`.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildBundles } from '../../infra/build/bundles.ts'
import { Progress } from '../prove/progress.ts'
import { fuzz } from './fuzz.ts'
import { fuzzPolicy } from './fuzz-policy.ts'
import { describeFailed, fuzzProperties } from './fuzz-properties.ts'

const help = `npm run fuzz -- [--seconds 300] [--seed <number>] [--case <number>] [--policy | --properties]

Sends mutated examples to the shipped bundles in the local runtime. Fails if a response has an unexpected 5xx status or
contains a secret, if a process crashes, if memory grows, or if the event loop is blocked. Prints a curl command for each
failure. First, compiles random policies, compares their decisions with those of a second evaluator, and runs the tests that use
properties with random values.

  --seconds     duration
  --seed        seed of all random choices; each run prints it
  --case        run only this case of the seed, as a failure names it
  --policy      only compile and evaluate policies
  --properties  only run the tests that use properties
  --help        print this text`

const POLICIES = 5_000
const MAX_PRINTED = 10

const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    seed: { type: 'string' },
    case: { type: 'string' },
    policy: { type: 'boolean' },
    properties: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
})

if (values.help) console.log(help)
else await main()

async function main(): Promise<void> {
  const seconds = wholeNumber('seconds', 1) ?? 300
  const seed = wholeNumber('seed', 0) ?? Math.floor(Math.random() * 2 ** 31)
  const only = wholeNumber('case', 0)
  console.log(`Seed ${seed}`)
  if (!values.properties && (values.policy || only === undefined)) evaluatePolicies(seed, only)
  if (values.properties || (!values.policy && only === undefined)) runProperties(seed)
  if (values.policy || values.properties) return
  const progress = new Progress()
  const bundles = mkdtempSync(join(tmpdir(), 'webhooks-fuzz-bundles-'))
  process.on('exit', () => rmSync(bundles, { recursive: true, force: true }))
  process.once('SIGINT', () => process.exit(130))
  await buildBundles(bundles)
  const { sent, statuses, findings, memory, heldUp } = await fuzz({
    seed,
    seconds,
    only,
    bundles,
    report: (text) => progress.report(text),
  })
  const answered = Object.entries(statuses).map(([status, count]) => `${status}: ${count}`)
  console.log(`\n${sent} requests; ${answered.join(', ')}`)
  console.log(
    `Memory ${memory.early} MB in the first half, ${memory.late} MB in the last sixth, ${memory.most} MB at most`,
  )
  console.log(`Event loop held up for ${heldUp} ms at most`)
  for (const { what, seed, case: at, curl } of findings) {
    console.log(`\nFAILED  ${what}`)
    if (at !== undefined) console.log(`  npm run fuzz -- --seed ${seed} --case ${at}\n  ${curl}`)
  }
  if (findings.length > 0) process.exitCode = 1
  else console.log('Every answer was as it should be.')
}

function evaluatePolicies(seed: number, only: number | undefined): void {
  const { cases, invalidFiles, refused, waiting, allowed, starts, findings } = fuzzPolicy(seed, POLICIES, only)
  console.log(
    `${cases} policies, ${invalidFiles} of them not valid; ${refused} calls refused, ${waiting} waiting, ${allowed} allowed`,
  )
  const decided = Object.entries(starts).map(([decision, count]) => `${count} ${decision}`)
  console.log(`Starts that were compared with a second evaluator: ${decided.join(', ')}`)
  for (const { what, case: at } of findings.slice(0, MAX_PRINTED))
    console.log(`\nFAILED  ${what}\n  npm run fuzz -- --policy --seed ${seed} --case ${at}`)
  if (findings.length > 0) process.exitCode = 1
}

function runProperties(seed: number): void {
  const { tests, failed } = fuzzProperties(seed)
  console.log(`${tests} tests in files with properties; ${failed.length} failed`)
  for (const property of failed.slice(0, MAX_PRINTED)) console.log(`\n${describeFailed(property, seed)}`)
  if (failed.length > 0) process.exitCode = 1
}

/** Returns the value of an option. Exits if it is not a whole number from `min`. */
function wholeNumber(name: 'seconds' | 'seed' | 'case', min: number): number | undefined {
  const given = values[name]
  if (given === undefined) return undefined
  if (/^\d{1,10}$/.test(given) && Number(given) >= min) return Number(given)
  console.error(`--${name} must be a whole number from ${min}, such as --${name} 60, not "${given}".`)
  process.exit(1)
}
