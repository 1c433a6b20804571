import * as z from 'zod/mini'
import { optional } from '../../fields.ts'
import { defineSourceType, eventId, eventWord } from '../source-type.ts'

/** @see https://learn.microsoft.com/en-us/azure/devops/service-hooks/events */
export const azureDevops = defineSourceType({
  title: 'Azure DevOps',
  token: ['bearer'],
  basic: true,
  body: z.object({
    id: optional(eventId),
    eventType: eventWord,
    resource: z.nullish(
      z.object({
        id: optional(eventId),
        run: optional(z.object({ id: optional(eventId), url: optional(z.string()), state: optional(eventWord) })),
      }),
    ),
  }),
  read({ id: delivery, eventType: event, resource }) {
    const isBuild = event === 'build.complete'
    const run = resource?.run
    // Some versions of the event name the run only in its URL.
    const runId = run?.id ?? /\/runs\/(\d+)$/i.exec(run?.url ?? '')?.[1]
    return {
      event,
      // A run is a build. The body has only the id of the project, and callers write its name.
      runs: [isBuild ? resource?.id : runId],
      ended: isBuild || (event === 'ms.vss-pipelines.run-state-changed-event' && run?.state === 'completed'),
      delivery,
    }
  },
  setup: [
    'Open Project settings > Service hooks, and create a subscription of Web Hooks.',
    'Trigger: "Run state changed", with the state Completed.',
    'URL: {url}',
    {
      token: 'HTTP headers: Authorization: Bearer {secret}',
      password: 'Basic authentication username: {user}. Basic authentication password: {secret}',
    },
    'Resource details to send: All, because the state of the run is needed. Messages and detailed messages to send: None.',
  ],
})
