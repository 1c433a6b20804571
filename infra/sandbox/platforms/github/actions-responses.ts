import { createHash } from 'node:crypto'
import type { Repo } from './issues.ts'
import { idOf, minimalRepoResponse, nodeId, userResponse } from './responses.ts'
import { type WorkflowRun, workflowName } from './runs.ts'

/** GitHub's workflow run (docs.github.com/rest/actions/workflow-runs#get-a-workflow-run). */
export function runResponse(root: string, repo: Repo, run: WorkflowRun) {
  const repository = minimalRepoResponse(root, repo)
  const url = `${repository.url}/actions/runs/${run.id}`
  const head_sha = commitOf(run)
  const person = { name: 'sandbox-bot', email: 'sandbox-bot@sandbox.invalid' }
  return {
    id: run.id,
    name: workflowName(run),
    node_id: nodeId('WorkflowRun', run.id),
    check_suite_id: run.id,
    check_suite_node_id: nodeId('CheckSuite', run.id),
    head_branch: run.ref,
    head_sha,
    path: `.github/workflows/${run.workflow}`,
    display_title: run.title,
    run_number: run.run_number,
    run_attempt: run.run_attempt,
    referenced_workflows: [],
    event: run.event,
    status: run.status,
    conclusion: run.conclusion,
    workflow_id: workflowId(repo, run.workflow),
    url,
    html_url: runPageUrl(root, run),
    pull_requests: [],
    created_at: run.created_at,
    updated_at: run.updated_at,
    run_started_at: run.created_at,
    actor: userResponse(root),
    triggering_actor: userResponse(root),
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    check_suite_url: `${repository.url}/check-suites/${run.id}`,
    artifacts_url: `${url}/artifacts`,
    cancel_url: `${url}/cancel`,
    rerun_url: `${url}/rerun`,
    previous_attempt_url: null,
    workflow_url: `${repository.url}/actions/workflows/${workflowId(repo, run.workflow)}`,
    head_commit: {
      id: head_sha,
      tree_id: head_sha,
      message: 'The head of the branch',
      timestamp: run.created_at,
      author: person,
      committer: person,
    },
    repository,
    head_repository: repository,
    head_repository_id: repo.id,
  }
}

export interface Job {
  id: number
  name: string
  conclusion: string | null
  steps: { name: string; conclusion: string | null }[]
}

/** @see https://docs.github.com/rest/actions/workflow-jobs */
export function jobResponse(root: string, run: WorkflowRun, { id, name, conclusion, steps }: Job) {
  const api = `${root}/repos/${run.owner}/${run.repo}`
  const { status, started_at, completed_at } = run
  // A run that was canceled while it was queued has no runner.
  const hasStarted = started_at !== null
  return {
    id,
    run_id: run.id,
    workflow_name: workflowName(run),
    head_branch: run.ref,
    run_url: `${api}/actions/runs/${run.id}`,
    run_attempt: run.run_attempt,
    node_id: nodeId('CheckRun', id),
    head_sha: commitOf(run),
    url: `${api}/actions/jobs/${id}`,
    html_url: `${runPageUrl(root, run)}/job/${id}`,
    status,
    conclusion,
    created_at: run.created_at,
    started_at: started_at ?? run.created_at,
    completed_at,
    name,
    steps: steps.map((step, at) => ({ ...step, number: at + 1, status, started_at, completed_at })),
    check_run_url: `${api}/check-runs/${id}`,
    labels: ['ubuntu-latest'],
    runner_id: hasStarted ? 1 : null,
    runner_name: hasStarted ? 'sandbox' : null,
    runner_group_id: hasStarted ? 1 : null,
    runner_group_name: hasStarted ? 'Default' : null,
  }
}

/** Returns the URL of the page of a run. */
export function runPageUrl(root: string, { owner, repo, id }: Pick<WorkflowRun, 'owner' | 'repo' | 'id'>): string {
  return `${root}/${owner}/${repo}/actions/runs/${id}`
}

/** The id of a workflow: the same for the same file. */
export function workflowId({ owner, name }: Pick<Repo, 'owner' | 'name'>, workflow: string): number {
  return idOf(`${owner}/${name}/${workflow}`)
}

function commitOf({ owner, repo, ref }: WorkflowRun): string {
  return createHash('sha1').update(`${owner}/${repo}@${ref}`).digest('hex')
}
