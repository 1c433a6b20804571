import * as z from 'zod/mini'
import { optional } from '../../fields.ts'
import { defineSourceType, eventId, eventWord, requireHeader, requireParts } from '../source-type.ts'

/** The parts of bodies that distinguish the events whose bodies resemble each other. */
const PARTS = {
  comment: ['commit_comment', 'discussion_comment', 'issue_comment', 'pull_request_review_comment'],
  deployment_status: ['deployment_status'],
  discussion: ['discussion', 'discussion_comment'],
  issue: ['issues', 'issue_comment'],
  pull_request: ['pull_request', 'pull_request_review', 'pull_request_review_comment', 'pull_request_review_thread'],
  release: ['release'],
  review: ['pull_request_review'],
  workflow_job: ['workflow_job'],
}

/** @see https://docs.github.com/en/webhooks/webhook-events-and-payloads */
export const github = defineSourceType({
  title: 'GitHub',
  signatures: ['github'],
  deliveryHeader: 'x-github-delivery',
  eventHeader: 'x-github-event',
  body: z.looseObject({
    action: optional(eventWord),
    workflow_run: z.nullish(z.object({ id: eventId })),
    workflow_job: z.nullish(z.object({ run_id: eventId })),
  }),
  read({ action, workflow_run, workflow_job, ...others }, headers) {
    const name = requireHeader(headers, 'x-github-event')
    requireParts(name, { workflow_job, ...others }, PARTS)
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
