import {
  type CostPart,
  callCosts,
  countOperations,
  countPolls,
  type Deployed,
  idleCosts,
  totalOf,
} from '../../cli/costs/month.ts'
import { PRICES, PRICES_OF } from '../../cli/costs/prices.ts'
import { markdownTable } from '../../project/markdown-table.ts'

const MILLION = 1_000_000
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
/** All categories, with the defaults of the settings. */
export const DEPLOYED: Deployed = {
  categories: 10,
  connections: 10,
  hasApprovals: true,
  observability: 'standard',
  rollout: 'immediate',
  waf: false,
  tracing: false,
  memoryMb: { webhook: 256, task: 512 },
}

/** Returns the prices in README.md. */
export function priceSummary(): string {
  const calls = (costs: Parameters<typeof callCosts>[0]) => round(totalOf(callCosts(costs, DEPLOYED)))
  const job = { calls: MILLION, seconds: 20 * MINUTE, isNotified: true }
  const idle = totalOf(
    idleCosts({ ...DEPLOYED, categories: 1, connections: 1, hasApprovals: false, observability: 'minimal' }),
  )
  return `One million calls cost ${calls({ silent: MILLION, interactive: 0, jobs: [] })} dollars if they are silent (answered at once), ${calls({ silent: 0, interactive: MILLION, jobs: [] })} if they are interactive (done by a task), and ${calls({ silent: 0, interactive: 0, jobs: [job] })} if each one runs a
job for 20 minutes and the platform reports its end. Idle, one category of actions costs ${idle.toFixed(2)} a month. List prices of AWS; [all costs](docs/deploy.md#what-it-costs).
`
}

/** Returns the tables of costs in docs/deploy.md. */
export function costTables(): string {
  return `Computed with list prices of ${PRICES_OF.region} in US dollars of ${PRICES_OF.month} (check them; \`infra/cli/costs/prices.ts\` has their sources).

One million **silent** calls, 500 ms each:

${costTable(callCosts({ silent: MILLION, interactive: 0, jobs: [] }, DEPLOYED))}
One million **interactive** calls, with 60 ms in the webhook and 800 ms in the task, and three durable operations (start, act, send
finished):

${costTable(callCosts({ silent: 0, interactive: MILLION, jobs: [] }, DEPLOYED))}
\`sendStarted=true\` adds an operation: 8.00 per million. If the platform is down, each attempt costs an operation and an invocation.
Waiting costs nothing.

An interactive call that starts a **job** (a pipeline, a load test, an experiment, a training) polls the platform until the job ends.
Each poll is a durable operation, an invocation of 500 ms and a read of the table, so longer jobs cost more. The interval is a fifth of
the elapsed time, at most a minute, or a 1,500th of a deadline of more than 25 hours.

One million calls, each with a deadline of twice the duration of its job:

${jobTable()}
The same if a [source](sources.md) notifies the deployment of the end of each job:

${jobTable(true)}
Each month, regardless of calls, with a connection for each category:

${idleTable()}
Each month, these settings add:

${addedTable()}`
}

function addedTable(): string {
  const idle = (more: Partial<Deployed>) => totalOf(idleCosts({ ...DEPLOYED, ...more }))
  const rows = [
    { name: '`rollout`: `gradual`', setting: { rollout: 'gradual' } as const },
    { name: '`verify` with one category, every 5 minutes', setting: { verify: { categories: 1, minutes: 5 } } },
    { name: '`verify` with one category, every 60 minutes', setting: { verify: { categories: 1, minutes: 60 } } },
  ].map(({ name, setting }) => [
    name,
    ...(['minimal', 'standard'] as const).map((observability) =>
      (idle({ observability, ...setting }) - idle({ observability })).toFixed(2),
    ),
  ])
  return markdownTable(['Setting, with ten categories', '`minimal`, $', '`standard`, $'], rows)
}

function jobTable(isNotified = false): string {
  const columns = ['Duration of the job', 'Polls', 'Operations', 'Operations, $', '**Total, $**']
  const rows = JOBS.map(([name, seconds]) => {
    const job = { calls: MILLION, seconds, isNotified }
    const operations = countOperations(job, 2 * seconds)
    const total = totalOf(callCosts({ silent: 0, interactive: 0, jobs: [job] }, DEPLOYED))
    const dollars = round(operations * PRICES.durableOperation.dollars)
    return [name, countPolls(job, 2 * seconds), operations, dollars, `**${round(total)}**`].map(String)
  })
  return markdownTable(columns, rows)
}

function idleTable(): string {
  const deployments = [1, 10].flatMap((categories) =>
    (['minimal', 'standard'] as const).map((observability) => {
      const parts = idleCosts({
        ...DEPLOYED,
        categories,
        connections: categories,
        hasApprovals: categories === 10,
        observability,
      })
      return { name: `${categories === 1 ? 'One category' : 'Ten'}, \`${observability}\``, parts }
    }),
  )
  const names = [...new Set(deployments.flatMap(({ parts }) => parts.map(({ part }) => part)))]
  const cell = (part: CostPart | undefined) =>
    part === undefined ? '' : `${part.quantity}: ${part.dollars.toFixed(2)}`
  return markdownTable(
    ['Part', ...deployments.map(({ name }) => name)],
    [
      ...names.map((name) => [name, ...deployments.map(({ parts }) => cell(parts.find(({ part }) => part === name)))]),
      ['**Total**', ...deployments.map(({ parts }) => `**${totalOf(parts).toFixed(2)}**`)],
    ],
  )
}

function costTable(parts: CostPart[]): string {
  return markdownTable(
    ['Part', 'Amount', 'Price', 'Dollars'],
    [
      ...parts.map(({ part, quantity, unit, price, dollars }) => [
        part,
        `${Number(quantity.toFixed(2))} ${unit}`,
        String(price),
        dollars.toFixed(2),
      ]),
      ['**Total**', '', '', `**${totalOf(parts).toFixed(2)}**`],
    ],
  )
}

function round(dollars: number): string {
  return Math.round(dollars).toLocaleString('en-US')
}
