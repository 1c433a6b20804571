import { secondsToNextPoll, secondsToNextPollOfSource } from '../../../shared/core/task/poll-interval.ts'
import { PRICES, type Price } from './prices.ts'

/** The retention of an execution is 14 days. */
const RETENTION_MONTHS = 14 / 30
/** A platform responds in 400 ms. */
const SILENT = { seconds: 0.5, writes: 2, logKb: 2 }
/** An event of 2 KB. The operations are start, act and send finished. */
const INTERACTIVE = { webhookSeconds: 0.06, taskSeconds: 0.8, operations: 3, dataKb: 4, writes: 2, logKb: 3.6 }
/** A request for the status of a job, in a separate invocation. */
const POLL = { seconds: 0.5, dataKb: 0.5, logKb: 0.4 }
/**
 * A notification of the end of a job: a call, an invocation of 100 ms, and reads of the task and its wake-up. The task saves and deletes
 * both. The operations are the callback, the race, and the two of the wait after the wake-up; its poll counts as a poll.
 */
const NOTIFICATION = { seconds: 0.1, logKb: 0.4, reads: 3, writes: 4, operations: 3 }
/**
 * Metrics of alarms, which is what CloudWatch bills. The first number is that of the deployment, the second that of each category.
 */
const ALARMS = { standard: [10, 6], minimal: [8, 2] } as const
/** `identity` and `callbacks`. */
const GENERATED_SECRETS = 2
/** `callers` and one orchestrator. */
const OWN_SECRETS = 2
const WAF_RULES = 3
/** Usual combinations of dimensions: `Calls` by two outcomes; `Calls` by one and `Tasks` by two. */
const METRICS = { silent: 2, interactive: 3 }
const HOURS = 730
/** A scheduled verification: a silent call, and an interactive one whose status is read about twice. The function waits for them. */
const CHECK = { silentCalls: 3, interactiveCalls: 1, seconds: 3, metrics: 3, alarmMetrics: 2 }

/** The parts of a deployment that cost something, and the settings that change the costs of calls. */
export interface Deployed {
  categories: number
  /** Secrets of connections. */
  connections: number
  /** Some category has approvals, which need a generated secret and an alarm. */
  hasApprovals: boolean
  observability: 'minimal' | 'standard'
  rollout: 'immediate' | 'gradual'
  /** The schedule that verifies categories. */
  verify?: { categories: number; minutes: number } | undefined
  waf: boolean
  tracing: boolean
  memoryMb: { webhook: number; task: number }
}

/** The calls of a month. */
export interface Calls {
  silent: number
  /** Interactive calls that run one action. */
  interactive: number
  /** Interactive calls that start a job. */
  jobs: readonly Jobs[]
}

/** Jobs of one duration. */
interface Jobs {
  calls: number
  seconds: number
  /** A source notifies us of their end. */
  isNotified?: boolean
}

/** One line of a bill. */
export interface CostPart {
  part: string
  quantity: number
  unit: string
  /** The price of one unit. */
  price: number
  /** Rounded to cents. */
  dollars: number
}

/** Returns what a month costs regardless of calls. */
export function idleCosts(deployed: Deployed): CostPart[] {
  const { categories, connections, hasApprovals, observability, rollout, verify, waf } = deployed
  const [shared, perCategory] = ALARMS[observability]
  const isGradual = rollout === 'gradual'
  // With standard, the webhooks have these alarms anyway.
  const webhookAlarms = isGradual && observability === 'minimal' ? categories : 0
  const added = webhookAlarms + (verify ? CHECK.alarmMetrics : 0) + Number(hasApprovals)
  return [
    cost('CloudWatch, alarms', shared + perCategory * categories + added, PRICES.alarm),
    cost('CloudWatch, dashboard', observability === 'standard' ? 1 : 0, PRICES.dashboard),
    cost('Secrets Manager, generated', GENERATED_SECRETS + Number(hasApprovals), PRICES.secret),
    cost(
      'Secrets Manager, yours',
      OWN_SECRETS + connections + Number(isGradual || verify !== undefined),
      PRICES.secret,
    ),
    cost('WAF, web ACL', waf ? 1 : 0, PRICES.wafAcl),
    cost('WAF, rules', waf ? WAF_RULES : 0, PRICES.wafRule),
    ...(verify ? [verifyCost(verify, deployed)] : []),
  ].filter(({ quantity }) => quantity > 0)
}

/** Returns the costs of the schedule that verifies categories, as those of a thousand checks. */
function verifyCost({ categories, minutes }: NonNullable<Deployed['verify']>, deployed: Deployed): CostPart {
  const checks = (HOURS * 60 * categories) / minutes
  const calls = { silent: CHECK.silentCalls * checks, interactive: CHECK.interactiveCalls * checks, jobs: [] }
  const waiting = (checks * CHECK.seconds * deployed.memoryMb.webhook) / MB_PER_GB / MILLION
  const parts = [
    ...callCosts(calls, { ...deployed, observability: 'minimal' }),
    cost('', waiting, PRICES.lambdaTime),
    cost('', deployed.observability === 'standard' ? CHECK.metrics : 0, PRICES.metric),
  ]
  const dollars = parts.reduce((sum, { quantity, price }) => sum + quantity * price, 0)
  const thousands = checks / 1_000
  const price = Math.round((dollars / thousands) * 10_000) / 10_000
  return cost('Scheduled verification', thousands, { dollars: price, unit: 'thousand checks' })
}

