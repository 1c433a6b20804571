import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from './ask.ts'
import { callOf } from './calls.ts'
import { World, type WorldOptions } from './environment.ts'
import { type Search, searchDatabase, searchFiles, searchTable } from './leaks.ts'
import { planOf } from './plan.ts'
import { storyOf } from './timeline.ts'
import { type Verdict, type Violation, verify } from './verify.ts'

export interface ProveOptions extends WorldOptions {
  /** How long calls are sent, and things go wrong, in milliseconds. */
  ms: number
  /** How long the last tasks may take to end after that, in milliseconds. */
  quietWithin: number
  /** Most calls. */
  calls: number
  /** The categories that are called; all where left out. */
  only?: readonly string[] | undefined
  /** How many may be under way at once. */
  atOnce: number
  leastKills: number
  report?: (text: string, always?: boolean) => void
}

/** What a run came to. */
export interface Proof extends Verdict {
  seed: number
  took: { load: number; quiet: number }
  /** The share of that time in which something on this machine waited for a CPU; undefined where it does not say. */
  pressure: number | undefined
  calls: {
    planned: number
    deliveries: number
    unanswered: number
    duplicates: number
    accepted: number
    byStatus: Record<string, number>
    byAction: Record<string, number>
  }
  disturbed: Record<string, number>
  /** Calls to platforms that met a fault, by its kind. */
  faults: Record<string, number>
  requests: number
  clicks: number
  searched: Search
  executions: Record<string, number>
  /** What is known of the first violations. */
  stories: string[]
}

/** How many violations are told with their whole story. */
const toldWhole = 5

/**
 * Sends the planned calls while the planned things go wrong, waits until all is quiet, and holds what callers were told
 * against what the platforms have in their books.
 */
export async function prove(options: ProveOptions): Promise<Proof> {
  const world = await World.begin(options)
  try {
    return await Promise.race([run(world, options), world.runtime.crashed])
  } finally {
    await world.end()
    world.books.close()
  }
}

async function run(world: World, options: ProveOptions): Promise<Proof> {
  const { seed, report = () => undefined } = options
  const watching = world.watch.run()
  const began = Date.now()
  const stalled = stalledMs()
  const planned = await load(world, options)
  const sent = Date.now() - began
  report(`no more calls: waiting for the end of ${world.ledger.open.size} tasks`, true)
  const violations = await quiet(world, options.quietWithin, report)
  const stalledNow = stalledMs()
  const waited = stalled !== undefined && stalledNow !== undefined ? stalledNow - stalled : undefined
  const pressure = waited === undefined ? undefined : waited / (Date.now() - began)
  const took = { load: sent, quiet: Date.now() - began - sent }
  report('looking into the books', true)
  await askForStatus(world)
  const table = await searchTable(world.runtime, 'webhooks', world.credentials.marks)
  await world.end()
  await watching
  return await judge(world, { seed, took, pressure, planned, violations, table })
}

/** Sends calls as they are planned; gives how many there were. */
async function load(
  world: World,
  { seed, ms, calls, only, atOnce, leastKills, report = () => undefined }: ProveOptions,
) {
  const disturbing = world.disturber.carryOut(planOf(seed, ms, leastKills))
  const end = Date.now() + ms
  let [n, sending] = [0, 0]
  const sent: Promise<unknown>[] = []
  const hasRoom = () => n < calls && sending + world.ledger.open.size < atOnce
  // All are due before the end: what a busy machine is late with is sent, too.
  while (Date.now() < end || hasRoom()) {
    // Spread over the whole time, so that each meets what goes wrong.
    const due = end - ms + (n * ms) / calls
    if (Date.now() < due || !hasRoom()) {
      await sleep(10)
    } else {
      sending += 1
      const { first, all } = world.caller.send(callOf(seed, n++, only))
      // A duplicate that comes late holds nobody up.
      void first.then(() => {
        sending -= 1
      })
      sent.push(all)
    }
    report(statusOf(world, n))
  }
  // What a busy machine is late with may be a kill: until it is over, nobody is there to be calmed.
  await disturbing
  await world.calm()
  await Promise.all(sent)
  return n
}

function statusOf({ ledger, disturber, runtime }: World, calls: number): string {
  const ended = [...ledger.entries.values()].filter(({ finishedAt }) => finishedAt !== undefined).length
  const { kills = 0, 'task workers': workers = 0, faults = 0, rotations = 0 } = disturber.counts
  const state = runtime.isUp ? '' : ', the runtime is down'
  return `${calls} calls, ${ended} ended, ${ledger.open.size} open; ${kills} kills, ${workers} workers died, ${faults} faults, ${rotations} rotations${state}`
}

