import * as z from 'zod/mini'
import { optional } from '../../fields.ts'
import { defineSourceType, id, requireHeader, word } from '../source-type.ts'

/** @see https://docs.github.com/en/webhooks/webhook-events-and-payloads */
export const github = defineSourceType({
  title: 'GitHub',
  signatures: ['github'],
  deliveryHeader: 'x-github-delivery',
  body: z.object({
    action: optional(word),
    workflow_run: z.nullish(z.object({ id })),
    workflow_job: z.nullish(z.object({ run_id: id })),
  }),
  read({ action, workflow_run, workflow_job }, headers) {
    const name = requireHeader(headers, 'x-github-event')
    const event = action === undefined ? name : `${name}.${action}`
    return {
      event,
      // Numbers of runs are unique. The names of repositories change, and callers write them with other capitals.
      runs: [workflow_run?.id, workflow_job?.run_id],
      ended: event === 'workflow_run.completed',
      isFirst: name === 'ping',
    }
  },
  alerts: {
    firing:
      "contains(['issues.opened', 'issues.reopened', 'issues.labeled'], notification.event) && issue.state == 'open'",
    resolved: "contains(['issues.closed', 'issues.deleted', 'issues.transferred'], notification.event)",
    // The name of the repository can change.
    key: 'issue.id',
    at: 'issue.updated_at',
  },
  setup: [
    'Open Settings > Webhooks of the repository or organization, and add a webhook. A GitHub App has one webhook of its own.',
    'Payload URL: {url}',
    'Content type: application/json',
    'Secret: {secret}',
    'Select "Let me select individual events", and of these only "Workflow runs". For rules on issues, "Issues" instead.',
    'GitHub sends a ping. "Recent Deliveries" must show the status 200 or 202 for it.',
  ],
})
