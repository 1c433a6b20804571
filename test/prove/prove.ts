import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { readAuditLog } from '../../infra/local/audit-log.ts'
import { alertsOf } from './alerts.ts'
import { ask } from './ask.ts'
import { callOf } from './calls.ts'
import { type Environment, type EnvironmentOptions, useEnvironment } from './environment.ts'
import { type Search, searchDatabase, searchFiles, searchTable } from './leaks.ts'
import { planOf } from './plan.ts'
import { timelineOf } from './timeline.ts'
import { type Verdict, type Violation, verify } from './verify.ts'
import { type AgentFigures, verifyAgents } from './verify-agents.ts'
import { type AlertFigures, verifyAlerts } from './verify-alerts.ts'
import { type EngineFigures, verifyEngines } from './verify-engines.ts'
import { type PolicyFigures, verifyPolicy } from './verify-policy.ts'
import { type RerunFigures, verifyReruns } from './verify-reruns.ts'
import { verifyStops } from './verify-stops.ts'
import { verifyTurns } from './verify-turns.ts'

export interface ProveOptions extends EnvironmentOptions {
  /** Duration of the load and the faults in milliseconds. */
  ms: number
  /** Time for the last tasks to end, in milliseconds. */
  quietWithin: number
  /** Maximum number of calls. */
  calls: number
  /** The categories to call. Defaults to all. */
  only?: readonly string[] | undefined
  /** Maximum number of concurrent calls. */
  atOnce: number
  /** The factor of the delays of deliveries and decisions. Defaults to 1. */
  pace?: number
  report?: (text: string, always?: boolean) => void
}

/** The result of a run. */
export interface Proof extends Verdict {
  seed: number
  took: { load: number; quiet: number }
  /** The share of the time in which a process waited for a CPU, if the system reports it. */
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
  injected: Record<string, number>
  /** Requests to platforms with a fault, by kind. */
  faults: Record<string, number>
  requests: number
  buttonPresses: number
  notifications: NotificationFigures
  /** The calls of engines other than Keptn. */
  engines: EngineFigures[]
  agents: AgentFigures
  alerts: AlertFigures & { requests: number }
  reruns: RerunFigures
  policy: PolicyFigures
  /** The jobs of calls that run one at a time. */
  jobsInTurn: number
  /** The accepted calls that met a stop. */
  stopped: number
  searched: Search
  executions: Record<string, number>
  /** The timelines of the first violations. */
  timelines: string[]
}

/** The numbers of notifications, and of the wake-ups that they caused. */
interface NotificationFigures {
  delivered: number
  lost: number
  /** The runtime did not respond. */
  unanswered: number
  wakeUps: number
  /** Forged with the right key, right after the start of the run. */
  untrue: number
  untrueWakeUps: number
  /** Forged with a wrong key. */
  refused: number
}

/** When the windows of the policy open for the first time. */
const OPENS_AFTER_MS = 10_000
const MAX_TIMELINES = 5
const MAX_SEARCHED_ADDRESSES = 100
/** Maximum number of statuses of tasks that neither an engine nor an agent has started. */
const MAX_READ_STATUSES = 200

/**
 * Sends the planned calls while faults are injected, waits until all tasks have ended, and compares the responses to the
 * callers with the records of the platforms.
 */
export function prove(options: ProveOptions): Promise<Proof> {
  return useEnvironment(options, (environment) => run(environment, options))
}

async function run(environment: Environment, options: ProveOptions): Promise<Proof> {
  const { seed, report = () => undefined } = options
  const watching = environment.watch.run()
  const start = Date.now()
  const stalled = stalledMs()
  const planned = await load(environment, options)
  const sent = Date.now() - start
  report(`no more calls: waiting for the end of ${environment.callRecords.open.size} tasks`, true)
  const violations = await quiet(environment, options.quietWithin, report)
  const stalledNow = stalledMs()
  const waited = stalled !== undefined && stalledNow !== undefined ? stalledNow - stalled : undefined
  const pressure = waited === undefined ? undefined : waited / (Date.now() - start)
  const took = { load: sent, quiet: Date.now() - start - sent }
  report('checking the records of the platforms', true)
  await readStatuses(environment)
  const table = await searchTable(environment.runtime.aws, 'webhooks', environment.credentials.markers)
  await environment.end()
  await watching
  return await judge(environment, { seed, took, pressure }, planned, violations, table)
}

