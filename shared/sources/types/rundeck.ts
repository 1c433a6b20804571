import * as z from 'zod/mini'
import { defineSourceType, eventId, eventWord } from '../source-type.ts'

/** @see https://docs.rundeck.com/docs/manual/notifications/webhooks.html */
export const rundeck = defineSourceType({
  title: 'Rundeck',
  token: ['query'],
  basic: true,
  body: z.object({ trigger: eventWord, executionId: eventId }),
  read({ trigger, executionId }) {
    // After `retryablefailure`, another execution continues the run.
    const ended = ['success', 'failure', 'retryablefailure'].includes(trigger)
    return { event: trigger, runs: [executionId], ended }
  },
  setup: [
    'Edit the job, open Notifications, and add "Send Webhook" for On Success and for On Failure.',
    { token: 'URL: {url}?token={secret}', password: 'URL: {loginUrl}' },
    'Payload format: JSON. Method: POST.',
  ],
})
