import { randomUUID } from 'node:crypto'
import type { RunNotification } from '../sandbox/notifications/notifier.ts'
import { runResponse, workflowId } from './actions-responses.ts'
import type { Repo } from './issues.ts'
import { nodeId, repoResponse, userResponse } from './responses.ts'
import { type WorkflowRun, workflowName } from './runs.ts'

/** The number of the webhook in the settings of the repository. */
const HOOK_ID = 1

/** @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#workflow_run */
export function runNotification(root: string, repo: Repo, run: WorkflowRun): RunNotification {
  const { workflow: file } = run
  const repository = repoResponse(root, repo, true)
  const path = `.github/workflows/${file}`
  const action = run.status === 'queued' ? 'requested' : run.status
  return {
    event: `workflow_run.${action}`,
    isLast: action === 'completed',
    headers: {
      'user-agent': 'GitHub-Hookshot/sandbox',
      'x-github-event': 'workflow_run',
      'x-github-delivery': randomUUID(),
      'x-github-hook-id': String(HOOK_ID),
      'x-github-hook-installation-target-id': String(repo.id),
      'x-github-hook-installation-target-type': 'repository',
    },
    body: {
      action,
      workflow_run: runResponse(root, repo, run),
      workflow: {
        id: workflowId(repo, file),
        node_id: nodeId('Workflow', workflowId(repo, file)),
        name: workflowName(run),
        path,
        state: 'active',
        created_at: run.created_at,
        updated_at: run.created_at,
        url: `${repository.url}/actions/workflows/${workflowId(repo, file)}`,
        html_url: `${repository.html_url}/blob/main/${path}`,
        badge_url: `${repository.html_url}/workflows/${workflowName(run)}/badge.svg`,
      },
      repository,
      sender: userResponse(root),
    },
  }
}
