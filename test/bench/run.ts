import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildBundles } from '../../infra/build/bundles.ts'
import { writePart } from '../prove/report.ts'
import { agents } from './agents.ts'
import { alerts } from './alerts.ts'
import { cold } from './cold.ts'
import { consoleQueries } from './console.ts'
import { engines } from './engines.ts'
import { firstAnswer } from './first-answer.ts'
import { init } from './init.ts'
import { jobs } from './jobs.ts'
import { type Bench, type Section, seconds } from './measure.ts'
import { operations } from './operations.ts'
import { pageWith } from './page.ts'
import { sideBySide } from './side-by-side.ts'
import { sizes } from './sizes.ts'
import { speedPart } from './speed.ts'
import { start } from './start.ts'
import { synth } from './synth.ts'
import { asText } from './table.ts'
import { throughput } from './throughput.ts'
import { waiting } from './waiting.ts'
import { wakeUps } from './wake-ups.ts'
import { profile, warmCall } from './warm-call.ts'

const measurements: Record<string, (bench: Bench) => Promise<Section>> = {
  sizes,
  init,
  cold,
  'first-answer': firstAnswer,
  agents,
  'warm-call': warmCall,
  profile,
  'side-by-side': sideBySide,
  throughput,
  engines,
  waiting,
  operations,
  jobs,
  'wake-ups': wakeUps,
  alerts,
  synth,
  start,
  console: consoleQueries,
}
/** A longer measurement hangs. */
const TIMEOUT_MS = 300_000

const help = `npm run bench -- [--only <name>].. [--write]

Measures the bundles and the local runtime in about seven minutes. Prints tables to stdout and progress to stderr. Compares the
results with budgets, but fails only if a measurement fails.

  --only <name>  one of ${Object.keys(measurements).join(', ')} (repeatable)
  --install      install what it is compared with, Node-RED and Restate, from npm into the user's cache folder
  --write        also write docs/bench.md and the targets in docs/proof.md; with --only, only these sections of docs/bench.md
  --help         print this text`

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    install: { type: 'boolean', default: false },
    write: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
})

async function main(): Promise<void> {
  if (values.help) return console.log(help)
  const names = values.only ?? Object.keys(measurements)
  const unknown = names.filter((name) => !Object.hasOwn(measurements, name))
  if (unknown.length > 0)
    return fail(`Unknown measurement ${unknown.join(', ')}. Measurements: ${Object.keys(measurements).join(', ')}.`)
  const scratch = mkdtempSync(join(tmpdir(), 'webhooks-bench-'))
  process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))
  process.once('SIGINT', () => process.exit(130))
  await measure(names, scratch)
}

async function measure(names: string[], scratch: string): Promise<void> {
  const startedAt = performance.now()
  const bundles = join(scratch, 'bundles')
  const machine = describeMachine()
  progress('build')('the bundles')
  await buildBundles(bundles)
  const sections: Section[] = []
  for (const name of names) {
    try {
      const run = measurements[name]?.({ bundles, scratch, comparisons: values.install, progress: progress(name) })
      const section = await (run && withTimeout(run))
      if (section) sections.push(section)
      if (section) console.log(`\n${asText(section)}\n`)
    } catch (error) {
      fail(`The measurement ${name} failed: ${error instanceof Error ? error.stack : String(error)}`)
    }
  }
  const took = seconds(performance.now() - startedAt)
  const loadAtEnd = (loadavg()[0] ?? 0).toFixed(1)
  console.error(`done in ${took}`)
  if (!values.write) return
  if (process.exitCode) return fail('docs/bench.md was not written, because a measurement failed.')
  const measured = `${machine} and ${loadAtEnd} at the end, up to 2 of it by the bench`
  const page = join(import.meta.dirname, '../../docs/bench.md')
  const before = values.only ? await readFile(page, 'utf8') : ''
  await writeFile(page, pageWith(sections, measured, before))
  if (!values.only) await writePart('# Speed', speedPart(`${machine} and ${loadAtEnd} at the end`, sections))
}

function describeMachine(): string {
  const date = new Date().toISOString().slice(0, 10)
  const load = `load ${(loadavg()[0] ?? 0).toFixed(1)} at the start`
  return `${date}, Node ${process.versions.node}, ${process.platform} ${process.arch}, ${availableParallelism()} cores (${cpus()[0]?.model.trim()}), ${load}`
}

function progress(name: string): (text: string) => void {
  const startedAt = performance.now()
  return (text) => console.error(`${name.padEnd(13)} ${seconds(performance.now() - startedAt).padStart(7)}  ${text}`)
}

/** Fails on a timeout. The processes of the measurement end with this one. */
async function withTimeout(run: Promise<Section>): Promise<Section> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result after ${seconds(TIMEOUT_MS)}`)), TIMEOUT_MS)
  })
  try {
    return await Promise.race([run, timeout])
  } finally {
    clearTimeout(timer)
  }
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}

await main()
// A hanging measurement would keep this process alive.
process.exit()
