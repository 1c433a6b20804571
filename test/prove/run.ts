import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildBundles } from '../../infra/build/bundles.ts'
import { asText } from '../bench/table.ts'
import { categories } from './calls.ts'
import { Progress } from './progress.ts'
import { type ProveOptions, prove } from './prove.ts'
import { proofPart, tablesOf, writePart } from './report.ts'
import { soak, soakPart } from './soak.ts'

const help = `npm run prove -- [--seed N] [--minutes N] [--only <category>].. [--write]
npm run prove -- --long [--minutes N] [--write]

Calls every category on the local runtime while faults are injected: the runtime is killed, workers die, platforms and Keptn fail,
credentials change and clocks jump. Compares the responses to the callers with the records of the platforms, and fails if a result is
missing, duplicated or late, or a secret leaks. Keeps and prints the folder of a failed run.

  --seed N           the seed of the plan; defaults to a random one
  --minutes N        the duration; defaults to 10, or 60 with --long
  --only <category>  ${categories.join(', ')};
                     repeatable
  --long             steady load without faults; checks that memory, latency and state do not grow
  --write            write docs/proof.md, or its soak part with --long
  --help             print this text`

/** Shares of the duration for the calls and for the last tasks to end. The rest is for the build and the checks. */
const share = { load: 0.7, quiet: 0.2 }
/** As long as a task may take that waits for people first. */
const MIN_QUIET_MS = 120_000
const callsPerSecond = 6
const atOnce = 50

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string' },
    only: { type: 'string', multiple: true },
    long: { type: 'boolean' },
    write: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
})

async function main(): Promise<void> {
  if (values.help) return console.log(help)
  const unknown = values.only?.filter((name) => !categories.includes(name)) ?? []
  if (unknown.length > 0) return fail(`Unknown category ${unknown.join(', ')}. Categories: ${categories.join(', ')}.`)
  if (values.write && values.only) return fail('docs/proof.md covers all categories: remove --only.')
  const seed = wholeNumber('seed') ?? Math.floor(Math.random() * 2 ** 31)
  const minutes = wholeNumber('minutes') ?? (values.long ? 60 : 10)
  if (process.exitCode) return
  const folder = mkdtempSync(join(tmpdir(), 'webhooks-prove-'))
  process.once('SIGINT', () => process.exit(130))
  const progress = new Progress()
  const report = (text: string, always?: boolean) => progress.report(text, always)
  report(`seed ${seed}, ${minutes} minutes, in ${folder}`, true)
  const bundles = join(folder, 'bundles')
  mkdirSync(bundles)
  await buildBundles(bundles)
  const ms = minutes * 60_000 * share.load
  const options = { seed, folder, bundles, report, only: values.only }
  const isFine = values.long
    ? await runSoak({ ...options, minutes })
    : await runProof({
        ...options,
        ms,
        quietWithin: Math.max(minutes * 60_000 * share.quiet, MIN_QUIET_MS),
        atOnce,
        calls: Math.round((ms / 1_000) * callsPerSecond),
      })
  if (isFine) rmSync(folder, { recursive: true, force: true })
  else
    fail(
      `The run failed. Its files are in ${folder}. Repeat it with: npm run prove -- --seed ${seed} --minutes ${minutes}`,
    )
}

async function runProof(options: ProveOptions): Promise<boolean> {
  const proof = await prove(options)
  for (const table of tablesOf(proof)) console.log(`\n${asText(table)}`)
  for (const { claim, id, detail } of proof.violations.slice(0, 50))
    console.error(`VIOLATION ${claim}: ${id ?? ''} ${detail}`)
  for (const timeline of proof.timelines) console.error(`\n${timeline}`)
  if (values.write) await writePart('# Proof', proofPart(proof))
  console.log(
    `\nseed ${proof.seed}: ${proof.violations.length === 0 ? 'all invariants hold' : `${proof.violations.length} violations`}`,
  )
  return proof.violations.length === 0
}

async function runSoak(options: Parameters<typeof soak>[0]): Promise<boolean> {
  const found = await soak(options)
  for (const table of found.tables) console.log(`\n${asText(table)}`)
  if (values.write) await writePart('# Soak', soakPart(found))
  return found.isFlat
}

function wholeNumber(name: 'seed' | 'minutes'): number | undefined {
  const given = values[name]
  if (given === undefined) return undefined
  if (/^[1-9]\d{0,9}$/.test(given)) return Number(given)
  fail(`--${name} must be a whole number, not "${given}".`)
  return undefined
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}

await main()
// Pending requests would keep this process alive.
process.exit()
