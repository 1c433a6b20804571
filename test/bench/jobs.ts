import { callCosts, countOperations, totalOf } from '../../infra/tools/costs/month.ts'
import { DEPLOYED } from '../../infra/tools/docs/costs.ts'
import { type Section, within } from './measure.ts'

const MILLION = 1_000_000
/** Budgets of jobs with notifications: durable operations, and dollars per million calls. */
const JOBS = [
  { name: '20 minutes', seconds: 1_200, maxOperations: 17, maxDollars: 190 },
  { name: '1 hour', seconds: 3_600, maxOperations: 26, maxDollars: 280 },
  { name: '1 day', seconds: 86_400, maxOperations: 170, maxDollars: 2_000 },
]

/** Computes what jobs cost by the schedule of the tasks; test/lifecycle/source.test.ts counts the operations of a task. */
export async function jobs(): Promise<Section> {
  return {
    title: 'Costs of jobs',
    columns: ['job', 'operations', 'with a source', 'dollars per million', 'with a source', 'budget with a source'],
    rows: JOBS.map(({ name, seconds, maxOperations, maxDollars }) => {
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
    notes: [
      'Durable operations of one call that starts a job, and what a million of such calls cost, with a deadline of twice the duration. A source notifies the deployment of the end of each job; a task polls meanwhile, because a notification may be lost.',
    ],
  }
}

function dollarsPerMillion(seconds: number, isNotified: boolean): number {
  const job = { calls: MILLION, seconds, isNotified }
  return totalOf(callCosts({ silent: 0, interactive: 0, jobs: [job] }, DEPLOYED))
}

function round(dollars: number): string {
  return Math.round(dollars).toLocaleString('en-US')
}
