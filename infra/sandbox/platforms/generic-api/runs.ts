import { routeTable } from '../../../testing/route-table.ts'
import { type FakeReply, isObject, json } from '../sandbox/http.ts'
import { type JobRunSummary, summaryOf } from '../sandbox/job-run-summary.ts'
import { createJobRuns, type JobRun } from '../sandbox/job-runs.ts'
import type { Store } from '../sandbox/store.ts'
import { missing, type ToolCall, textIn } from './answers.ts'

const statuses: Record<JobRun['state'], string> = {
  waiting: 'queued',
  running: 'running',
  stopping: 'running',
  success: 'succeeded',
  nonsense: 'partial',
  failure: 'failed',
  stopped: 'cancelled',
}

/** Fakes the API that runs jobs. Every job exists, and a run takes two seconds by default (see `createJobRuns`). */
export function runRoutes(store: Store, timeScale: number) {
  const runs = createJobRuns(store, 'tool', 2, timeScale)

  function withRun(id: string, then: (run: JobRun) => FakeReply): FakeReply {
    const run = /^\d{1,9}$/.test(id) ? runs.get(Number(id)) : undefined
    return run ? then(run) : missing('run', id)
  }

  const route = routeTable<ToolCall, FakeReply>()({
    'POST /jobs/{job}/runs': ({ root, body, params: { job } }) => {
      const given = isObject(body['arguments']) ? body['arguments'] : {}
      const ref = textIn(body, 'ref')
      const texts = Object.entries(given).map(([name, value]) => [name, String(value)] as const)
      const number = runs.start(job, { ...Object.fromEntries(texts), ...(ref === undefined ? {} : { ref }) })
      return withRun(String(number), (run) => json(201, responseOf(root, run), {}, `run ${number} of ${job}`))
    },
    'POST /deployments/{name}/rollback': ({ root, body, params: { name } }) => {
      const [version, ref] = [textIn(body, 'version') ?? 'previous', textIn(body, 'ref')]
      const number = runs.start(`rollback of ${name}`, { version, ...(ref === undefined ? {} : { ref }) })
      return withRun(String(number), (run) => json(201, responseOf(root, run), {}, `run ${number} rolls back ${name}`))
    },
    'GET /runs': ({ root, query }) => {
      const ref = query.get('ref')
      const found = runs.all().filter(({ parameters }) => ref === null || parameters['ref'] === ref)
      return json(200, { items: found.map((run) => responseOf(root, run)) })
    },
    'GET /runs/{id}': ({ root, params }) => withRun(params.id, (run) => json(200, responseOf(root, run))),
    'DELETE /runs/{id}': ({ params: { id } }) =>
      withRun(id, (run) => {
        runs.stop(run)
        return { status: 204, note: `cancels run ${id}` }
      }),
  })
  const summaries = (root: string): JobRunSummary[] =>
    runs.all().map((run) =>
      summaryOf(run, {
        platform: 'tool',
        id: run.number,
        status: statuses[run.state],
        html_url: `${root}#run-${run.number}`,
      }),
    )
  return { route, summaries }
}

function responseOf(root: string, { number, job, parameters, state, started, ended }: JobRun) {
  const { ref, ...given } = parameters
  const seconds = started !== null && ended !== null ? (ended - started) / 1_000 : undefined
  return {
    id: String(number),
    job,
    arguments: given,
    ref: ref ?? null,
    status: statuses[state],
    ...(state === 'running' ? { progress: 'in progress' } : {}),
    ...(state === 'failure' ? { error: { message: `${job} ended with code 1` } } : {}),
    ...(seconds === undefined ? {} : { results: { seconds } }),
    links: { html: `${root}#run-${number}` },
  }
}
