import { Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../../../shared/duration.ts'
import { messageOf } from '../../../shared/errors.ts'
import { hasNeed } from '../../../shared/providers/action.ts'
import { cdkSettings } from '../../aws/cdk-settings.ts'
import { type CostPart, callCosts, type Deployed, idleCosts, totalOf } from '../costs/month.ts'
import { PRICES_OF } from '../costs/prices.ts'
import { type JsonOption, note, show, table } from '../terminal/output.ts'

interface Job {
  calls: number
  seconds: number
  isNotified?: boolean
}

interface Options extends JsonOption {
  silent: number
  interactive: number
  job: Job[]
  notifiedJob: Job[]
  categories?: number
  connections?: number
  observability?: Deployed['observability']
}

/** `webhooks cost`: computes what a deployment costs per month. */
export function costCommand(): Command {
  return new Command('cost')
    .option('--silent <calls>', 'silent calls per month', parseCount, 0)
    .option('--interactive <calls>', 'interactive calls per month that run one action', parseCount, 0)
    .option(
      '--job <calls@duration...>',
      'interactive calls per month that start a job, and how long it runs, such as 500@PT20M',
      addJob,
      [],
    )
    .option(
      '--notified-job <calls@duration...>',
      'the same, for jobs of whose end a source notifies the deployment',
      addJob,
      [],
    )
    .option('--categories <number>', 'number of categories (default: those that cdk.json enables)', parseCount)
    .option('--connections <number>', 'number of connections (default: one for each category)', parseCount)
    .addOption(
      new Option('--observability <level>', 'the setting (default: that of cdk.json)').choices(['minimal', 'standard']),
    )
    .option('--json', 'print the costs as JSON')
    .addHelpText(
      'after',
      `
Uses list prices of ${PRICES_OF.region} of ${PRICES_OF.month}, without free tiers, taxes and data transfer, and the settings in cdk.json. Calls
nothing. docs/deploy.md lists the assumptions.

Exit code: 0 computed, 2 invalid arguments or an invalid cdk.json.

Examples:
  $ npx webhooks cost
  $ npx webhooks cost --silent 20000 --interactive 5000 --job 500@PT20M --job 20@PT6H
  $ npx webhooks cost --notified-job 500@PT20M
  $ npx webhooks cost --observability minimal --categories 3 --json`,
    )
    .action(run)
}

function run({ silent, interactive, job, notifiedJob, json, ...options }: Options): void {
  const deployed = deployedBy(options)
  const idle = idleCosts(deployed)
  const jobs = [...job, ...notifiedJob.map((notified) => ({ ...notified, isNotified: true }))]
  const calls = callCosts({ silent, interactive, jobs }, deployed)
  const total = totalOf([...idle, ...calls])
  const text = [
    table(['part', 'amount', 'price', 'dollars'], [...idle, ...calls].map(cellsOf)),
    '',
    `${total.toFixed(2)} US dollars per month: ${totalOf(idle).toFixed(2)} regardless of calls, ${totalOf(calls).toFixed(2)} for calls`,
  ].join('\n')
  show({ prices: PRICES_OF, deployed, total, idle, calls }, text, { json: json ?? false })
}

function deployedBy(options: Pick<Options, 'categories' | 'connections' | 'observability'>): Deployed {
  const { settings, enabled } = cdkSettings(undefined, note)
  const { categories: count = enabled.length, connections = count, observability = settings.observability } = options
  const { rollout, waf, tracing, memory: memoryMb } = settings
  const verify = settings.verify && { ...settings.verify, categories: settings.verify.categories.length }
  const hasApprovals = enabled.some((category) => hasNeed(category, 'approvals'))
  return { categories: count, connections, hasApprovals, observability, rollout, verify, waf, tracing, memoryMb }
}

function cellsOf({ part, quantity, unit, price, dollars }: CostPart): string[] {
  return [part, `${Number(quantity.toPrecision(3))} ${unit}`, String(price), dollars.toFixed(2)]
}

function parseCount(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError('It must be a number, such as 5000.')
  return Number(text)
}

function addJob(text: string, jobs: Job[]): Job[] {
  const [calls = '', duration, ...rest] = text.split('@')
  if (duration === undefined || rest.length > 0)
    throw new InvalidArgumentError('It must be a number of calls and a duration, such as 500@PT20M.')
  try {
    return [...jobs, { calls: parseCount(calls), seconds: parseDuration(duration, 'The duration') }]
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error))
  }
}
