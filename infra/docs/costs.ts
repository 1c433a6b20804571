import { secondsToNextPoll } from '../../shared/core/task/poll.ts'
import { table } from './table.ts'

/** List prices of us-east-1 in US dollars, as of November 2026, each for a million of its units or for a GB. */
const PRICES = {
  apiCall: 3.5,
  lambdaRequest: 0.2,
  /** A million GB-seconds on arm64. */
  lambdaTime: 13.3334,
  durableOperation: 8,
  /** A GB. */
  durableWrite: 0.25,
  /** A GB-month. */
  durableStorage: 0.15,
  dynamoWrite: 0.625,
  /** A GB. */
  logs: 0.5,
}
const MEMORY_GB = 0.5
/** History and outcome of a task are kept for 14 days. */
const RETENTION_MONTHS = 14 / 30
const SILENT = { seconds: 0.5, logKb: 1.4 }
const INTERACTIVE = { webhookSeconds: 0.06, taskSeconds: 0.8, operations: 4, dataKb: 4, logKb: 2.4 }
/** One request to see how a job is, in an invocation of its own. */
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

/** Computes what a million calls cost, as the tables of docs/deploy.md. */
export function costTables(): string {
  return `One million **silent** calls, 500 ms each:

${costTable(silentParts())}
One million **interactive** calls, each 60 ms of the webhook and 800 ms of the task, in four durable operations (start, accept, act,
send finished):

${costTable(interactiveParts())}
\`sendStarted=true\` adds an operation, 8.00 a million. A task whose platform is down costs an operation and an invocation for each
try; waiting itself costs nothing.

An interactive call that starts a **job** (a pipeline, a load test, an experiment, a training) polls the platform until the job ends.
Each poll is a durable operation and an invocation of 500 ms, so a job costs more the longer it runs. Polls come at a tenth of the
time that has passed, at most a minute apart; if the deadline is more than 25 hours, at most a 1,500th of it. One million calls,
each with a deadline of twice the time that its job runs:

${jobTable()}`
}

function silentParts(): Part[] {
  return [
    apiCalls(),
    { part: 'Lambda, requests', amount: '1 million', price: '0.20 a million', dollars: PRICES.lambdaRequest },
    lambdaTime(`1 million x ${SILENT.seconds} s`, SILENT.seconds),
    dynamoWrites('2 million (begun, done)', 2),
    logs(SILENT.logKb),
  ]
}

function interactiveParts(): Part[] {
  const { webhookSeconds, taskSeconds, operations, dataKb, logKb } = INTERACTIVE
  const months = dataKb * RETENTION_MONTHS
  return [
    apiCalls(),
    { part: 'Lambda, requests', amount: '2 million', price: '0.20 a million', dollars: 2 * PRICES.lambdaRequest },
    lambdaTime(`1 million x (${webhookSeconds} + ${taskSeconds}) s`, webhookSeconds + taskSeconds),
    {
      part: 'Lambda, durable operations',
      amount: `${operations} million`,
      price: '8.00 a million',
      dollars: operations * PRICES.durableOperation,
    },
    {
      part: 'Lambda, durable data written',
      amount: `${dataKb} GB (${dataKb} KB a task)`,
      price: '0.25 a GB',
      dollars: dataKb * PRICES.durableWrite,
    },
    {
      part: 'Lambda, durable data kept',
      amount: `${dataKb} GB for 14 days = ${months.toFixed(2)} GB-months`,
      price: '0.15 a GB-month',
      dollars: months * PRICES.durableStorage,
    },
    dynamoWrites('1 million (the name of the task)', 1),
    logs(logKb),
  ]
}

function jobTable(): string {
  const call = total(interactiveParts())
  const columns = ['the job runs', 'polls', 'operations', 'operations, $', 'polls in Lambda, $', '**together, $**']
  const rows = JOBS.map(([name, seconds]) => {
    const polls = countPolls(seconds, 2 * seconds)
    // The wait itself is an operation, too.
    const operations = INTERACTIVE.operations + 1 + polls
    const durable = operations * PRICES.durableOperation
    const lambda = polls * (PRICES.lambdaRequest + POLL.seconds * MEMORY_GB * PRICES.lambdaTime)
    const data = polls * POLL.dataKb * (PRICES.durableWrite + RETENTION_MONTHS * PRICES.durableStorage)
    const callAlone = call - INTERACTIVE.operations * PRICES.durableOperation
    const together = callAlone + durable + lambda + data + polls * POLL.logKb * PRICES.logs
    return [name, polls, operations, round(durable), round(lambda), `**${round(together)}**`].map(String)
  })
  return table(columns, rows)
}

/** Counts the polls of a job by the schedule of the tasks themselves. */
export function countPolls(seconds: number, deadline: number): number {
  let polls = 1
  for (let passed = 0; passed < seconds; polls++) {
    const next = secondsToNextPoll(passed, deadline - passed)
    if (next === undefined) break
    passed += next
  }
  return polls
}

function apiCalls(): Part {
  return { part: 'API Gateway, REST', amount: '1 million calls', price: '3.50 a million', dollars: PRICES.apiCall }
}

function lambdaTime(what: string, seconds: number): Part {
  const gbSeconds = (seconds * MEMORY_GB * 1_000_000).toLocaleString('en-US')
  return {
    part: 'Lambda, time',
    amount: `${what} x ${MEMORY_GB} GB = ${gbSeconds} GB-s`,
    price: `${(PRICES.lambdaTime / 1_000_000).toFixed(10)} a GB-s`,
    dollars: seconds * MEMORY_GB * PRICES.lambdaTime,
  }
}

function dynamoWrites(amount: string, millions: number): Part {
  return { part: 'DynamoDB, writes', amount, price: '0.625 a million', dollars: millions * PRICES.dynamoWrite }
}

function logs(kb: number): Part {
  return {
    part: 'CloudWatch, logs',
    amount: `${kb} GB (${kb} KB a call)`,
    price: '0.50 a GB',
    dollars: kb * PRICES.logs,
  }
}

function costTable(parts: Part[]): string {
  return table(
    ['part', 'how much', 'price', 'dollars'],
    [
      ...parts.map(({ part, amount, price, dollars }) => [part, amount, price, cents(dollars).toFixed(2)]),
      ['**together**', '', '', `**${total(parts).toFixed(2)}**`],
    ],
  )
}

/** The sum of what the rows show, so that a reader can add them up. */
function total(parts: Part[]): number {
  return parts.reduce((sum, { dollars }) => sum + Math.round(cents(dollars) * 100), 0) / 100
}

function cents(dollars: number): number {
  return Math.round(dollars * 100 + 1e-9) / 100
}

function round(dollars: number): string {
  return Math.round(dollars).toLocaleString('en-US')
}
