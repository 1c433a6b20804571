import * as z from 'zod/mini'
import { optional } from '../../fields.ts'
import { defineSourceType, eventId, eventWord } from '../source-type.ts'

/** @see https://docs.ansible.com/projects/awx/en/latest/userguide/notifications.html */
export const awx = defineSourceType({
  title: 'AWX',
  token: ['bearer'],
  basic: true,
  // Tests and approvals send a text only.
  body: z.object({ id: optional(eventId), status: z.nullish(eventWord) }),
  read({ id: run, status }) {
    return {
      event: status ?? 'message',
      // Jobs and workflow jobs share their numbers.
      runs: [run],
      ended: ['successful', 'failed', 'error', 'canceled'].includes(status ?? ''),
    }
  },
  setup: [
    'Open Administration > Notifiers, and add a notifier of the type Webhook.',
    'Target URL: {url}',
    'HTTP method: POST',
    {
      token: 'HTTP headers: {"Authorization": "Bearer {secret}", "Content-Type": "application/json"}',
      password: 'Username: {user}. Basic auth password: {secret}. HTTP headers: {"Content-Type": "application/json"}',
    },
    'Open the tab Notifications of each job and workflow template (or of the organization), and enable Success and Failure.',
  ],
})
