import { addOpenRun } from '../sandbox/notifications/open-runs.ts'
import type { Store } from '../sandbox/store.ts'
import type { Page, Repo } from './issues.ts'
import { timeOf } from './issues.ts'

/** A workflow run, with GitHub's names. */
export interface WorkflowRun {
  id: number
  owner: string
  repo: string
  repo_id: number
  /** The file of its workflow. */
  workflow: string
  title: string
  run_number: number
  run_attempt: number
  event: string
  ref: string
  inputs: Record<string, string>
  status: string
  conclusion: string | null
  created_at: string
  /** Times of the job; null until they are reached. */
  started_at: string | null
  completed_at: string | null
  updated_at: string
}

export interface RunFilter {
  workflow?: string | undefined
  event?: string | undefined
  /** A status or a conclusion. */
  status?: string | undefined
  branch?: string | undefined
}

export interface Runs {
  /** Returns a run of any repository. */
  find(id: number): WorkflowRun | undefined
  get(repo: Repo, id: number): WorkflowRun | undefined
  /** The newest first, and how many there are on all pages. */
  list(repo: Repo, filter: RunFilter, page: Page): { runs: WorkflowRun[]; total: number }
  start(repo: Repo, given: Pick<WorkflowRun, 'workflow' | 'ref' | 'inputs'>): WorkflowRun
  cancel(run: WorkflowRun): void
  /** Oldest first. */
  all(): WorkflowRun[]
}

/** The duration of each phase of a run. The input `seconds` replaces that of the work. */
const QUEUED_MS = 500
const RUNNING_SECONDS = 2
const CANCELING_MS = 500

export interface StoredRun
  extends Pick<WorkflowRun, 'id' | 'owner' | 'repo' | 'repo_id' | 'workflow' | 'run_number' | 'ref' | 'inputs'> {
  /** Epoch milliseconds. */
  created: number
  cancelled: number | null
  /** Fields that a test sets. */
  shown?: Partial<WorkflowRun>
}

/**
 * Stores the runs of the sandbox. Their state depends on the clock, so that they continue while the sandbox is down.
 *
 * @param timeScale divides the durations. With 0, no run starts
 */
export function createRuns(store: Store, timeScale: number): Runs {
  const runs = store.collection<StoredRun>('github.runs')
  const runAt = (run: StoredRun) => runOf(run, timeScale)
  const find = (id: number) => {
    const run = runs.get(id)
    return run && runAt(run)
  }

  return {
    find,

    get(repo, id) {
      const run = find(id)
      return run?.repo_id === repo.id ? run : undefined
    },

    list(repo, { workflow, event, status, branch }, { page, perPage }) {
      const found = runs
        .list(repo.id)
        .reverse()
        .map(runAt)
        .filter((run) => workflow === undefined || run.workflow === workflow)
        .filter((run) => event === undefined || run.event === event)
        .filter((run) => branch === undefined || run.ref === branch)
        .filter((run) => status === undefined || run.status === status || run.conclusion === status)
      const from = (page - 1) * perPage
      return { runs: found.slice(from, from + perPage + 1), total: found.length }
    },

    start({ id: repo_id, owner, name: repo }, { workflow, ref, inputs }) {
      const [id, run_number] = [runs.next(), runs.next(`${repo_id} ${workflow}`)]
      const run = { id, owner, repo, repo_id, workflow, run_number, ref, inputs, created: Date.now(), cancelled: null }
      addOpenRun(store, 'github', id)
      return runAt(runs.put(id, run, repo_id))
    },

    cancel({ id }) {
      if (runs.get(id)?.cancelled === null) runs.change(id, { cancelled: Date.now() })
    },

    all: () => runs.list().map(runAt),
  }
}

function runOf({ created, cancelled, shown, ...run }: StoredRun, timeScale: number): WorkflowRun {
  const now = Date.now()
  const starts = created + QUEUED_MS / timeScale
  const works = 1_000 * (Number(run.inputs['seconds'] ?? RUNNING_SECONDS) || 0)
  const ends = cancelled === null ? starts + works / timeScale : cancelled + CANCELING_MS / timeScale
  // A run that is canceled while it is queued never starts.
  const hasStarted = starts <= Math.min(now, cancelled ?? now)
  const hasEnded = ends <= now
  const end = cancelled !== null ? 'cancelled' : fails(run.workflow, run.inputs) ? 'failure' : 'success'
  return {
    ...run,
    title: [workflowName(run), ...Object.values(run.inputs)].filter(Boolean).join(' '),
    run_attempt: 1,
    event: 'workflow_dispatch',
    status: hasEnded ? 'completed' : hasStarted ? 'in_progress' : 'queued',
    conclusion: hasEnded ? end : null,
    created_at: timeOf(created),
    started_at: hasStarted ? timeOf(starts) : null,
    completed_at: hasEnded ? timeOf(ends) : null,
    updated_at: timeOf(hasEnded ? ends : hasStarted ? starts : created),
    ...shown,
  }
}

type Named = Pick<WorkflowRun, 'workflow'>

export function jobName({ workflow }: Named): string {
  return workflow.replace(/\.ya?ml$/, '')
}

export function workflowName(run: Named): string {
  const name = jobName(run)
  return name.charAt(0).toUpperCase() + name.slice(1)
}

function fails(workflow: string, { outcome = '' }: Record<string, string>): boolean {
  return /^fail/i.test(workflow) || /^fail/i.test(outcome)
}
