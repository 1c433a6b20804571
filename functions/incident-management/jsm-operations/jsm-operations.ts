import * as z from 'zod/mini'
import { invalidInput, refused, retryLater } from '../../../shared/errors.ts'
import { optional, secret, url, withDescription, word } from '../../../shared/fields.ts'
import { basicAuth } from '../../../shared/http/basic-auth.ts'
import type { HttpResponse } from '../../../shared/http/exchange.ts'
import { segment } from '../../../shared/http/segment.ts'
import { type Levels, platformLevel } from '../../../shared/providers/priority-level.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { defineTicketProvider, type OpenTicket, type Ticket, type TicketRef } from '../../../shared/providers/ticket.ts'
import { refuseUnsupported } from '../../../shared/providers/unsupported-input.ts'
import { sleep } from '../../../shared/sleep.ts'
import { clip } from '../../../shared/text/plain-text.ts'
import { clipSingleLine, clipTitle, singleLine } from '../../../shared/text/single-line.ts'

const TEAM = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i
const ALERT = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}(?:-\d{1,20})?$/i

const connection = z.strictObject({
  baseUrl: z._default(url('URL of the API'), 'https://api.atlassian.com/jsm/ops'),
  cloudId: withDescription(
    z.string().check(z.regex(TEAM)),
    'Id of the site: https://your-domain.atlassian.net/_edge/tenant_info',
  ),
  site: optional(url('The site, for links: https://your-domain.atlassian.net')),
  email: optional(word('User of the API token. Without it, the token is sent as a Bearer token (OAuth 2.0)')),
  token: secret(
    'An API token, or an OAuth 2.0 access token with the scopes read:ops-alert:jira-service-management and write:ops-alert:jira-service-management',
  ),
  project: optional(word('Id of the team that responds by default')),
})
type Alerts = Client<z.output<typeof connection>>

const alert = z.object({ id: z.string(), tinyId: z.nullish(z.string()), status: z.string() })
type Alert = z.output<typeof alert>
const notes = z.object({
  values: z.array(z.object({ note: z.nullish(z.string()) })),
  links: z.nullish(z.object({ next: z.nullish(z.string()) })),
})
const accepted = z.object({ requestId: z.string() })
const processed = z.object({ isSuccess: z.boolean(), status: z.nullish(z.string()), alertId: z.nullish(z.string()) })

/** Other states count as open. */
const CLOSED_STATES = ['closed', 'resolved']
const PRIORITIES: Levels = { critical: 'P1', high: 'P2', medium: 'P3', low: 'P4' }
const MAX_MESSAGE = 130
const MAX_DESCRIPTION = 15_000
const MAX_NOTE = 25_000
const PROCESSED_AFTER_MS = [0, 300, 700, 1_000, 2_000, 3_000, 4_000]
const MAX_PAGES = 20

/**
 * Alerts of Jira Service Management Operations, formerly Opsgenie. The idempotency key is the `alias`, which is unique among open
 * alerts, and the last line of a note, `Ref: caw-<key>`. Writes are accepted and processed later, so each one is followed until
 * its result is known.
 *
 * @see https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-alerts/
 */
