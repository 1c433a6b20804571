import * as z from 'zod/mini'
import { optional } from '../../fields.ts'
import { defineSourceType, eventId, eventWord } from '../source-type.ts'

const ENDS = ['completed', 'canceled']

/** @see https://linear.app/developers/webhooks */
export const linear = defineSourceType({
  title: 'Linear',
  signatures: ['linear'],
  choosesKey: true,
  deliveryHeader: 'linear-delivery',
  body: z.object({
    type: eventWord,
    action: eventWord,
    data: z.object({ identifier: optional(eventId), state: z.nullish(z.object({ type: optional(eventWord) })) }),
  }),
  read({ type, action, data }) {
    const isIssue = type === 'Issue'
    return {
      event: `${type}.${action}`,
      runs: [isIssue ? data.identifier : undefined],
      ended: isIssue && (action === 'remove' || ENDS.includes(data.state?.type ?? '')),
    }
  },
  setup: [
    'As an admin, open Settings > API > Webhooks, and create a webhook.',
    'URL: {url}',
    'Data change events: only "Issues".',
    'Add the signing secret that Linear shows to "keys" of the secret.',
  ],
  unverified: 'the settings',
})
