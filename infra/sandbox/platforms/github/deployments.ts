import { createHmac } from 'node:crypto'

/** A workflow run with jobs that wait for the custom protection rule of an App. */
export interface WaitingRun {
  id: number
  /** `owner/repo` */
  repository: string
  environments: WaitingEnvironment[]
}

export interface WaitingEnvironment {
  name: string
  /** The id of the deployment. A run that is started again has a new one. */
  deploymentId: number
  /** Whether another rule, such as a reviewer, holds the deployment back, too. */
  hasOtherRule: boolean
  decision: 'approved' | 'rejected' | null
  /** All comments, oldest first. */
  comments: string[]
}

interface Review {
  environment_name?: unknown
  state?: unknown
  comment?: unknown
}

const MAX_COMMENTS = 10
const MAX_COMMENT_CHARACTERS = 1_024

/**
 * Comments on a deployment, or decides it.
 *
 * @returns GitHub's reason for a refusal
 * @see https://docs.github.com/en/rest/actions/workflow-runs#review-custom-deployment-protection-rules-for-a-workflow-run
 */
export function review(run: WaitingRun, { environment_name: name, state, comment }: Review): string | undefined {
  const environment = run.environments.find((one) => one.name === name)
  if (!environment || environment.decision !== null) return 'No pending deployment requests to approve or reject'
  if (state === undefined && comment === undefined) return 'comment is required'
  if (comment !== undefined) {
    if (typeof comment !== 'string' || comment.length > MAX_COMMENT_CHARACTERS) return 'comment is too long'
    if (environment.comments.length >= MAX_COMMENTS) return 'There are too many status reports'
    environment.comments.push(comment)
  }
  if (state === 'approved' || state === 'rejected') environment.decision = state
  else if (state !== undefined) return 'state is not included in the list'
  return undefined
}

/** @see https://docs.github.com/en/rest/actions/workflow-runs#get-pending-deployments-for-a-workflow-run */
export function pendingDeployments({ environments }: WaitingRun): object[] {
  return environments
    .filter(({ decision, hasOtherRule }) => decision === null || (decision === 'approved' && hasOtherRule))
    .map(({ name, deploymentId }) => ({
      environment: { id: deploymentId, name },
      wait_timer: 0,
      wait_timer_started_at: null,
      current_user_can_approve: false,
      reviewers: [],
    }))
}

/**
 * Returns the history of reviews. A comment without a decision is a pending review.
 *
 * @see https://docs.github.com/en/rest/actions/workflow-runs#get-the-review-history-for-a-workflow-run
 */
export function approvals({ environments }: WaitingRun, login: string): object[] {
  return environments
    .filter(({ decision, comments }) => decision !== null || comments.length > 0)
    .map(({ name, deploymentId, decision, comments }) => ({
      environments: [{ id: deploymentId, name }],
      state: decision ?? 'pending',
      user: { login },
      comment: comments.at(-1) ?? '',
    }))
}

/**
 * Returns the payload that GitHub sends to the App.
 *
 * @param apiUrl of the fake
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_protection_rule
 */
export function deploymentRequested(apiUrl: string, { id, repository }: WaitingRun, environment: WaitingEnvironment) {
  const [login = '', name = ''] = repository.split('/')
  return {
    action: 'requested',
    environment: environment.name,
    event: 'workflow_dispatch',
    deployment_callback_url: `${apiUrl}/repos/${repository}/actions/runs/${id}/deployment_protection_rule`,
    deployment: { id: environment.deploymentId, environment: environment.name },
    pull_requests: [],
    sha: SHA,
    ref: 'main',
    repository: { id: REPOSITORY_ID, name, full_name: repository, owner: { login } },
    sender: { login: 'mona', id: 2 },
    installation: { id: INSTALLATION_ID },
  }
}

export const SHA = '6dcb09b5b57875f334f61aebed695e2e4193db5e'
export const REPOSITORY_ID = 1_192_056_896
export const INSTALLATION_ID = 119_022_551

/** Returns the headers of a request to the webhook of the App. */
export function webhookHeaders(secret: string, event: string, delivery: string, body: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent': 'GitHub-Hookshot/1a2b3c4',
    'x-github-event': event,
    'x-github-delivery': delivery,
    'x-github-hook-id': '42',
    'x-github-hook-installation-target-id': '1234',
    'x-github-hook-installation-target-type': 'integration',
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  }
}
