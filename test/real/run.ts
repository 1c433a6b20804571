// Tests the providers with real programs: `npm run test:real`. Skips programs that are not available, with the reason.
import { helpIfAsked } from '../../infra/project/help.ts'
import { messageOf } from '../../shared/errors.ts'
import { locust } from './locust.ts'
import { moto } from './moto.ts'
import { end, endAll, type Program, type Started, start } from './program.ts'
import { alertmanager, ntfy, prometheus, redmine, unleash, zabbix } from './programs.ts'
import { recipes } from './recipes/index.ts'
import { runSuite } from './run-suite.ts'

const all: Program[] = [redmine, moto, unleash, locust, ntfy, prometheus, alertmanager, zabbix, ...recipes]
const wanted = process.argv.slice(2).map((word) => word.toLowerCase())
const programs =
  wanted.length === 0 ? all : all.filter(({ name }) => wanted.some((word) => name.toLowerCase().startsWith(word)))
const MAX_RUN_MS = 1_500_000
/** The tests wait most of the time. */
const PROGRAMS_AT_ONCE = 4

helpIfAsked(`npm run test:real -- [name ..]: tests the bundles against ${all.map(({ name }) => name).join(', ')}.
Skips a program that cannot run on this machine, and prints the reason.

  name     test only the programs whose names start with this text

  --help   print this text`)

let passed = 0
let failed = 0
const skipped: string[] = []

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    endAll()
    process.exit(130)
  })
}
const timer = setTimeout(() => {
  console.log(`  FAILED  not done after ${seconds(MAX_RUN_MS)}`)
  endAll()
  process.exit(1)
}, MAX_RUN_MS)

let previousStart: Promise<unknown> = Promise.resolve()
const queue = programs.values()
await Promise.all(
  Array.from({ length: PROGRAMS_AT_ONCE }, async () => {
    for (const program of queue) await drive(program)
  }),
)
clearTimeout(timer)
for (const name of skipped) console.log(`skipped: ${name}`)
console.log(`${passed} passed, ${failed} failed, ${skipped.length} programs skipped`)
// After a failed setup, a server of the tests may still listen.
process.exit(failed > 0 ? 1 : 0)

async function drive(program: Program): Promise<void> {
  const { name } = program
  let startedAt = Date.now()
  try {
    // One after the other, because only one can install packages.
    const starting = previousStart.then(() => {
      console.log(`${name}: starting`)
      startedAt = Date.now()
      return start(program)
    })
    previousStart = starting.catch(() => undefined)
    const started = await starting
    if ('skipped' in started) return void skipped.push(`${name}: ${started.skipped}`)
    const version = started.details['version'] ? ` ${started.details['version']}` : ''
    console.log(`${name}${version} runs at ${started.url} after ${seconds(Date.now() - startedAt)}`)
    try {
      if (program.suite) await reportSuite(program, started)
      const { tests, close } = (await program.checks?.(started)) ?? { tests: {} }
      for (const [what, run] of Object.entries(tests)) await check(`${name}: ${what}`, run)
      await close?.()
    } finally {
      await end(started)
    }
  } catch (error) {
    failed++
    console.log(`  FAILED  ${name}: ${messageOf(error)}`)
  }
}

async function reportSuite(program: Program, started: Started): Promise<void> {
  for (const { fullName, status, duration, failureMessages = [] } of await runSuite(program, started)) {
    if (status !== 'pending')
      report(fullName, duration ?? 0, status === 'failed' ? failureMessages.join('\n') : undefined)
  }
  for (const [test, reason] of Object.entries(program.unreachable ?? {})) {
    console.log(`  not run ${program.name}: ${test} (${reason})`)
  }
}

async function check(what: string, run: () => Promise<void>): Promise<void> {
  const startedAt = Date.now()
  const failure = await run().then(() => undefined, messageOf)
  report(what, Date.now() - startedAt, failure)
}

function report(what: string, milliseconds: number, failure: string | undefined): void {
  if (failure === undefined) passed++
  else failed++
  console.log(failure === undefined ? `  ok      ${what} (${seconds(milliseconds)})` : `  FAILED  ${what}: ${failure}`)
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`
}
