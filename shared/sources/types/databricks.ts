import * as z from 'zod/mini'
import { defineSourceType, eventId, eventWord } from '../source-type.ts'

/** @see https://docs.databricks.com/aws/en/jobs/notifications */
export const databricks = defineSourceType({
  title: 'Databricks',
  basic: true,
  body: z.object({
    event_type: eventWord,
    run: z.nullish(z.object({ run_id: eventId, parent_run_id: z.nullish(eventId) })),
  }),
  read({ event_type: event, run }) {
    // Notifications of a task name its own run, too.
    const job = run?.parent_run_id ?? undefined
    const ended = job === undefined && ['jobs.on_success', 'jobs.on_failure'].includes(event)
    return { event, runs: [job ?? run?.run_id], ended }
  },
  setup: [
    'As a workspace admin, open Settings > Notifications > Manage, and add a destination of the type Webhook.',
    'URL: {url}',
    'Username: {user}. Password: {secret}',
    'Edit the notifications of each job: add the destination for Success and Failure, and mute nothing.',
  ],
})
