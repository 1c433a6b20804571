import * as z from 'zod/mini'
import { optional } from '../../fields.ts'
import { defineSourceType, eventId, eventWord } from '../source-type.ts'

/** @see https://circleci.com/docs/reference/outbound-webhooks-reference/ */
export const circleci = defineSourceType({
  title: 'CircleCI',
  signatures: ['circleci'],
  body: z.object({ type: eventWord, id: optional(eventId), pipeline: optional(z.object({ id: eventId })) }),
  read({ type: event, id: delivery, pipeline }) {
    // A pipeline may have other workflows that still run: the task reads all of them.
    return { event, runs: [pipeline?.id], ended: event === 'workflow-completed', isFirst: event === 'ping', delivery }
  },
  setup: [
    'Open Project Settings > Webhooks, and add a webhook.',
    'Receiver URL: {url}',
    'Secret token: {secret}',
    'Certificate verification: enabled. Events: only "Workflow Completed".',
    'Click "Test Ping Event": it must succeed.',
  ],
})
