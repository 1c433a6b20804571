import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ms as inMs, mb, median, quantile, type Section } from '../bench/measure.ts'
import { asMarkdown } from '../bench/table.ts'
import { callOf } from './calls.ts'
import { timeScale, World, type WorldOptions } from './environment.ts'
import { machine } from './report.ts'

export interface SoakOptions extends WorldOptions {
  minutes: number
  only?: readonly string[] | undefined
  report: (text: string, always?: boolean) => void
}

/** What the runtime was like in one part of the time. */
interface Sample {
  rss: number
  heap: number
  state: number
  dynamodb: number
  /** Of the answers to calls, and of tasks from the 202 to the finished, in milliseconds. */
  answers: number[]
  tasks: number[]
}

export interface Soaked {
  tables: Section[]
  isFlat: boolean
  intro: string
}

/** So many samples are taken, and so many days pass for the runtime: twice what is remembered of anything, but for a few days. */
const samples = 60
const days = 60
const callsPerSecond = 4
const day = 86_400_000

/** What counts as flat: the last quarter of the time against the one before it, in which all that can be forgotten is forgotten. */
const bounds = {
  rss: { share: 1.15, more: 30 * 1_048_576 },
  heap: { share: 1.15, more: 5 * 1_048_576 },
  state: { share: 1.1, more: 2 * 1_048_576 },
  p50: { share: 1.5, more: 10 },
  p99: { share: 2, more: 100 },
}

/**
 * Calls steadily, with nothing that goes wrong, while the clock of the process is set ahead by a day again and again: so what is
 * remembered for weeks is forgotten within minutes, by the settings that everybody has.
 */
export async function soak(options: SoakOptions): Promise<Soaked> {
  const world = await World.begin(options)
  try {
    return await Promise.race([run(world, options), world.runtime.crashed])
  } finally {
    await world.end()
    world.books.close()
  }
}

async function run(world: World, options: SoakOptions): Promise<Soaked> {
  const { minutes, report } = options
  const watching = world.watch.run()
  const taken: Sample[] = []
  const end = Date.now() + minutes * 60_000
  const calling = call(world, options, end)
  for (let n = 1; n <= samples; n++) {
    const until = end - minutes * 60_000 * (1 - n / samples)
    while (Date.now() < until) {
      report(`${world.ledger.entries.size} calls, ${world.ledger.open.size} open, day ${n} of ${days}`)
      await sleep(500)
    }
    const sample = await measure(world)
    taken.push(sample)
    report(
      `day ${n}: RSS ${mb(sample.rss)}, heap ${mb(sample.heap)}, state ${mb(sample.state)}, ${sample.answers.length} answers`,
      true,
    )
    world.disturber.setAhead((n * days * day) / samples)
  }
  await calling
  for (const until = Date.now() + 90_000; Date.now() < until && world.ledger.open.size > 0; ) await sleep(250)
  world.watch.end()
  await watching
  return judge(world, options, taken)
}

async function call(world: World, { seed, only }: SoakOptions, end: number): Promise<void> {
  const began = Date.now()
  const sent: Promise<unknown>[] = []
  for (let n = 0; Date.now() < end; n++) {
    await sleep(Math.max(0, began + (n * 1_000) / callsPerSecond - Date.now()))
    sent.push(world.caller.send(callOf(seed, n, only)).all)
  }
  await Promise.all(sent)
}

/** The figures since the last one. */
async function measure({ runtime, ledger, state }: World): Promise<Sample> {
  const { rss, heap } = await runtime.ask({ kind: 'memory' })
  const ended = ledger.take()
  return {
    ...{ rss, heap, state: sizeOf(state), dynamodb: sizeOf(join(state, 'dynamodb')) },
    answers: ended.flatMap(({ deliveries }) => deliveries.map(({ at, answeredAt }) => answeredAt - at)),
    tasks: ended.flatMap(({ accepted, finishedAt }) => (accepted && finishedAt ? [finishedAt - accepted.at] : [])),
  }
}

function sizeOf(folder: string): number {
  if (!existsSync(folder)) return 0
  return readdirSync(folder, { recursive: true, withFileTypes: true }).reduce((sum, entry) => {
    // LevelDB deletes its files as it likes.
    const stat = entry.isFile() ? statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false }) : undefined
    return sum + (stat?.size ?? 0)
  }, 0)
}

function judge({ ledger, watch }: World, { minutes, seed }: SoakOptions, taken: Sample[]): Soaked {
  const quarters = [0, 1, 2, 3].map((n) => taken.slice((n * samples) / 4, ((n + 1) * samples) / 4))
  const figures = quarters.map((quarter) => {
    const answers = quarter.flatMap((sample) => sample.answers)
    const tasks = quarter.flatMap((sample) => sample.tasks)
    return {
      rss: median(quarter.map(({ rss }) => rss)),
      heap: median(quarter.map(({ heap }) => heap)),
      state: median(quarter.map(({ state }) => state)),
      dynamodb: median(quarter.map(({ dynamodb }) => dynamodb)),
      p50: quantile(answers, 0.5),
      p99: quantile(answers, 0.99),
      task50: quantile(tasks, 0.5),
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
  const whole = (value: number) => value.toLocaleString('en')
  const rows = [
    row('calls answered', 'calls', whole),
    row('RSS of the runtime, its platforms included', 'rss', mb, bounds.rss),
    row('its heap, without its threads, after a collection', 'heap', mb, bounds.heap),
    row('state folder', 'state', mb, bounds.state),
    row('of that DynamoDB', 'dynamodb', mb),
    row('answer to a call, median', 'p50', inMs, bounds.p50),
    row('answer to a call, p99', 'p99', inMs, bounds.p99),
    row('task from 202 to finished, median', 'task50', inMs),
    row('task from 202 to finished, p99', 'task99', inMs),
  ]
  const lost = ledger.open.size
  const books = [
    ['accepted', whole(ledger.accepted)],
    ['finished, once', whole(ledger.accepted - lost)],
    ['accepted, and never finished', whole(lost)],
    ['finished twice', whole(watch.doubled)],
  ]
  const isExact = lost === 0 && watch.doubled === 0
  return {
    isFlat: isFlat && isExact,
    intro: `Written by \`npm run prove -- --long --write\`, as it was: ${machine()}; seed ${seed}, ${minutes} minutes at ${callsPerSecond} calls a second over all categories, with duplicates, and nothing that goes wrong. The clock of the process was set ahead by a day ${days} times, so that what is remembered for 14 days (tasks, the sandbox's books) or 31 (runs of the built-in generator) was forgotten again and again. Waits of durable steps are ${timeScale} times shorter than on AWS.`,
    tables: [
      {
        title: 'Memory, latency and state',
        columns: ['median of each quarter of the time', '1st', '2nd', '3rd', '4th', 'the 4th against the 3rd'],
        rows,
        notes: [
          'The first two quarters fill what is remembered. A step of the clock ends the tasks that wait at that moment at their deadline.',
          'The state folder holds SQLite files, whose free pages are used again and not given back, and the code of the bundles.',
          'LevelDB, which holds the items of DynamoDB here, keeps what was deleted until it compacts its log, at some 4 MB.',
        ],
      },
      { title: 'Tasks of the soak', columns: ['what', 'tasks'], rows: books, notes: [] },
    ],
  }
}

/** The part about a soak, in Markdown. */
export function soakPart({ intro, tables }: Soaked): string {
  return ['# Soak', intro, ...tables.map(asMarkdown)].join('\n\n').replaceAll(/\n\n\n+/g, '\n\n')
}