/** Sends the planned calls. Returns their number. */
async function load(
  environment: Environment,
  { seed, ms, calls, only, atOnce, pace, report = () => undefined }: ProveOptions,
) {
  await environment.disturbNotifications()
  environment.openWindowIn(OPENS_AFTER_MS)
  const injecting = environment.faultInjector.carryOut(planOf(seed, ms))
  const reporting = environment.alertSender.run(alertsOf(seed, ms, !only || only.includes('remediation')))
  const end = Date.now() + ms
  let [n, sending] = [0, 0]
  const sent: Promise<unknown>[] = []
  const hasRoom = () => n < calls && sending + environment.callRecords.open.size < atOnce
  // A busy machine sends the remaining calls after the end.
  while (Date.now() < end || hasRoom()) {
    // Spreads the calls over the complete time.
    const due = end - ms + (n * ms) / calls
    if (Date.now() < due || !hasRoom()) {
      await sleep(10)
    } else {
      sending += 1
      const call = callOf(seed, n++, only, pace)
      const { first, all } = environment.send(call)
      // Does not wait for late duplicates, nor for the results of engines.
      void first.then(() => {
        sending -= 1
      })
      sent.push(all)
    }
    report(statusOf(environment, n))
  }
  // Waits for late kills before the faults are removed.
  await injecting
  await environment.removeFaults()
  environment.alertSender.finish()
  await reporting
  await Promise.all(sent)
  return n
}

function statusOf({ callRecords, faultInjector, runtime }: Environment, calls: number): string {
  const ended = [...callRecords.entries.values()].filter(({ finishedAt }) => finishedAt !== undefined).length
  const { kills = 0, 'task workers': workers = 0, faults = 0, rotations = 0 } = faultInjector.counts
  const state = runtime.isUp ? '' : ', the runtime is down'
  return `${calls} calls, ${ended} ended, ${callRecords.open.size} open; ${kills} kills, ${workers} workers died, ${faults} faults, ${rotations} rotations${state}`
}

/** Waits for the end of every task, and two more seconds for duplicates. */
async function quiet(
  environment: Environment,
  within: number,
  report: NonNullable<ProveOptions['report']>,
): Promise<Violation[]> {
  const end = Date.now() + within
  let running = Number.NaN
  while (Date.now() < end) {
    report(`${environment.callRecords.open.size} tasks have not ended`)
    if (environment.callRecords.open.size === 0) {
      running = await environment.running()
      if (running === 0) break
    }
    await sleep(250)
  }
  await sleep(2_000)
  if (running === 0) return []
  const detail = `${await environment.running()} executions still run ${within / 1_000} s after the last call`
  return [{ claim: 'left', detail }]
}

/** Reads the status of each task that an engine or an agent has started, and of others, so that the search for leaks includes them. */
async function readStatuses({ callRecords, runtime, credentials }: Environment): Promise<void> {
  const every = Math.max(1, Math.floor(callRecords.accepted / MAX_READ_STATUSES))
  let at = 0
  for (const entry of callRecords.entries.values()) {
    const { call, accepted } = entry
    const isRead = call.engine !== undefined || call.agent !== undefined
    if (!accepted || (at++ % every !== 0 && !isRead)) continue
    const [category] = call.action.split('/')
    const response = await ask(`${runtime.url}/v1/${category}/tasks/${accepted.taskId}`, {
      headers: { authorization: `Bearer ${credentials.caller}` },
    })
    const text = await response.text()
    callRecords.addResponse(`status of ${call.id}`, `${response.status} ${text}`)
    if (isRead && response.ok) entry.status = JSON.parse(text)
  }
}

