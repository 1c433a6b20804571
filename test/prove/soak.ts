import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ms as inMs, mb, median, quantile, type Section } from '../bench/measure.ts'
import { callOf } from './calls.ts'
import { type Environment, type EnvironmentOptions, timeScale, useEnvironment } from './environment.ts'
import { machine, markdownOf, table } from './report.ts'

export interface SoakOptions extends EnvironmentOptions {
  minutes: number
  only?: readonly string[] | undefined
  report: (text: string, always?: boolean) => void
}

/** Measurements of one part of the time. */
interface Sample {
  rss: number
  heap: number
  state: number
  dynamodb: number
  /** Durations of responses, and of tasks from the 202 to the finished event, in milliseconds. */
  answers: number[]
  tasks: number[]
}

export interface Soaked {
  tables: Section[]
  isFlat: boolean
  intro: string
}

/** Number of samples and simulated days: about twice the longest retention. */
const samples = 60
const days = 60
const callsPerSecond = 4
const day = 86_400_000

/** Allowed growth from the third to the last quarter. In both, expired records are deleted. */
const bounds = {
  rss: { share: 1.15, more: 30 * 1_048_576 },
  heap: { share: 1.15, more: 5 * 1_048_576 },
  state: { share: 1.1, more: 2 * 1_048_576 },
  p50: { share: 1.5, more: 10 },
  p99: { share: 2, more: 100 },
}

/**
 * Sends calls at a steady rate without faults. Sets the clock of the process forward by a day repeatedly, so that the default
 * retention of weeks takes minutes.
 */
export function soak(options: SoakOptions): Promise<Soaked> {
  return useEnvironment(options, (environment) => run(environment, options))
}

async function run(environment: Environment, options: SoakOptions): Promise<Soaked> {
  const { minutes, report } = options
  const watching = environment.watch.run()
  const taken: Sample[] = []
  const end = Date.now() + minutes * 60_000
  const calling = call(environment, options, end)
  for (let n = 1; n <= samples; n++) {
    const until = end - minutes * 60_000 * (1 - n / samples)
    while (Date.now() < until) {
      report(
        `${environment.callRecords.entries.size} calls, ${environment.callRecords.open.size} open, day ${n} of ${days}`,
      )
      await sleep(500)
    }
    const sample = await measure(environment)
    taken.push(sample)
    report(
      `day ${n}: RSS ${mb(sample.rss)}, heap ${mb(sample.heap)}, state ${mb(sample.state)}, ${sample.answers.length} answers`,
      true,
    )
    environment.faultInjector.setAhead((n * days * day) / samples)
  }
  await calling
  for (const until = Date.now() + 90_000; Date.now() < until && environment.callRecords.open.size > 0; )
    await sleep(250)
  environment.watch.end()
  await watching
  return judge(environment, options, taken)
}

async function call(environment: Environment, { seed, only }: SoakOptions, end: number): Promise<void> {
  const start = Date.now()
  const sent: Promise<unknown>[] = []
  for (let n = 0; Date.now() < end; n++) {
    await sleep(Math.max(0, start + (n * 1_000) / callsPerSecond - Date.now()))
    sent.push(environment.send(callOf(seed, n, only)).all)
  }
  await Promise.all(sent)
}

/** Measures the time since the last sample. */
async function measure({ runtime, callRecords, state }: Environment): Promise<Sample> {
  const { rss, heap } = await runtime.ask({ kind: 'memory' })
  const ended = callRecords.take()
  return {
    rss,
    heap,
    state: sizeOf(state),
    dynamodb: sizeOf(join(state, 'dynamodb')),
    answers: ended.flatMap(({ deliveries }) => deliveries.map(({ at, answeredAt }) => answeredAt - at)),
    tasks: ended.flatMap(({ accepted, finishedAt }) => (accepted && finishedAt ? [finishedAt - accepted.at] : [])),
  }
}

