import * as z from 'zod/mini'
import { defineSourceType, eventId, eventWord } from '../source-type.ts'

/** A plan that needs attention is the end of a run that only plans. */
const ENDS = ['run:completed', 'run:errored', 'run:needs_attention']

/** @see https://developer.hashicorp.com/terraform/cloud-docs/api-docs/notification-configurations */
export const hcpTerraform = defineSourceType({
  title: 'HCP Terraform',
  signatures: ['hcp-terraform'],
  body: z.object({
    run_id: z.nullish(eventId),
    notifications: z.nullish(z.array(z.object({ trigger: eventWord }))),
    // Notifications of the second version are about workspaces.
    trigger: z.nullish(eventWord),
  }),
  read({ run_id, notifications, trigger }) {
    const event = notifications?.[0]?.trigger ?? trigger ?? 'unknown'
    return { event, runs: [run_id ?? undefined], ended: ENDS.includes(event), isFirst: event === 'verification' }
  },
  setup: [
    'Open Settings > Notifications of the workspace (or of the project), and create a notification of the type Webhook.',
    'Webhook URL: {url}',
    'Token: {secret}',
    'Triggers: only "Completed", "Errored" and "Needs Attention" of runs.',
    'HCP Terraform sends a verification request, and saves the notification only if that succeeds. So deploy the source first.',
  ],
})