async function judge(
  environment: Environment,
  measured: Pick<Proof, 'seed' | 'took' | 'pressure'>,
  planned: number,
  left: Violation[],
  table: Search,
): Promise<Proof> {
  const {
    records,
    callRecords,
    faultInjector,
    runtime,
    watch,
    proxy,
    credentials,
    state,
    written,
    output,
    alertSender,
  } = environment
  const { markers } = credentials
  const entries = [...callRecords.entries.values()]
  const verdict = verify({
    entries,
    records,
    downs: runtime.downs,
    stops: faultInjector.stops,
    unstepped: (at) => faultInjector.unstepped(at),
    functionLag: (span) => faultInjector.functionLag(span),
  })
  const ofEngines = verifyEngines(entries, records, [...runtime.downs, ...faultInjector.deadWorkers])
  const ofAgents = verifyAgents(entries)
  const auditLines = readAuditLog(state)
  const ofAlerts = verifyAlerts({ alerts: alertSender.records, records, auditLines })
  const ofReruns = verifyReruns(entries, records)
  const ofPolicy = verifyPolicy({
    entries,
    records,
    presses: watch.presses.sent,
    auditLines,
    closed: environment.closed,
    unstepped: (at) => faultInjector.unstepped(at),
    functionTimes: (span) => faultInjector.functionTimes(span),
  })
  const ofTurns = verifyTurns({ entries, records, unstepped: (at) => faultInjector.unstepped(at) })
  const { stops, backSteps } = faultInjector
  const ofStops = verifyStops({ entries, records, stops, backSteps, unstepped: (at) => faultInjector.unstepped(at) })
  const searched = searchFiles([state, written], markers)
  searched.bytes += table.bytes
  searched.found.push(
    ...table.found,
    ...['durable.db', 'sandbox.db'].flatMap((file) => searchDatabase(join(state, file), markers)),
  )
  const executions = executionsIn(join(state, 'durable.db'))
  const violations: Violation[] = [
    ...left,
    ...verdict.violations,
    ...ofEngines.violations,
    ...ofAgents.violations,
    ...ofAlerts.violations,
    ...ofReruns.violations,
    ...ofPolicy.violations,
    ...ofTurns.violations,
    ...ofStops.violations,
    ...searched.found.map((detail): Violation => ({ claim: 'leak', detail })),
    ...leakedAddresses(environment),
  ]
  const about = [...new Set(violations.flatMap(({ id }) => id ?? []))].slice(0, MAX_TIMELINES)
  const timelines: string[] = []
  for (const id of about) {
    const entry = callRecords.entries.get(id)
    if (entry) timelines.push((await timelineOf(entry, records, faultInjector, output)).join('\n'))
  }
  const deliveries = callRecords.deliveries()
  const requests = records.requests()
  const met = requests.flatMap(({ target, fault }) =>
    fault ? [`${fault}${target === 'keptn' ? ' of Keptn' : ''}`] : [],
  )
  return {
    ...verdict,
    ...measured,
    violations,
    timelines,
    searched,
    executions,
    buttonPresses: watch.presses.accepted,
    notifications: notificationFigures(environment),
    engines: ofEngines.engines,
    agents: ofAgents.figures,
    alerts: { ...ofAlerts.figures, requests: alertSender.accepted },
    reruns: ofReruns.figures,
    policy: ofPolicy.figures,
    jobsInTurn: ofTurns.jobs,
    stopped: ofStops.stopped,
    calls: {
      planned,
      deliveries: deliveries.length,
      unanswered: deliveries.filter(({ status }) => status === undefined).length,
      duplicates: deliveries.filter(({ duplicate }) => duplicate).length,
      accepted: entries.filter(({ accepted }) => accepted).length,
      byStatus: counted(deliveries.map(({ status }) => String(status ?? 'no answer'))),
      byAction: counted(entries.map(({ call }) => call.action)),
    },
    injected: { ...faultInjector.counts, 'connections that met a TLS failure': proxy.failed },
    faults: counted(met),
    requests: requests.length,
  }
}

function notificationFigures({ records, watch: { forged } }: Environment): NotificationFigures {
  const sent = records.notifications()
  const delivered = sent.filter(({ status }) => status === 200)
  const lost = sent.filter(({ isLost }) => isLost).length
  const untrue = forged.filter(({ status }) => status === 200)
  const wakeUps = (all: { woken: number }[]) => all.reduce((sum, { woken }) => sum + woken, 0)
  return {
    delivered: delivered.length,
    lost,
    unanswered: sent.length - delivered.length - lost,
    wakeUps: wakeUps(delivered),
    untrue: untrue.length,
    untrueWakeUps: wakeUps(untrue),
    refused: forged.filter(({ status }) => status === 401).length,
  }
}

/** Searches the output, the responses and the executions for the addresses of answers, which are credentials. */
function leakedAddresses({ records, state, written }: Environment): Violation[] {
  const runs = records.engineRuns()
  const every = Math.max(1, Math.floor(runs.length / MAX_SEARCHED_ADDRESSES))
  const secrets = runs.filter((_, at) => at % every === 0).map(({ secret }) => secret)
  if (secrets.length === 0) return []
  const found = [...searchFiles([written], secrets).found, ...searchDatabase(join(state, 'durable.db'), secrets)]
  return found.map((detail) => ({ claim: 'leak', detail }))
}

/** Returns how long processes of this machine have waited for a CPU. Linux only. */
function stalledMs(): number | undefined {
  try {
    const total = /^some .* total=(\d+)/m.exec(readFileSync('/proc/pressure/cpu', 'utf8'))?.[1]
    return total === undefined ? undefined : Number(total) / 1_000
  } catch {
    // Not supported by this system.
    return undefined
  }
}

/** Returns the number of executions in the database of the runtime, by status. */
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
