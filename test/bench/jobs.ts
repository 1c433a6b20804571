import { callCosts, countOperations, totalOf } from '../../infra/cli/costs/month.ts'
import { PRICES } from '../../infra/cli/costs/prices.ts'
import { DEPLOYED } from '../../infra/tools/docs/costs.ts'
import { type Section, within } from './measure.ts'

const MILLION = 1_000_000
/** Budgets of jobs with notifications: durable operations, and dollars per million calls. */
const JOBS = [
  { name: '20 minutes', seconds: 1_200, maxOperations: 17, maxDollars: 190 },
  { name: '1 hour', seconds: 3_600, maxOperations: 26, maxDollars: 280 },
  { name: '1 day', seconds: 86_400, maxOperations: 170, maxDollars: 2_000 },
]

/**
 * An action that one person approves after an hour. Operations of its task: start, require, preview, ask, callback, wait, race, check after
 * the decision, act and send finished. Those of the task that asks: start, accept, callback, save, post, read, close, report and send finished.
 */
const APPROVAL = { seconds: 3_600, operations: 10 + 9, maxOperations: 30, maxDollars: 300 }
/** Checks come when so much time has passed again, within limits: `approvalInterval` in shared/core/task/require.ts. */
const CHECKS = { minSeconds: 60, maxSeconds: 600 }

/** Computes what jobs cost by the schedule of the tasks; test/lifecycle/source.test.ts counts the operations of a task. */
export async function jobs(): Promise<Section> {
  return {
    title: 'Costs of jobs',
    columns: ['job', 'operations', 'with a source', 'dollars per million', 'with a source', 'budget'],
    rows: [
      ...JOBS.map(({ name, seconds, maxOperations, maxDollars }) => {
        const operations = countOperations({ seconds, isNotified: true }, 2 * seconds)
        const dollars = dollarsPerMillion(seconds, true)
        return [
          name,
          String(countOperations({ seconds }, 2 * seconds)),
          String(operations),
          round(dollarsPerMillion(seconds, false)),
          round(dollars),
          `${within(operations, maxOperations, String)}; ${within(dollars, maxDollars, round)}`,
        ]
      }),
      approvalRow(),
    ],
    notes: [
      'Durable operations of one call that starts a job, and what a million of such calls cost, with a deadline of twice the duration. A source notifies the deployment of the end of each job; a task polls meanwhile, because a notification may be lost.',
      'The costs of an approval are those of two interactive calls, the action and the button press, and of the further operations.',
    ],
  }
}

function approvalRow(): string[] {
  const { seconds, operations: fixed, maxOperations, maxDollars } = APPROVAL
  let checks = 0
  for (let elapsed = 0; elapsed < seconds; checks++)
    elapsed += Math.max(CHECKS.minSeconds, Math.min(elapsed, CHECKS.maxSeconds))
  const operations = fixed + checks
  const calls = callCosts({ silent: 0, interactive: 2 * MILLION, jobs: [] }, DEPLOYED)
  const counted = calls.find(({ part }) => part === 'Lambda, durable operations')?.quantity ?? 0
  const dollars = totalOf(calls) + (operations - counted) * PRICES.durableOperation.dollars
  const budget = `${within(operations, maxOperations, String)}; ${within(dollars, maxDollars, round)}`
  return ['1 approval, after 1 hour', String(operations), '', round(dollars), '', budget]
}

function dollarsPerMillion(seconds: number, isNotified: boolean): number {
  const job = { calls: MILLION, seconds, isNotified }
  return totalOf(callCosts({ silent: 0, interactive: 0, jobs: [job] }, DEPLOYED))
}

function round(dollars: number): string {
  return Math.round(dollars).toLocaleString('en-US')
}