/** Waits for the end of every task, and a while longer, so that what comes too often is seen. */
async function quiet(world: World, within: number, report: NonNullable<ProveOptions['report']>): Promise<Violation[]> {
  const end = Date.now() + within
  let running = Number.NaN
  while (Date.now() < end) {
    report(`${world.ledger.open.size} tasks have not ended`)
    if (world.ledger.open.size === 0) {
      running = await world.running()
      if (running === 0) break
    }
    await sleep(250)
  }
  await sleep(2_000)
  if (running === 0) return []
  return [
    { claim: 'left', detail: `${await world.running()} executions still run ${within / 1_000} s after the last call` },
  ]
}

/** So that what a caller can ask for is among what is searched. */
async function askForStatus({ ledger, runtime, credentials }: World): Promise<void> {
  const accepted = [...ledger.entries.values()].filter((entry) => entry.accepted !== undefined)
  const every = Math.max(1, Math.floor(accepted.length / 200))
  for (const { call, accepted: task } of accepted.filter((_, at) => at % every === 0)) {
    const [category] = call.action.split('/')
    const response = await ask(`${runtime.url}/v1/${category}/tasks/${task?.taskId}`, {
      headers: { authorization: `Bearer ${credentials.caller}` },
    })
    ledger.told(`status of ${call.id}`, `${response.status} ${await response.text()}`)
  }
}

async function judge(
  world: World,
  of: Pick<Proof, 'seed' | 'took' | 'pressure'> & { planned: number; violations: Violation[]; table: Search },
): Promise<Proof> {
  const { books, ledger, disturber, runtime, watch, front, credentials, state, written, output } = world
  const { marks } = credentials
  const verdict = verify({
    entries: ledger.entries.values(),
    books,
    downs: runtime.downs,
    backSteps: disturber.backSteps,
    unstepped: (at) => disturber.unstepped(at),
  })
  const searched = searchFiles([state, written], marks)
  searched.bytes += of.table.bytes
  searched.found.push(
    ...of.table.found,
    ...['durable.db', 'sandbox.db'].flatMap((file) => searchDatabase(join(state, file), marks)),
  )
  const executions = executionsIn(join(state, 'durable.db'))
  const violations: Violation[] = [
    ...of.violations,
    ...verdict.violations,
    ...searched.found.map((detail): Violation => ({ claim: 'leak', detail })),
  ]
  const about = [...new Set(violations.flatMap(({ id }) => id ?? []))].slice(0, toldWhole)
  const stories: string[] = []
  for (const id of about) {
    const entry = ledger.entries.get(id)
    if (entry) stories.push((await storyOf(entry, books, disturber, output)).join('\n'))
  }
  const entries = [...ledger.entries.values()]
  const deliveries = ledger.deliveries()
  const requests = books.requests()
  const met = requests.flatMap(({ target, fault }) =>
    fault ? [`${fault}${target === 'keptn' ? ' of Keptn' : ''}`] : [],
  )
  return {
    ...verdict,
    ...{
      seed: of.seed,
      took: of.took,
      pressure: of.pressure,
      violations,
      stories,
      searched,
      executions,
      clicks: watch.clicks,
    },
    calls: {
      planned: of.planned,
      deliveries: deliveries.length,
      unanswered: deliveries.filter(({ status }) => status === undefined).length,
      duplicates: deliveries.filter(({ duplicate }) => duplicate).length,
      accepted: entries.filter(({ accepted }) => accepted).length,
      byStatus: counted(deliveries.map(({ status }) => String(status ?? 'no answer'))),
      byAction: counted(entries.map(({ call }) => call.action)),
    },
    disturbed: { ...disturber.counts, 'connections that met a TLS failure': front.failed },
    faults: counted(met),
    requests: requests.length,
  }
}

/** For how long, since it was started, something on this machine waited for a CPU; Linux only. */
function stalledMs(): number | undefined {
  try {
    const total = /^some .* total=(\d+)/m.exec(readFileSync('/proc/pressure/cpu', 'utf8'))?.[1]
    return total === undefined ? undefined : Number(total) / 1_000
  } catch {
    // Another system, or a kernel without it.
    return undefined
  }
}

/** The executions in the runtime's own database, by their status. */
function executionsIn(file: string): Record<string, number> {
  const db = new DatabaseSync(file, { readOnly: true })
  const rows = db.prepare('SELECT status, count(*) AS count FROM execution GROUP BY status').all()
  db.close()
  return Object.fromEntries((rows as { status: string; count: number }[]).map(({ status, count }) => [status, count]))
}

function counted(names: string[]): Record<string, number> {
  const counts = Map.groupBy(names, (name) => name)
  return Object.fromEntries([...counts].map(([name, all]) => [name, all.length] as const).sort((a, b) => b[1] - a[1]))
}
