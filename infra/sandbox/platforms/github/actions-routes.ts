import { routeTable } from '../../../testing/route-table.ts'
import { type FakeCall, type FakeReply, json } from '../sandbox/http.ts'
import { readDispatch } from './actions-input.ts'
import { jobResponse, runResponse } from './actions-responses.ts'
import type { ActionsState, Workflow } from './actions-state.ts'
import { githubError, notFound, paged, withBody } from './answers.ts'
import { readPage } from './input.ts'
import type { Repo } from './issues.ts'
import type { RunFilter, WorkflowRun } from './runs.ts'

/** A request to the Actions of a repository. */
interface ActionsCall extends FakeCall {
  repo: Repo
  state: ActionsState
}
type RunCall = ActionsCall & { params: { run: string } }
type WorkflowCall = ActionsCall & { params: { workflow: string } }

/**
 * The part of GitHub Actions that starts workflows and returns their runs.
 *
 * @see https://docs.github.com/rest/actions/workflows#create-a-workflow-dispatch-event
 * @see https://docs.github.com/rest/actions/workflow-runs
 */
const route = routeTable<ActionsCall, FakeReply>()({
  'GET /repos/{owner}/{name}/actions/runs': (call) => list(call),
  'GET /repos/{owner}/{name}/actions/runs/{run}': withRun(({ root, repo }, run) =>
    json(200, runResponse(root, repo, run)),
  ),
  'GET /repos/{owner}/{name}/actions/runs/{run}/jobs': withRun(listJobs),
  'POST /repos/{owner}/{name}/actions/runs/{run}/cancel': withRun(cancel),
  'GET /repos/{owner}/{name}/actions/workflows/{workflow}/runs': withWorkflow((call, { file }) => list(call, file)),
  'POST /repos/{owner}/{name}/actions/workflows/{workflow}/dispatches': withWorkflow(startRun),
})

/** Answers a request below `/repos/{owner}/{name}/actions/`. */
export type AnswerActions = (call: FakeCall, repo: Repo) => FakeReply

export function actionsRoutes(state: ActionsState): AnswerActions {
  return (call, repo) => route(`${call.method} ${call.path}`, { ...call, repo, state }) ?? notFound()
}

function withRun(then: (call: ActionsCall, run: WorkflowRun) => FakeReply) {
  return (call: RunCall): FakeReply => {
    const { run: id } = call.params
    const run = /^\d+$/.test(id) ? call.state.get(call.repo, Number(id)) : undefined
    return run ? then(call, run) : notFound()
  }
}

function withWorkflow(then: (call: ActionsCall, workflow: Workflow) => FakeReply) {
  return (call: WorkflowCall): FakeReply => {
    const workflow = call.state.workflow(call.repo, call.params.workflow)
    return workflow ? then(call, workflow) : notFound()
  }
}

function startRun(call: ActionsCall, workflow: Workflow): FakeReply {
  const { state, repo } = call
  if (!state.settings.mayWrite) return forbidden()
  return withBody(call, (body) => {
    const dispatch = readDispatch(body, workflow, state)
    if (typeof dispatch === 'string') return githubError(422, dispatch)
    const { ref, inputs, details } = dispatch
    const run = state.start(repo, { workflow: workflow.file, ref, inputs })
    const note = `started run ${run.id} of ${workflow.file} in ${run.owner}/${run.repo}`
    if (!details) return { status: 204, note }
    const { id, url, html_url } = runResponse(call.root, repo, run)
    return json(200, { workflow_run_id: id, run_url: url, html_url }, {}, note)
  })
}

function list(call: ActionsCall, workflow?: string): FakeReply {
  const { state, repo } = call
  const given = (name: string) => call.query.get(name) ?? undefined
  const filter: RunFilter = { workflow, event: given('event'), status: given('status'), branch: given('branch') }
  const page = readPage(call.query)
  const found = state.list(repo, filter, page)
  const wrap = (shown: unknown[]) => ({ total_count: found.total, workflow_runs: shown })
  return paged(call, page, found.runs, (run) => runResponse(call.root, repo, run), wrap)
}

function listJobs(call: ActionsCall, run: WorkflowRun): FakeReply {
  const { page, perPage } = readPage(call.query)
  const jobs = call.state.jobs(run)
  const found = jobs.slice((page - 1) * perPage, page * perPage + 1)
  const wrap = (shown: unknown[]) => ({ total_count: jobs.length, jobs: shown })
  return paged(call, { page, perPage }, found, (job) => jobResponse(call.root, run, job), wrap)
}

function cancel({ state }: ActionsCall, run: WorkflowRun): FakeReply {
  if (!state.settings.mayWrite) return forbidden()
  if (run.status === 'completed') return githubError(409, 'Cannot cancel a workflow run that is completed.')
  state.cancel(run)
  return json(202, {}, {}, `cancels run ${run.id} in ${run.owner}/${run.repo}`)
}

function forbidden(): FakeReply {
  return githubError(403, 'Resource not accessible by personal access token')
}
