import { routeTable } from '../../../testing/route-table.ts'
import { demo } from '../sandbox/demo.ts'
import type { FakeCall, FakeReply, Platform } from '../sandbox/http.ts'
import { type JobRunSummary, jobRunPage, summaryOf } from '../sandbox/job-run-summary.ts'
import { createJobRuns, type JobRun } from '../sandbox/job-runs.ts'
import type { Notifying } from '../sandbox/notifications/notifier.ts'
import { missingPage } from '../sandbox/page.ts'
import type { Store } from '../sandbox/store.ts'
import { outputResponse, readRunId, runIdOf, runNotification, runPageUrl, runResponse } from './responses.ts'
import { databricksRoutes, type Job } from './routes.ts'

export interface Databricks extends Platform, Notifying {
  runs(root: string): JobRunSummary[]
}

const JOBS: readonly Job[] = [
  {
    job_id: 101,
    name: 'tune-recommender',
    parameters: { service: 'shop', trials: '20', seconds: '10', outcome: 'success' },
  },
]

/**
 * Fakes a Databricks workspace with one job, whose task is a notebook that returns its best configuration as JSON. The
 * parameters `seconds` and `outcome` control a run (see `createJobRuns`); a run with the outcome `nonsense` succeeds with
 * an output that is not JSON.
 */
export function createDatabricks(store: Store, timeScale: number): Databricks {
  const runs = createJobRuns(store, 'databricks', 10, timeScale)
  const jobOf = (run: JobRun | undefined) => JOBS.find(({ name }) => name === run?.job)

  function find(id: number): { job: Job; run: JobRun; isTask: boolean } | undefined {
    const { number, isTask } = readRunId(id)
    const run = runs.get(number)
    const job = jobOf(run)
    return run && job && { job, run, isTask }
  }

  function summary(root: string, run: JobRun): JobRunSummary | undefined {
    const job = jobOf(run)
    if (!job) return undefined
    const { state } = runResponse(root, job, run)
    return summaryOf(run, {
      platform: 'databricks',
      id: runIdOf(run),
      status: state.result_state ?? state.life_cycle_state,
      html_url: runPageUrl(root, job, run),
    })
  }

  const page = routeTable<FakeCall, FakeReply>()({
    'GET /jobs/{job}/runs/{run}': ({ root, params }) => {
      const found = find(Number(params.run))
      const run = found && summary(root, found.run)
      return run ? jobRunPage('Databricks', run) : missingPage('run')
    },
  })

  return {
    ...databricksRoutes({
      jobs: JOBS,
      acceptsToken: (token) => token === demo.databricksToken,
      may: { run: true, seeOutput: true },
      start: (job, parameters, token) => runIdOf({ number: runs.start(job.name, parameters, token) }),
      run(id, root) {
        const found = find(id)
        return found && !found.isTask ? runResponse(root, found.job, found.run) : undefined
      },
      output(id, root) {
        const found = find(id)
        return found?.isTask ? outputResponse(root, found.job, found.run) : undefined
      },
      cancel: (id) => runs.stop(readRunId(id)),
    }),

    page: (call) => page(`GET ${call.path}`, call),

    notification(number) {
      const run = runs.get(number)
      const job = jobOf(run)
      return run && job && runNotification(job, run)
    },

    runs: (root) => runs.all().flatMap((run) => summary(root, run) ?? []),
  }
}