/** Returns what the calls of a month cost. */
export function callCosts(calls: Calls, { memoryMb, observability, waf, tracing }: Deployed): CostPart[] {
  const jobs = calls.jobs.reduce((sum, job) => sum + job.calls, 0)
  const notified = calls.jobs.reduce((sum, job) => sum + (job.isNotified ? job.calls : 0), 0)
  const polls = calls.jobs.reduce((sum, job) => sum + job.calls * countPolls(job, 2 * job.seconds), 0)
  const tasks = calls.interactive + jobs
  const all = calls.silent + tasks + notified
  const webhookTime =
    calls.silent * SILENT.seconds + tasks * INTERACTIVE.webhookSeconds + notified * NOTIFICATION.seconds
  const taskTime = tasks * INTERACTIVE.taskSeconds + polls * POLL.seconds
  // Waiting for a job is one more operation.
  const operations = tasks * INTERACTIVE.operations + jobs + polls + notified * NOTIFICATION.operations
  const writes = calls.silent * SILENT.writes + tasks * INTERACTIVE.writes + notified * NOTIFICATION.writes
  const dataKb = tasks * INTERACTIVE.dataKb + polls * POLL.dataKb
  // A metric is billed for each hour with a call.
  const metrics = METRICS.silent * Math.min(1, calls.silent / HOURS) + METRICS.interactive * Math.min(1, tasks / HOURS)
  const logKb =
    calls.silent * SILENT.logKb + tasks * INTERACTIVE.logKb + polls * POLL.logKb + notified * NOTIFICATION.logKb
  return [
    cost('API Gateway, REST', all / MILLION, PRICES.apiCall),
    cost('Lambda, requests', (all + tasks + polls) / MILLION, PRICES.lambdaRequest),
    cost(
      'Lambda, time',
      (webhookTime * memoryMb.webhook + taskTime * memoryMb.task) / MB_PER_GB / MILLION,
      PRICES.lambdaTime,
    ),
    cost('Lambda, durable operations', operations / MILLION, PRICES.durableOperation),
    cost('Lambda, durable data written', dataKb / MILLION, PRICES.durableWrite),
    cost('Lambda, durable data stored for 14 days', (dataKb * RETENTION_MONTHS) / MILLION, PRICES.durableStorage),
    cost('DynamoDB, writes', writes / MILLION, PRICES.dynamoWrite),
    // All polls but the first one read whether the task was canceled.
    cost('DynamoDB, reads', (polls - jobs + notified * NOTIFICATION.reads) / MILLION, PRICES.dynamoRead),
    cost('CloudWatch, logs', logKb / MILLION, PRICES.logs),
    cost('CloudWatch, metrics', observability === 'standard' ? metrics : 0, PRICES.metric),
    cost('WAF, calls', waf ? all / MILLION : 0, PRICES.wafRequest),
    cost('X-Ray, traces', tracing ? all / MILLION : 0, PRICES.trace),
  ].filter(({ quantity }) => quantity > 0)
}

/** Adds rounded amounts, so that readers get the same sum. */
export function totalOf(parts: readonly CostPart[]): number {
  return parts.reduce((sum, { dollars }) => sum + Math.round(dollars * 100), 0) / 100
}

/** Counts the polls of a job by the schedule of the tasks themselves. A notification leads to the last one. */
export function countPolls(
  { seconds, isNotified = false }: Pick<Jobs, 'seconds' | 'isNotified'>,
  deadline: number,
): number {
  let polls = 1
  for (let elapsed = 0; elapsed < seconds; polls++) {
    const next = isNotified
      ? Math.min(secondsToNextPollOfSource(elapsed), seconds - elapsed)
      : secondsToNextPoll(elapsed, deadline - elapsed)
    if (next === undefined) break
    elapsed += next
  }
  return polls
}

/** Returns how many durable operations a job has. */
export function countOperations(job: Pick<Jobs, 'seconds' | 'isNotified'>, deadline: number): number {
  // Waiting is one more operation.
  return INTERACTIVE.operations + 1 + countPolls(job, deadline) + (job.isNotified ? NOTIFICATION.operations : 0)
}

const MILLION = 1_000_000
const MB_PER_GB = 1_024

function cost(part: string, quantity: number, { dollars: price, unit }: Omit<Price, 'source'>): CostPart {
  return { part, quantity, unit, price, dollars: Math.round(quantity * price * 100 + 1e-9) / 100 }
}
