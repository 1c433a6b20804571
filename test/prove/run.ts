import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildBundles } from '../../infra/build/main.ts'
import { asText } from '../bench/table.ts'
import { categories } from './calls.ts'
import { Progress } from './progress.ts'
import { type ProveOptions, prove } from './prove.ts'
import { proofPart, tablesOf, writePart } from './report.ts'
import { soak, soakPart } from './soak.ts'

const help = `npm run prove -- [--seed N] [--minutes N] [--calls N] [--only <category>].. [--write]
npm run prove -- --long [--minutes N] [--write]

Calls every category of the bundles, on the local runtime, while the runtime is killed, workers die, platforms and Keptn fail in every
way, credentials change and clocks are stepped, as a seed plans it. Then it holds what callers were told against what the platforms
have in their books, and fails where something was lost, doubled, late or leaked. What a failure left is kept, and its place is told.

  --seed N           of the plan; a random one where left out, which is told
  --minutes N        that it takes in all; 10 where left out, and 60 with --long
  --calls N          how many at most; 6 a second where left out
  --only <category>  ${categories.join(', ')};
                     may be given more than once
  --long             no faults: steady load, and whether memory, latency and state stay flat
  --write            write docs/proof.md, or its part about the soak
  --help             this text`

/** Of the whole time: for calls, and for the last of them to end. The rest is for building, and for looking into the books. */
const share = { load: 0.7, quiet: 0.2 }
const callsPerSecond = 6
const atOnce = 50

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string' },
    calls: { type: 'string' },
    only: { type: 'string', multiple: true },
    long: { type: 'boolean' },
    write: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
})

async function main(): Promise<void> {
  if (values.help) return console.log(help)
  const unknown = values.only?.filter((name) => !categories.includes(name)) ?? []
  if (unknown.length > 0) return fail(`There is no ${unknown.join(', ')}: ${categories.join(', ')}.`)
  if (values.write && values.only) return fail('docs/proof.md tells of all categories: leave --only out.')
  const seed = wholeNumber('seed') ?? Math.floor(Math.random() * 2 ** 31)
  const minutes = wholeNumber('minutes') ?? (values.long ? 60 : 10)
  const calls = wholeNumber('calls')
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
        ...{ ms, quietWithin: minutes * 60_000 * share.quiet, atOnce, leastKills: 1 },
        calls: calls ?? Math.round((ms / 1_000) * callsPerSecond),
      })
  if (isFine) rmSync(folder, { recursive: true, force: true })
  else fail(`What is left of it is in ${folder}. The same plan: npm run prove -- --seed ${seed} --minutes ${minutes}`)
}

async function runProof(options: ProveOptions): Promise<boolean> {
  const proof = await prove(options)
  for (const table of tablesOf(proof)) console.log(`\n${asText(table)}`)
  for (const { claim, id, detail } of proof.violations.slice(0, 50))
    console.error(`VIOLATION ${claim}: ${id ?? ''} ${detail}`)
  for (const story of proof.stories) console.error(`\n${story}`)
  if (values.write) await writePart('# Proof', proofPart(proof))
  console.log(
    `\nseed ${proof.seed}: ${proof.violations.length === 0 ? 'every claim held' : `${proof.violations.length} violations`}`,
  )
  return proof.violations.length === 0
}

async function runSoak(options: Parameters<typeof soak>[0]): Promise<boolean> {
  const found = await soak(options)
  for (const table of found.tables) console.log(`\n${asText(table)}`)
  if (values.write) await writePart('# Soak', soakPart(found))
  return found.isFlat
}

function wholeNumber(name: 'seed' | 'minutes' | 'calls'): number | undefined {
  const given = values[name]
  if (given === undefined) return undefined
  if (/^[1-9]\d{0,9}$/.test(given)) return Number(given)
  fail(`--${name} must be a whole number, and not "${given}".`)
  return undefined
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}

await main()
// What hangs would keep this process.
process.exit()
