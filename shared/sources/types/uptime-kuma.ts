import * as z from 'zod/mini'
import { optional } from '../../fields.ts'
import { defineSourceType, eventId, eventWord } from '../source-type.ts'

const text = z.nullish(z.string())
const tag = z.object({ name: text, value: text })
const STATES = ['down', 'up', 'pending', 'maintenance']

/** @see https://github.com/louislam/uptime-kuma/wiki/Notification-Methods */
export const uptimeKuma = defineSourceType({
  title: 'Uptime Kuma',
  token: ['bearer'],
  body: z.object({
    heartbeat: z.nullish(z.object({ status: z.int(), time: eventWord, msg: text })),
    monitor: z.nullish(
      z.object({
        id: eventId,
        name: text,
        url: text,
        hostname: text,
        type: text,
        pathName: text,
        tags: z.nullish(z.array(tag)),
      }),
    ),
    msg: optional(z.string()),
  }),
  // A monitor contains the credentials of its check, so only the fields of the schema are content.
  read: (body) => ({ event: STATES[body.heartbeat?.status ?? -1] ?? 'message', content: body }),
  alerts: {
    firing: 'heartbeat.status == `0`',
    resolved: 'heartbeat.status == `1`',
    key: 'monitor.id',
    // In UTC.
    at: 'heartbeat.time',
  },
  setup: [
    'Open Settings > Notifications, and add a notification of the type Webhook.',
    'Post URL: {url}. Request body: the preset application/json.',
    'Additional headers: {"Authorization": "Bearer {secret}"}',
    'Enable it for the monitors. The test starts nothing. Uptime Kuma sends a notification once: set "Resend notification if down X times consecutively".',
    'Uptime Kuma reports no end of an outage if the monitor goes from down to maintenance and then up: close its ticket yourself.',
  ],
  unverified: 'the numbers of the states',
})
