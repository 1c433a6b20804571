import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { name, secret, url } from '../../../shared/fields.ts'
import { type Levels, platformLevel } from '../../../shared/providers/priority-level.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { type CloseTicket, defineTicketProvider, type UpdateTicket } from '../../../shared/providers/ticket.ts'
import { clipSingleLine, singleLine } from '../../../shared/text/single-line.ts'

const connection = z.strictObject({
  baseUrl: z._default(
    url('Where events go: https://events.pagerduty.com, or https://events.eu.pagerduty.com for an account in Europe'),
    'https://events.pagerduty.com',
  ),
  token: secret(
    'The integration key of a service or an event orchestration (Events API v2), which PagerDuty calls routing key',
  ),
  source: z._default(
    name('What is said to be affected, unless fields.payload.source says it'),
    'cloud-automation-webhooks',
  ),
})
type Events = Client<z.output<typeof connection>>

const accepted = z.object({ status: z.literal('success'), dedup_key: z.optional(z.string()) })

const longestSummary = 1_024

/**
 * PagerDuty alerts, through its Events API v2, which takes events and cannot be asked. An alert carries the key of its call
 * as `dedup_key`: what comes again while it is open becomes no second one.
 *
 * @see https://developer.pagerduty.com/docs/send-alert-event
 */
export const pagerdutyEvents = defineTicketProvider({
  title: 'PagerDuty Events',
  noun: 'alert',
  connection,
  /** The end of an alert that there is not, which PagerDuty takes and drops: it tells whether the integration key is good. */
  check: (client) => send(client, 'resolve', 'cloud-automation-webhooks-check', {}, { isRead: true }),
  /** The integration key says which service it is. */
  project: undefined,

  checkRef({ id }) {
    if (id.trim() === id) return
    throw invalid('id', 'no alert: write the id that open-ticket answered')
  },

  checkInput(input) {
    for (const field of needTheirIncident) {
      if (input[field] !== undefined)
        throw invalid(field, 'of no use to an alert: only a connection of the provider pagerduty has it')
    }
    if (input.id === undefined) return
    const { title, state } = input
    if (state && !['open', 'acknowledged', 'closed', 'resolved'].includes(state.toLowerCase())) {
      throw invalid('state', 'none of an alert: write open, acknowledged or closed')
    }
    if (title === undefined && (isTrigger(input) || state?.toLowerCase() === 'open')) {
      throw invalid('title', 'missing: an alert is only changed by triggering it anew, which takes a title')
    }
  },

  reservedFields: [
    { path: ['dedup_key'], instead: 'leave it out, since it contains the key of the call' },
    { path: ['routing_key'], instead: 'use another connection' },
    { path: ['event_action'], instead: 'write input.state' },
  ],

  hasIdempotentWrites: () => true,

  /** There is no way to look: PagerDuty itself finds the alert of the same key. */
  async find() {
    return undefined
  },

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

  async comment() {
    throw invalid('comment', 'of no use to an alert')
  },

  async hasComment() {
    return false
  },

  async close(client, { id }) {
    await send(client, 'resolve', id)
  },
})

/** What only an incident has. */
const needTheirIncident = ['comment', 'assignee', 'resolution'] as const

const actions = new Map<string, 'acknowledge' | 'resolve'>([
  ['acknowledged', 'acknowledge'],
  ['closed', 'resolve'],
  ['resolved', 'resolve'],
])

type Content = Omit<UpdateTicket, 'id'>

function isTrigger({ description, type, labels, priority, urgency, severity, fields }: Content): boolean {
  return [description, type, labels, priority, urgency, severity, fields].some((value) => value !== undefined)
}

const severities: Levels = { critical: 'critical', high: 'error', medium: 'warning', low: 'info' }

/** @returns the key of the alert: PagerDuty's own where none is given */
async function trigger(client: Events, key: string | undefined, content: Content & { title: string }): Promise<string> {
  const { title, description, type, labels, priority, urgency, severity, fields = {} } = content
  const summary = clipSingleLine(title, longestSummary)
  const details = {
    ...(summary === singleLine(title) ? {} : { title }),
    ...(description ? { description } : {}),
    ...(labels?.length ? { labels } : {}),
    ...(priority ? { priority } : {}),
    ...(urgency ? { urgency } : {}),
  }
  const link = linkIn(description)
  const { payload, ...more } = fields
  return send(client, 'trigger', key, {
    client: 'cloud-automation-webhooks',
    ...(link ? { client_url: link, links: [{ href: link, text: 'The problem' }] } : {}),
    ...more,
    payload: {
      summary,
      source: client.connection.source,
      severity: platformLevel(severities, severity || urgency || priority || 'high'),
      ...(type ? { class: type } : {}),
      ...(Object.keys(details).length > 0 ? { custom_details: details } : {}),
      ...(payload as object | undefined),
    },
  })
}

/** The link of a problem is a line of its own. */
function linkIn(description = ''): string | undefined {
  return /^https?:\/\/\S+$/m.exec(description)?.[0]
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
  try {
    const { body } = await http.post('v2/enqueue', event, { ...options, schema: accepted })
    return body.dedup_key ?? key ?? ''
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'refused' || !/routing.key/i.test(error.message)) throw error
    // A key that is wrong is no 401 here, but is to be read anew all the same: it may have been changed.
    throw new Failure('credentials', error.message)
  }
}

function invalid(field: keyof UpdateTicket | keyof CloseTicket, message: string): Failure {
  return new Failure('invalid', `input.${field} is ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
