import { type Answer, type Call, json } from '../sandbox/http.ts'
import { missingPage } from '../sandbox/page.ts'
import type { Store } from '../sandbox/store.ts'
import { readDispatch } from './actions-input.ts'
import { jobResponse, runPageUrl, runResponse, runTitle, workflowId } from './actions-responses.ts'
import { githubError, notFound, paged, withBody } from './answers.ts'
import { readPage } from './input.ts'
import type { Repo } from './issues.ts'
import { runPage } from './page.ts'
import { createRuns, type RunFilter, type WorkflowRun } from './runs.ts'

/** A run as `/sandbox/runs` lists it, for people and tests. */
type RunSummary = Omit<WorkflowRun, 'owner' | 'repo' | 'repo_id'> & {
  repository: string
  title: string
  html_url: string
}

export interface Actions {
  /** Answers what is below `/repos/{owner}/{repo}/actions/`; `rest` are the segments of that. */
  answer(call: Call, repo: Repo, rest: string[]): Answer
  page(repo: Repo, id: number): Answer
  runs(root: string): RunSummary[]
}

/**
 * Fakes the part of GitHub Actions that starts workflows and returns their runs (docs.github.com/rest/actions). Every
 * workflow whose name ends in `.yml` exists, except `missing*`. Each declares the inputs
 * `stage`, `service`, `image`, `version`, `outcome` and `key`, and its inputs are part of the title of its run. A run
 * takes some seconds. It fails if the workflow is named `fail*` or its input `outcome` starts with `fail`.
 */
export function createActions(store: Store): Actions {
  const runs = createRuns(store)

  function startRun(call: Call, repo: Repo, workflow: string): Answer {
    return withBody(call, (body) => {
      const asked = readDispatch(body)
      if (typeof asked === 'string') return githubError(422, asked)
      const { ref, inputs, details } = asked
      const run = runs.start(repo, { workflow, ref, inputs })
      const note = `started run ${run.id} of ${workflow} in ${run.owner}/${run.repo}`
      if (!details) return { status: 204, note }
      const { id, url, html_url } = runResponse(call.root, repo, run)
      return json(200, { workflow_run_id: id, run_url: url, html_url }, {}, note)
    })
  }

  function list(call: Call, repo: Repo, workflow?: string): Answer {
    const asked = (name: string) => call.query.get(name) ?? undefined
    const filter: RunFilter = { workflow, event: asked('event'), status: asked('status'), branch: asked('branch') }
    const page = readPage(call.query)
    const found = runs.list(repo, filter, page)
    const toResponse = (run: WorkflowRun) => runResponse(call.root, repo, run)
    const wrap = (shown: unknown[]) => ({ total_count: found.total, workflow_runs: shown })
    return paged(call, page, found.runs, toResponse, wrap)
  }

  function answerRun(call: Call, repo: Repo, run: WorkflowRun, what: string | undefined): Answer {
    const { root } = call
    const place = `${call.method} ${what ?? ''}`
    if (place === 'GET ') return json(200, runResponse(root, repo, run))
    if (place === 'GET jobs') {
      const { page } = readPage(call.query)
      const jobs = page === 1 ? [jobResponse(root, run)] : []
      return json(200, { total_count: 1, jobs })
    }
    if (place !== 'POST cancel') return notFound()
    if (run.status === 'completed') return githubError(409, 'Cannot cancel a workflow run that is completed.')
    runs.cancel(run)
    return json(202, {}, {}, `cancels run ${run.id} in ${run.owner}/${run.repo}`)
  }

  /** Finds the file of a workflow by its name or id. Only the runs of a workflow contain its id. */
  function workflowOf(repo: Repo, name: string): string | undefined {
    const used = runs.all().find(({ workflow }) => String(workflowId(repo, workflow)) === name)
    if (used) return used.workflow
    return /^(?!missing)[\w.-]+\.ya?ml$/.test(name) ? name : undefined
  }

  return {
    answer(call, repo, [kind, name, what, ...more]) {
      if (more.length > 0) return notFound()
      if (kind === 'runs' && name === undefined) return call.method === 'GET' ? list(call, repo) : notFound()
      if (kind === 'runs') {
        const run = /^\d+$/.test(name ?? '') ? runs.get(repo, Number(name)) : undefined
        return run ? answerRun(call, repo, run, what) : notFound()
      }
      const workflow = kind === 'workflows' && name !== undefined ? workflowOf(repo, name) : undefined
      if (workflow === undefined) return notFound()
      if (what === 'dispatches' && call.method === 'POST') return startRun(call, repo, workflow)
      return what === 'runs' && call.method === 'GET' ? list(call, repo, workflow) : notFound()
    },

    page(repo, id) {
      const run = runs.get(repo, id)
      return run ? runPage(run) : missingPage('run')
    },

    runs: (root) =>
      runs.all().map(({ owner, repo, repo_id: _, ...run }) => ({
        ...run,
        repository: `${owner}/${repo}`,
        title: runTitle(run),
        html_url: runPageUrl(root, { owner, repo, id: run.id }),
      })),
  }
}
