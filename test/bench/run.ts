import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildBundles } from '../../infra/build/main.ts'
import { writePart } from '../prove/report.ts'
import { firstAnswer } from './first-answer.ts'
import { init } from './init.ts'
import { type Bench, type Section, seconds } from './measure.ts'
import { operations } from './operations.ts'
import { sideBySide } from './side-by-side.ts'
import { sizes } from './sizes.ts'
import { speedPart } from './speed.ts'
import { synth } from './synth.ts'
import { asMarkdown, asText } from './table.ts'
import { throughput } from './throughput.ts'
import { waiting } from './waiting.ts'
import { warmCall } from './warm-call.ts'

const measurements: Record<string, (bench: Bench) => Promise<Section>> = {
  sizes,
  init,
  'first-answer': firstAnswer,
  'warm-call': warmCall,
  'side-by-side': sideBySide,
  throughput,
  waiting,
  operations,
  synth,
}
/** After so long a measurement hangs, and all of them together must not take more than some minutes. */
const longest = 300_000

const help = `npm run bench -- [--only <name>].. [--write]

Measures the bundles and the local runtime; takes about seven minutes. Tables go to stdout, progress to stderr. It says what is
within its budget and what is over, and fails only if something could not be measured.

  --only <name>  one of ${Object.keys(measurements).join(', ')}; may be given more than once
  --node-red     install Node-RED from npm into the user's cache folder, where it is not there yet, to be compared with;
                 without, it is compared with where it is there
  --write        write the tables to docs/bench.md, and which targets were held to docs/proof.md, as well; with all measurements only
  --help         this text`

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    'node-red': { type: 'boolean', default: false },
    write: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
})

async function main(): Promise<void> {
  if (values.help) return console.log(help)
  const chosen = values.only ?? Object.keys(measurements)
  const unknown = chosen.filter((name) => !Object.hasOwn(measurements, name))
  if (unknown.length > 0) return fail(`There is no ${unknown.join(', ')}: ${Object.keys(measurements).join(', ')}.`)
  if (values.write && values.only) return fail('docs/bench.md holds one run of all measurements: leave --only out.')
  const scratch = mkdtempSync(join(tmpdir(), 'webhooks-bench-'))
  process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))
  process.once('SIGINT', () => process.exit(130))
  await measure(chosen, scratch)
}

async function measure(names: string[], scratch: string): Promise<void> {
  const began = performance.now()
  const bundles = join(scratch, 'bundles')
  const machine = describeMachine()
  progress('build')('the bundles')
  await buildBundles(bundles)
  const sections: Section[] = []
  for (const name of names) {
    try {
      const run = measurements[name]?.({ bundles, scratch, nodeRed: values['node-red'], progress: progress(name) })
      const section = await (run && inTime(run))
      if (section) sections.push(section)
      if (section) console.log(`\n${asText(section)}\n`)
    } catch (error) {
      fail(`${name} could not be measured: ${error instanceof Error ? error.stack : String(error)}`)
    }
  }
  const took = seconds(performance.now() - began)
  const busyAtLast = (loadavg()[0] ?? 0).toFixed(1)
  console.error(`done in ${took}`)
  if (!values.write) return
  if (process.exitCode) return fail('docs/bench.md is left as it is, since something could not be measured.')
  const text = [
    '# Benchmark',
    `Written by \`npm run bench -- --write\`, as measured: ${machine} and ${busyAtLast} when it ended, of which up to 2 may be its own; ${took} in all. A ratio is between two figures of the same run, which took turns on the same machine; compare ratios, and times only with other times of this page. A budget is judged by the figure as it is, on whatever machine that was.`,
    ...sections.map(asMarkdown),
  ]
  await writeFile(join(import.meta.dirname, '../../docs/bench.md'), `${text.join('\n\n')}\n`)
  await writePart('# Speed', speedPart(`${machine} and ${busyAtLast} when it ended`, sections))
}

function describeMachine(): string {
  const date = new Date().toISOString().slice(0, 10)
  const busy = `load ${(loadavg()[0] ?? 0).toFixed(1)} when it began`
  return `${date}, Node ${process.versions.node}, ${process.platform} ${process.arch}, ${availableParallelism()} cores (${cpus()[0]?.model.trim()}), ${busy}`
}

function progress(name: string): (text: string) => void {
  const began = performance.now()
  return (text) => console.error(`${name.padEnd(13)} ${seconds(performance.now() - began).padStart(7)}  ${text}`)
}

/** What hangs fails; its processes go with this one. */
async function inTime(run: Promise<Section>): Promise<Section> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result after ${seconds(longest)}`)), longest)
  })
  try {
    return await Promise.race([run, late])
  } finally {
    clearTimeout(timer)
  }
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}

await main()
// What hangs would keep this process.
process.exit()
