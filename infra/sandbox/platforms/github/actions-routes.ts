import { type Answer, type Call, json } from '../sandbox/http.ts'
import { readDispatch } from './actions-input.ts'
import { jobResponse, runResponse } from './actions-responses.ts'
import type { ActionsState, Workflow } from './actions-state.ts'
import { githubError, notFound, paged, withBody } from './answers.ts'
import { readPage } from './input.ts'
import type { Repo } from './issues.ts'
import type { RunFilter, WorkflowRun } from './runs.ts'

/** Answers a request below `/repos/{owner}/{repo}/actions/`; `rest` are the segments of that path. */
export type AnswerActions = (call: Call, repo: Repo, rest: string[]) => Answer

/**
 * The part of GitHub Actions that starts workflows and returns their runs.
 *
 * @see https://docs.github.com/rest/actions/workflows#create-a-workflow-dispatch-event
 * @see https://docs.github.com/rest/actions/workflow-runs
 */
export function actionsRoutes(state: ActionsState): AnswerActions {
  function startRun(call: Call, repo: Repo, workflow: Workflow): Answer {
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

  function list(call: Call, repo: Repo, workflow?: string): Answer {
    const given = (name: string) => call.query.get(name) ?? undefined
    const filter: RunFilter = { workflow, event: given('event'), status: given('status'), branch: given('branch') }
    const page = readPage(call.query)
    const found = state.list(repo, filter, page)
    const wrap = (shown: unknown[]) => ({ total_count: found.total, workflow_runs: shown })
    return paged(call, page, found.runs, (run) => runResponse(call.root, repo, run), wrap)
  }

  function listJobs(call: Call, run: WorkflowRun): Answer {
    const { page, perPage } = readPage(call.query)
    const jobs = state.jobs(run)
    const found = jobs.slice((page - 1) * perPage, page * perPage + 1)
    const wrap = (shown: unknown[]) => ({ total_count: jobs.length, jobs: shown })
    return paged(call, { page, perPage }, found, (job) => jobResponse(call.root, run, job), wrap)
  }

  function cancel(run: WorkflowRun): Answer {
    if (!state.settings.mayWrite) return forbidden()
    if (run.status === 'completed') return githubError(409, 'Cannot cancel a workflow run that is completed.')
    state.cancel(run)
    return json(202, {}, {}, `cancels run ${run.id} in ${run.owner}/${run.repo}`)
  }

  return (call, repo, [kind, name, what = '', ...more]) => {
    if (more.length > 0) return notFound()
    const route = `${call.method} ${what}`
    if (kind === 'runs' && name === undefined) return route === 'GET ' ? list(call, repo) : notFound()
    if (kind === 'runs') {
      const run = /^\d+$/.test(name ?? '') ? state.get(repo, Number(name)) : undefined
      if (!run) return notFound()
      if (route === 'GET ') return json(200, runResponse(call.root, repo, run))
      if (route === 'GET jobs') return listJobs(call, run)
      return route === 'POST cancel' ? cancel(run) : notFound()
    }
    const workflow = kind === 'workflows' && name !== undefined ? state.workflow(repo, name) : undefined
    if (!workflow) return notFound()
    if (route === 'POST dispatches') return startRun(call, repo, workflow)
    return route === 'GET runs' ? list(call, repo, workflow.file) : notFound()
  }
}

function forbidden(): Answer {
  return githubError(403, 'Resource not accessible by personal access token')
}
