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
  get(repo: Repo, id: number): WorkflowRun | undefined
  /** The newest first, and how many there are on all pages. */
  list(repo: Repo, filter: RunFilter, page: Page): { runs: WorkflowRun[]; total: number }
  start(repo: Repo, given: Pick<WorkflowRun, 'workflow' | 'ref' | 'inputs'>): WorkflowRun
  cancel(run: WorkflowRun): void
  /** Oldest first. */
  all(): WorkflowRun[]
}

/** The duration of each phase of a run. */
const QUEUED_MS = 500
const RUNNING_MS = 2_000
const CANCELING_MS = 500

interface Row {
  id: number
  owner: string
  repo: string
  repo_id: number
  workflow: string
  run_number: number
  ref: string
  inputs: string
  /** Epoch milliseconds. */
  created: number
  cancelled: number | null
}

const select = `
  SELECT runs.*, repos.owner, repos.name AS repo FROM runs JOIN repos ON repos.id = runs.repo_id`

/**
 * Stores the runs of the sandbox. Their state depends on the clock, so that they continue while the sandbox is down.
 *
 * @param timeScale divides the durations
 */
export function createRuns(store: Store, timeScale: number): Runs {
  const runAt = (row: Row) => runOf(row, timeScale)

  const get: Runs['get'] = (repo, id) => {
    const row = store.get<Row>(`${select} WHERE repo_id = ? AND runs.id = ?`, repo.id, id)
    return row && runAt(row)
  }

  return {
    get,

    list(repo, { workflow, event, status, branch }, { page, perPage }) {
      const found = store
        .all<Row>(`${select} WHERE repo_id = ? ORDER BY runs.id DESC`, repo.id)
        .map(runAt)
        .filter((run) => workflow === undefined || run.workflow === workflow)
        .filter((run) => event === undefined || run.event === event)
        .filter((run) => branch === undefined || run.ref === branch)
        .filter((run) => status === undefined || run.status === status || run.conclusion === status)
      const from = (page - 1) * perPage
      return { runs: found.slice(from, from + perPage + 1), total: found.length }
    },

    start(repo, { workflow, ref, inputs }) {
      const id = store.run(
        `INSERT INTO runs (repo_id, workflow, run_number, ref, inputs, created)
         SELECT ?, ?, coalesce(max(run_number), 0) + 1, ?, ?, ? FROM runs WHERE repo_id = ? AND workflow = ?`,
        repo.id,
        workflow,
        ref,
        JSON.stringify(inputs),
        Date.now(),
        repo.id,
        workflow,
      )
      const run = get(repo, id)
      if (!run) throw new Error(`Run ${id} was not stored.`)
      return run
    },

    cancel({ id }) {
      store.run('UPDATE runs SET cancelled = coalesce(cancelled, ?) WHERE id = ?', Date.now(), id)
    },

    all: () => store.all<Row>(`${select} ORDER BY runs.id`).map(runAt),
  }
}

function runOf({ inputs: text, created, cancelled, ...row }: Row, timeScale: number): WorkflowRun {
  const inputs: Record<string, string> = JSON.parse(text)
  const now = Date.now()
  const starts = created + QUEUED_MS / timeScale
  const ends = cancelled === null ? starts + RUNNING_MS / timeScale : cancelled + CANCELING_MS / timeScale
  // A run that is canceled while it is queued never starts.
  const hasStarted = starts <= Math.min(now, cancelled ?? now)
  const hasEnded = ends <= now
  const end = cancelled !== null ? 'cancelled' : fails(row.workflow, inputs) ? 'failure' : 'success'
  return {
    ...row,
    title: [workflowName(row), ...Object.values(inputs)].filter(Boolean).join(' '),
    run_attempt: 1,
    inputs,
    event: 'workflow_dispatch',
    status: hasEnded ? 'completed' : hasStarted ? 'in_progress' : 'queued',
    conclusion: hasEnded ? end : null,
    created_at: timeOf(created),
    started_at: hasStarted ? timeOf(starts) : null,
    completed_at: hasEnded ? timeOf(ends) : null,
    updated_at: timeOf(hasEnded ? ends : hasStarted ? starts : created),
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
