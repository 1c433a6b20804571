import * as z from 'zod/mini'
import { optional } from '../../fields.ts'
import { defineSourceType, eventId, eventWord } from '../source-type.ts'

const EXECUTION = 'experiment.execution.'
/** There is no event for a canceled execution, only for its steps. */
const ENDS = ['completed', 'failed', 'errored', 'canceled', 'step-canceled'].map((end) => `${EXECUTION}${end}`)

/** @see https://docs.steadybit.com/integrate-with-steadybit/webhooks/custom-webhooks */
export const steadybit = defineSourceType({
  title: 'Steadybit',
  signatures: ['steadybit'],
  body: z.object({ event: eventWord, execution: optional(z.object({ id: eventId })) }),
  read({ event, execution }) {
    return { event, runs: [execution?.id], ended: ENDS.includes(event) }
  },
  setup: [
    'Open Settings > Integrations, and add a custom webhook.',
    'URL: {url}',
    'Secret: {secret}',
    'Events: completed, failed, errored and step canceled of experiment executions. Not preflight.',
  ],
})
