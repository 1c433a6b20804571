import type { Job } from './actions-responses.ts'
import type { Repo } from './issues.ts'
import type { Runs, WorkflowRun } from './runs.ts'
export interface Workflow {
  file: string
  id: number
  /** The names of its inputs. */
  inputs: readonly string[]
  /** Whether it has the trigger `workflow_dispatch`. */
  isDispatchable: boolean
}

export interface ActionsState extends Pick<Runs, 'get' | 'list' | 'start' | 'cancel'> {
  settings: {
    mayWrite: boolean
    /** False for a server up to 3.20, which rejects `return_run_details`. */
    returnsRuns: boolean
  }
  /** Finds a workflow by its file or its id. */
  workflow(repo: Repo, name: string): Workflow | undefined
  hasRef(ref: string): boolean
  jobs(run: WorkflowRun): Job[]
}
