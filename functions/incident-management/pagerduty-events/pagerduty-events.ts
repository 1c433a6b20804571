import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
import { name, secret, url } from '../../../shared/fields.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import { type Levels, platformLevel } from '../../../shared/providers/priority-level.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { defineTicketProvider } from '../../../shared/providers/ticket.ts'
import { clipSingleLine, singleLine } from '../../../shared/text/single-line.ts'
import { type AlertContent, alertEvents, hasContent, problemLinkIn } from '../alert-events.ts'

const connection = z.strictObject({
  baseUrl: z._default(
    url('https://events.pagerduty.com, or https://events.eu.pagerduty.com for an account in Europe'),
    'https://events.pagerduty.com',
  ),
  token: secret('Integration key (routing key) of a service or event orchestration, for the Events API v2'),
  source: z._default(
    name('Affected system; fields.payload.source of a call overrides it'),
    'cloud-automation-webhooks',
  ),
})
type Events = Client<z.output<typeof connection>>

const accepted = z.object({ status: z.literal('success'), dedup_key: z.optional(z.string()) })

const MAX_SUMMARY = 1_024

/**
 * PagerDuty alerts, through the Events API v2, which only accepts events and cannot be read. The idempotency key is the
 * `dedup_key`: PagerDuty adds a repeated event to the open alert.
 *
 * @see https://developer.pagerduty.com/docs/send-alert-event
 */
export const pagerdutyEvents = defineTicketProvider({
  ...alertEvents,
  title: 'PagerDuty Events',
  noun: 'alert',
  connection,
  // PagerDuty returns 400 for an invalid key.
  isCredentialsError: (status, body) => status === 400 && /routing.key/i.test(errorReasonIn(body)),
  // Resolves an alert that does not exist. PagerDuty ignores it, but checks the integration key.
  check: (client) => send(client, 'resolve', 'cloud-automation-webhooks-check', {}, { isRead: true }),
  // The integration key identifies the service.
  project: undefined,

  checkInput(input) {
    for (const field of INCIDENT_FIELDS) {
      if (input[field] !== undefined)
        throw invalidInput(
          `input.${field}`,
          'is not supported for alerts. Use a connection with the provider pagerduty',
        )
    }
    if (input.id === undefined) return
    const { title, state } = input
    if (state && !['open', 'acknowledged', 'closed', 'resolved'].includes(state.toLowerCase())) {
      throw invalidInput('input.state', 'must be open, acknowledged or closed')
    }
    if (title === undefined && (hasContent(input) || state?.toLowerCase() === 'open')) {
      throw invalidInput('input.title', 'is missing: an update triggers the alert again, which requires a title')
    }
  },

  reservedFields: [
    { path: ['dedup_key'], instead: 'omit it, because it holds the idempotency key' },
    { path: ['routing_key'], instead: 'use another connection' },
    { path: ['event_action'], instead: 'write input.state' },
  ],

  async open(client, input) {
    const id = await trigger(client, client.idempotencyKey, input)
    return { id, number: id, url: undefined, state: 'triggered', isClosed: false }
  },

  async update(client, { id }, changes) {
    const { title, state = '' } = changes
    if (title !== undefined) await trigger(client, id, { ...changes, title })
    const action = actions.get(state.toLowerCase())
    if (action) await send(client, action, id)
  },

  async close(client, { id }) {
    await send(client, 'resolve', id)
  },
})

const INCIDENT_FIELDS = ['comment', 'assignee', 'resolution'] as const

const actions = new Map<string, 'acknowledge' | 'resolve'>([
  ['acknowledged', 'acknowledge'],
  ['closed', 'resolve'],
  ['resolved', 'resolve'],
])

const SEVERITIES: Levels = { critical: 'critical', high: 'error', medium: 'warning', low: 'info' }

/** @returns the key of the alert, which PagerDuty generates if none is given */
async function trigger(
  client: Events,
  key: string | undefined,
  content: AlertContent & { title: string },
): Promise<string> {
  const { title, description, type, labels, priority, urgency, severity, fields = {} } = content
  const summary = clipSingleLine(title, MAX_SUMMARY)
  const details = {
    ...(summary === singleLine(title) ? {} : { title }),
    ...(description ? { description } : {}),
    ...(labels?.length ? { labels } : {}),
    ...(priority ? { priority } : {}),
    ...(urgency ? { urgency } : {}),
  }
  const link = problemLinkIn(description)
  const { payload, ...more } = fields
  return send(client, 'trigger', key, {
    client: 'cloud-automation-webhooks',
    ...(link ? { client_url: link, links: [{ href: link, text: 'Problem' }] } : {}),
    ...more,
    payload: {
      summary,
      source: client.connection.source,
      severity: platformLevel(SEVERITIES, severity || urgency || priority || 'high'),
      ...(type ? { class: type } : {}),
      ...(Object.keys(details).length > 0 ? { custom_details: details } : {}),
      ...(payload as object | undefined),
    },
  })
}

async function send(
  { http, connection }: Events,
  action: 'trigger' | 'acknowledge' | 'resolve',
  key: string | undefined,
  content: object = {},
  options: { isRead?: boolean } = {},
): Promise<string> {
  const event = {
    ...content,
    routing_key: connection.token,
    event_action: action,
    ...(key === undefined ? {} : { dedup_key: key }),
  }
  const { body } = await http.post('v2/enqueue', event, { ...options, schema: accepted })
  return body.dedup_key ?? key ?? ''
}
