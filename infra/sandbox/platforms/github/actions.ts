import type { FakeReply } from '../sandbox/http.ts'
import { missingPage } from '../sandbox/page.ts'
import type { Store } from '../sandbox/store.ts'
import { type Job, runPageUrl, workflowId } from './actions-responses.ts'
import { type AnswerActions, actionsRoutes } from './actions-routes.ts'
import type { Repo } from './issues.ts'
import { runPage } from './page.ts'
import { createRuns, jobName, type WorkflowRun } from './runs.ts'

/** A run as `/sandbox/runs` lists it, for people and tests. */
type RunSummary = Omit<WorkflowRun, 'owner' | 'repo' | 'repo_id'> & { repository: string; html_url: string }

export interface Actions {
  answer: AnswerActions
  page(repo: Repo, id: number): FakeReply
  /** Returns a run of any repository. */
  run(id: number): WorkflowRun | undefined
  runs(root: string): RunSummary[]
}

/** The inputs that every workflow declares. */
const INPUTS = ['stage', 'service', 'image', 'version', 'seconds', 'outcome', 'key'] as const

/**
 * Fakes the part of GitHub Actions that starts workflows and returns their runs. Every workflow whose name ends in `.yml`
 * exists, except `missing*`. Each has the same inputs, and its inputs are part of the title of its run. A run takes some
 * seconds, or as many as its input `seconds` says. It fails if the workflow is named `fail*` or its input `outcome` starts with `fail`.
 */
export function createActions(store: Store, timeScale: number): Actions {
  const runs = createRuns(store, timeScale)

  /** Finds the file of a workflow by its name or id. Only the runs of a workflow contain its id. */
  function fileOf(repo: Repo, name: string): string | undefined {
    const used = runs.all().find(({ workflow }) => String(workflowId(repo, workflow)) === name)
    if (used) return used.workflow
    return /^(?!missing)[\w.-]+\.ya?ml$/.test(name) ? name : undefined
  }

  return {
    answer: actionsRoutes({
      ...runs,
      settings: { mayWrite: true, returnsRuns: true },
      hasRef: (ref) => ref !== '' && !ref.startsWith('missing'),
      jobs: (run) => [jobOf(run)],
      workflow(repo, name) {
        const file = fileOf(repo, name)
        return file === undefined
          ? undefined
          : { file, id: workflowId(repo, file), inputs: INPUTS, isDispatchable: true }
      },
    }),

    page(repo, id) {
      const run = runs.get(repo, id)
      return run ? runPage(run) : missingPage('run')
    },

    run: runs.find,

    runs: (root) =>
      runs.all().map(({ owner, repo, repo_id: _, ...run }) => ({
        ...run,
        repository: `${owner}/${repo}`,
        html_url: runPageUrl(root, { owner, repo, id: run.id }),
      })),
  }
}

/** The only job of a run. It has no steps if the run was canceled while it was queued. */
function jobOf(run: WorkflowRun): Job {
  const { id, conclusion, started_at } = run
  const name = jobName(run)
  const steps = [
    { name: 'Set up job', conclusion: conclusion && 'success' },
    { name: `Run ${name}`, conclusion },
    { name: 'Complete job', conclusion: conclusion && 'success' },
  ]
  return { id, name, conclusion, steps: started_at === null ? [] : steps }
}