function sizeOf(folder: string): number {
  if (!existsSync(folder)) return 0
  return readdirSync(folder, { recursive: true, withFileTypes: true }).reduce((sum, entry) => {
    // LevelDB deletes its files at any time.
    const stat = entry.isFile() ? statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false }) : undefined
    return sum + (stat?.size ?? 0)
  }, 0)
}

function judge({ callRecords, watch }: Environment, { minutes, seed }: SoakOptions, taken: Sample[]): Soaked {
  const quarters = [0, 1, 2, 3].map((n) => taken.slice((n * samples) / 4, ((n + 1) * samples) / 4))
  const figures = quarters.map((quarter) => {
    const answers = quarter.flatMap((sample) => sample.answers)
    const tasks = quarter.flatMap((sample) => sample.tasks)
    const middle = (figure: 'rss' | 'heap' | 'state' | 'dynamodb') => median(quarter.map((sample) => sample[figure]))
    return {
      rss: middle('rss'),
      heap: middle('heap'),
      state: middle('state'),
      dynamodb: middle('dynamodb'),
      p50: median(answers),
      p99: quantile(answers, 0.99),
      task50: median(tasks),
      task99: quantile(tasks, 0.99),
      calls: answers.length,
    }
  })
  type Figure = keyof (typeof figures)[number]
  let isFlat = true
  const row = (
    name: string,
    figure: Figure,
    shown: (value: number) => string,
    bound?: { share: number; more: number },
  ) => {
    const values = figures.map((one) => one[figure])
    const [before = 0, last = 0] = values.slice(-2)
    const within = bound === undefined || last <= Math.max(before * bound.share, before + bound.more)
    if (!within) isFlat = false
    const allowed =
      bound &&
      `at most ${Math.round((bound.share - 1) * 100)} % or ${shown(bound.more)} more: ${within ? 'flat' : 'GROWS'}`
    return [name, ...values.map(shown), allowed ?? '']
  }
  const integer = (value: number) => value.toLocaleString('en')
  const rows = [
    row('calls answered', 'calls', integer),
    row('RSS of the runtime, its platforms included', 'rss', mb, bounds.rss),
    row('its heap, without its threads, after a collection', 'heap', mb, bounds.heap),
    row('state folder', 'state', mb, bounds.state),
    row('of that DynamoDB', 'dynamodb', mb),
    row('answer to a call, median', 'p50', inMs, bounds.p50),
    row('answer to a call, p99', 'p99', inMs, bounds.p99),
    row('task from 202 to finished, median', 'task50', inMs),
    row('task from 202 to finished, p99', 'task99', inMs),
  ]
  const lost = callRecords.open.size
  const records = [
    ['accepted', integer(callRecords.accepted)],
    ['finished, once', integer(callRecords.accepted - lost)],
    ['accepted, and never finished', integer(lost)],
    ['finished twice', integer(watch.doubled)],
  ]
  const isExact = lost === 0 && watch.doubled === 0
  return {
    isFlat: isFlat && isExact,
    intro: `Written by \`npm run prove -- --long --write\`, on ${machine()}; seed ${seed}, ${minutes} minutes at ${callsPerSecond} calls a second over all categories, with duplicates and without faults. The clock of the process was set forward by a day ${days} times, so that records with a retention of 14 days (tasks, the sandbox) or 31 days (runs of the built-in generator) expired repeatedly. Waits of durable steps are ${timeScale} times shorter than on AWS.`,
    tables: [
      table(
        'Memory, latency and state',
        ['median of each quarter of the time', '1st', '2nd', '3rd', '4th', 'the 4th against the 3rd'],
        rows,
        [
          'In the first two quarters, records accumulate until they expire. A step of the clock ends waiting tasks at their deadline.',
          'The state folder contains the bundles and SQLite files, which reuse free pages but do not shrink.',
          'LevelDB, which stores the items of DynamoDB, keeps deleted items until it compacts its log at about 4 MB.',
        ],
      ),
      table('Tasks of the soak', ['what', 'tasks'], records),
    ],
  }
}

/** Returns the soak part of the report in Markdown. */
export function soakPart({ intro, tables }: Soaked): string {
  return markdownOf('# Soak', intro, tables)
}
