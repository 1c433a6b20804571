import { secondsToNextPoll } from '../../shared/core/task/poll.ts'
import { table } from './table.ts'

/** List prices of us-east-1 in US dollars, November 2026, per million units or per GB. */
const PRICES = {
  apiCall: 3.5,
  lambdaRequest: 0.2,
  /** Per million GB-seconds on arm64. */
  lambdaTime: 13.3334,
  durableOperation: 8,
  /** Per GB. */
  durableWrite: 0.25,
  /** Per GB-month. */
  durableStorage: 0.15,
  dynamoWrite: 0.625,
  dynamoRead: 0.125,
  /** Per GB. */
  logs: 0.5,
}
const MEMORY_GB = 0.5
/** The retention of an execution is 14 days. */
const RETENTION_MONTHS = 14 / 30
const SILENT = { seconds: 0.5, logKb: 1.4 }
const INTERACTIVE = { webhookSeconds: 0.06, taskSeconds: 0.8, operations: 3, dataKb: 4, logKb: 2.4 }
/** A request for the status of a job, in a separate invocation. */
const POLL = { seconds: 0.5, dataKb: 0.5, logKb: 0.4 }

const MINUTE = 60
const HOUR = 3_600
const DAY = 86_400
const JOBS: [name: string, seconds: number][] = [
  ['1 minute', MINUTE],
  ['5 minutes', 5 * MINUTE],
  ['20 minutes', 20 * MINUTE],
  ['1 hour', HOUR],
  ['1 day', DAY],
]

interface Part {
  part: string
  amount: string
  price: string
  dollars: number
}

/** Returns the tables of costs in docs/deploy.md. */
export function costTables(): string {
  return `One million **silent** calls, 500 ms each:

${costTable(silentParts())}
One million **interactive** calls, with 60 ms in the webhook and 800 ms in the task, and three durable operations (start, act, send
finished):

${costTable(interactiveParts())}
\`sendStarted=true\` adds an operation: 8.00 per million. If the platform is down, each attempt costs an operation and an invocation.
Waiting costs nothing.

An interactive call that starts a **job** (a pipeline, a load test, an experiment, a training) polls the platform until the job ends.
Each poll is a durable operation, an invocation of 500 ms and a read of the table, so longer jobs cost more. The interval is a fifth of
the elapsed time, at most a minute, or a 1,500th of a deadline of more than 25 hours.

One million calls, each with a deadline of twice the duration of its job:

${jobTable()}`
}

function silentParts(): Part[] {
  return [
    apiCalls(),
    { part: 'Lambda, requests', amount: '1 million', price: '0.20 per million', dollars: PRICES.lambdaRequest },
    lambdaTime(`1 million x ${SILENT.seconds} s`, SILENT.seconds),
    dynamoWrites('2 million (start, end)', 2),
    logs(SILENT.logKb),
  ]
}

function interactiveParts(): Part[] {
  const { webhookSeconds, taskSeconds, operations, dataKb, logKb } = INTERACTIVE
  const months = dataKb * RETENTION_MONTHS
  return [
    apiCalls(),
    { part: 'Lambda, requests', amount: '2 million', price: '0.20 per million', dollars: 2 * PRICES.lambdaRequest },
    lambdaTime(`1 million x (${webhookSeconds} + ${taskSeconds}) s`, webhookSeconds + taskSeconds),
    {
      part: 'Lambda, durable operations',
      amount: `${operations} million`,
      price: '8.00 per million',
      dollars: operations * PRICES.durableOperation,
    },
    {
      part: 'Lambda, durable data written',
      amount: `${dataKb} GB (${dataKb} KB per task)`,
      price: '0.25 per GB',
      dollars: dataKb * PRICES.durableWrite,
    },
    {
      part: 'Lambda, durable storage',
      amount: `${dataKb} GB for 14 days = ${months.toFixed(2)} GB-months`,
      price: '0.15 per GB-month',
      dollars: months * PRICES.durableStorage,
    },
    dynamoWrites('1 million (the name of the task)', 1),
    logs(logKb),
  ]
}

function jobTable(): string {
  const call = total(interactiveParts())
  const columns = ['Duration of the job', 'Polls', 'Operations', 'Operations, $', 'Polls in Lambda, $', '**Total, $**']
  const rows = JOBS.map(([name, seconds]) => {
    const polls = countPolls(seconds, 2 * seconds)
    // Waiting is one more operation.
    const operations = INTERACTIVE.operations + 1 + polls
    const durable = operations * PRICES.durableOperation
    const lambda = polls * (PRICES.lambdaRequest + POLL.seconds * MEMORY_GB * PRICES.lambdaTime)
    const data = polls * POLL.dataKb * (PRICES.durableWrite + RETENTION_MONTHS * PRICES.durableStorage)
    const otherCosts = call - INTERACTIVE.operations * PRICES.durableOperation
    // All but the first one read whether the task was canceled.
    const reads = (polls - 1) * PRICES.dynamoRead
    const sum = otherCosts + durable + lambda + data + reads + polls * POLL.logKb * PRICES.logs
    return [name, polls, operations, round(durable), round(lambda), `**${round(sum)}**`].map(String)
  })
  return table(columns, rows)
}

/** Counts the polls of a job by the schedule of the tasks themselves. */
export function countPolls(seconds: number, deadline: number): number {
  let polls = 1
  for (let elapsed = 0; elapsed < seconds; polls++) {
    const next = secondsToNextPoll(elapsed, deadline - elapsed)
    if (next === undefined) break
    elapsed += next
  }
  return polls
}

function apiCalls(): Part {
  return { part: 'API Gateway, REST', amount: '1 million calls', price: '3.50 per million', dollars: PRICES.apiCall }
}

function lambdaTime(calls: string, seconds: number): Part {
  const gbSeconds = (seconds * MEMORY_GB * 1_000_000).toLocaleString('en-US')
  return {
    part: 'Lambda, time',
    amount: `${calls} x ${MEMORY_GB} GB = ${gbSeconds} GB-s`,
    price: `${(PRICES.lambdaTime / 1_000_000).toFixed(10)} per GB-s`,
    dollars: seconds * MEMORY_GB * PRICES.lambdaTime,
  }
}

function dynamoWrites(amount: string, millions: number): Part {
  return { part: 'DynamoDB, writes', amount, price: '0.625 per million', dollars: millions * PRICES.dynamoWrite }
}

function logs(kb: number): Part {
  return {
    part: 'CloudWatch, logs',
    amount: `${kb} GB (${kb} KB per call)`,
    price: '0.50 per GB',
    dollars: kb * PRICES.logs,
  }
}

function costTable(parts: Part[]): string {
  return table(
    ['Part', 'Amount', 'Price', 'Dollars'],
    [
      ...parts.map(({ part, amount, price, dollars }) => [part, amount, price, cents(dollars).toFixed(2)]),
      ['**Total**', '', '', `**${total(parts).toFixed(2)}**`],
    ],
  )
}

/** Adds rounded amounts, so that readers get the same sum. */
function total(parts: Part[]): number {
  return parts.reduce((sum, { dollars }) => sum + Math.round(cents(dollars) * 100), 0) / 100
}

function cents(dollars: number): number {
  return Math.round(dollars * 100 + 1e-9) / 100
}

function round(dollars: number): string {
  return Math.round(dollars).toLocaleString('en-US')
}