export const jsmOperations = defineTicketProvider({
  title: 'Jira Service Management Operations',
  noun: 'alert',
  connection,
  headers: ({ email, token }) => ({ authorization: email ? basicAuth(email, token) : `Bearer ${token}` }),
  check: (client) =>
    client.http.get(alertsPath(client), { query: { size: 1 }, schema: z.object({ values: z.array(alert) }) }),
  // A project is the responding team.
  project: { pattern: TEAM, example: '0f2b6f2c-5d1a-4a3e-9b57-6f1c8f0f4f11', optional: true },

  checkRef({ id }) {
    if (!ALERT.test(id)) throw invalidInput('input.id', 'must be the id that open-ticket returned')
  },

  checkInput(input) {
    const { id, type, state, resolution, priority, urgency, severity } = input
    refuseUnsupported('Jira Service Management Operations', { type, resolution })
    if (state !== undefined && !STATES.has(state.toLowerCase()))
      throw invalidInput('input.state', 'must be open, acknowledged, acked, closed or resolved')
    for (const [field, level] of Object.entries({ priority, urgency, severity }))
      if (level !== undefined && !/^P[1-5]$/.test(platformLevel(PRIORITIES, level)))
        throw invalidInput(`input.${field}`, 'must be critical, high, medium, low or P1 to P5')
    if (id === undefined) return
    for (const field of ['assignee', 'fields'] as const)
      if (input[field] !== undefined) throw invalidInput(`input.${field}`, 'can be set only when an alert is opened')
  },

  reservedFields: [{ path: ['alias'], instead: 'omit it, because it contains the idempotency key' }],

  // An open alert with the same alias counts the repeat and changes nothing else.
  hasIdempotentWrites: () => true,

  lookUp: { newest: 'all', keyLasts: 'while the alert is open' },

  async find(client) {
    const query = { alias: client.idempotencyKey }
    const { status, body } = await client.http.get(`${alertsPath(client)}/alias`, {
      query,
      accept: [404],
      schema: alert,
    })
    return status === 404 ? undefined : ticketOf(client, body)
  },

  async open(client, input) {
    const { labels = [], project, assignee, fields } = input
    const { title, description } = clipTitle(input, MAX_MESSAGE)
    const responders = [
      ...(project === undefined ? [] : [{ id: project, type: 'team' }]),
      ...(assignee === undefined ? [] : [{ id: assignee, type: 'user' }]),
    ]
    const content = {
      message: title,
      ...(description ? { description: clip(description, MAX_DESCRIPTION) } : {}),
      ...priorityIn(input),
      ...(labels.length > 0 ? { tags: labels } : {}),
      ...(responders.length > 0 ? { responders } : {}),
      ...fields,
      ...(client.idempotencyKey === undefined ? {} : { alias: client.idempotencyKey }),
    }
    const { alertId } = await done(client, await client.http.post(alertsPath(client), content, { schema: accepted }))
    if (!alertId) throw retryLater('Jira Service Management processed the alert but returned no id.')
    return ticketOf(client, await read(client, { id: alertId }))
  },

  async get(client, ref) {
    return ticketOf(client, await read(client, ref))
  },

  // An update waits for the result of each change.
  confirmsState: true,

  async update(client, ref, changes) {
    const { title, description, labels = [], state } = changes
    const { priority } = priorityIn(changes)
    const action = state === undefined ? undefined : actionFor(await read(client, ref), state)
    if (title !== undefined) await patch(client, ref, 'message', clipSingleLine(title, MAX_MESSAGE))
    if (description !== undefined) await patch(client, ref, 'description', clip(description, MAX_DESCRIPTION))
    if (priority !== undefined) await patch(client, ref, 'priority', priority)
    if (labels.length > 0) await post(client, ref, 'tags', { tags: labels })
    if (action) await post(client, ref, action)
  },

  async comment(client, ref, comment) {
    const line = client.idempotencyKey === undefined ? '' : `\n\n${refLine(client.idempotencyKey)}`
    await post(client, ref, 'notes', { note: clip(comment, MAX_NOTE - line.length) + line })
  },

  commentLookUp: { newest: `${MAX_PAGES} pages` },

  async hasComment(client, ref) {
    let query: Record<string, string> = {}
    for (let page = 0; page < MAX_PAGES; page++) {
      const { values, links } = (await client.http.get(`${pathOf(client, ref)}/notes`, { query, schema: notes })).body
      if (values.some(({ note }) => note?.trimEnd().endsWith(refLine(client.idempotencyKey)))) return true
      const next = URL.parse(links?.next ?? '', client.http.baseUrl)
      if (!links?.next || !next) return false
      query = Object.fromEntries(next.searchParams)
    }
    return 'unknown'
  },

  async close(client, ref) {
    await post(client, ref, 'close')
  },
})

/** The states that an update may request, and the state of an alert that they stand for. */
const STATES = new Map<string, 'open' | 'acked' | 'closed'>([
  ['open', 'open'],
  ['acked', 'acked'],
  ['acknowledged', 'acked'],
  ['closed', 'closed'],
  ['resolved', 'closed'],
])

/** The action that sets a state; undefined if the alert is in it already. */
function actionFor({ tinyId, id, status }: Alert, state: string): 'acknowledge' | 'close' | undefined {
  const wanted = STATES.get(state.toLowerCase())
  const isClosed = CLOSED_STATES.includes(status)
  if (wanted === 'closed') return isClosed ? undefined : 'close'
  if (isClosed) throw refused(`Alert ${tinyId ?? id} is ${status}, and closed alerts cannot be reopened. Open another.`)
  return wanted === 'acked' && status !== 'acked' ? 'acknowledge' : undefined
}

function priorityIn({ priority, urgency, severity }: Partial<OpenTicket>): { priority?: string } {
  const level = priority ?? urgency ?? severity
  return level === undefined ? {} : { priority: platformLevel(PRIORITIES, level) }
}

async function patch(client: Alerts, ref: TicketRef, field: string, value: string): Promise<void> {
  const path = `${pathOf(client, ref)}/${field}`
  await done(client, await client.http.patch(path, { [field]: value }, { schema: accepted }))
}

async function post(client: Alerts, ref: TicketRef, action: string, body?: object): Promise<void> {
  await done(client, await client.http.post(`${pathOf(client, ref)}/${action}`, body, { schema: accepted }))
}

/** Waits until an accepted request has been processed, because a plan or a missing alert refuses it only then. */
async function done(client: Alerts, { body: { requestId } }: HttpResponse<z.output<typeof accepted>>) {
  const path = `${alertsPath(client)}/requests/${segment(requestId)}`
  for (const delay of PROCESSED_AFTER_MS) {
    await sleep(delay)
    const { status, body } = await client.http.get(path, { accept: [404], schema: processed })
    if (status === 404) continue
    if (body.isSuccess) return body
    throw refused(`Jira Service Management refused the request: ${singleLine(body.status ?? 'no reason')}`)
  }
  throw retryLater('Jira Service Management accepted the request but has not processed it yet.')
}

async function read(client: Alerts, ref: TicketRef): Promise<Alert> {
  return (await client.http.get(pathOf(client, ref), { schema: alert })).body
}

function refLine(key: string): string {
  return `Ref: caw-${key}`
}

function alertsPath({ connection: { cloudId } }: Alerts): string {
  return `api/${segment(cloudId)}/v1/alerts`
}

function pathOf(client: Alerts, { id }: TicketRef): string {
  return `${alertsPath(client)}/${segment(id)}`
}

function ticketOf({ connection: { site } }: Alerts, { id, tinyId, status }: Alert): Ticket {
  const url = site === undefined ? undefined : `${site.replace(/\/$/, '')}/jira/ops/alerts/${id}`
  return { id, number: tinyId ?? id, url, state: status, isClosed: CLOSED_STATES.includes(status) }
}
