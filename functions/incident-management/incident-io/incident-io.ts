import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
import { name, secret, url } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { defineTicketProvider } from '../../../shared/providers/ticket.ts'
import { refuseUnsupported } from '../../../shared/providers/unsupported-input.ts'
import { clipSingleLine, clipTitle } from '../../../shared/text/single-line.ts'
import { type AlertContent, alertEvents, hasContent, problemLinkIn } from '../alert-events.ts'

const connection = z.strictObject({
  baseUrl: z._default(url('URL of the API'), 'https://api.incident.io'),
  source: name('Id of an HTTP alert source, from its URL: 01GW2G3V0S59R238FAHPDS1R66'),
  token: secret('Token of the alert source'),
})
type Source = Client<z.output<typeof connection>>

const accepted = z.object({ status: z.string(), deduplication_key: z.string() })

const MAX_TITLE = 255
const CHECK_KEY = 'cloud-automation-webhooks-check'

/**
 * incident.io, through an HTTP alert source: the alert route opens the incident and closes it when the alert is resolved. The
 * API that creates incidents cannot close them. The idempotency key is the `deduplication_key`: incident.io adds an event with
 * the same key to the same alert. Alerts are processed later, so their state is not read back.
 *
 * @see https://api-docs.incident.io/tag/Alert-Events-V2
 */
export const incidentIo = defineTicketProvider({
  ...alertEvents,
  title: 'incident.io',
  noun: 'alert',
  connection,
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  // Nothing that the token may read exists. Resolves one alert, which never fires.
  check: (client) => send(client, CHECK_KEY, 'resolved', { title: 'Connection test of cloud-automation-webhooks' }),
  // The alert source decides.
  project: undefined,

  checkInput({ id, title, state, ...input }) {
    const { assignee, comment, resolution } = input
    refuseUnsupported('alerts of incident.io', { assignee, comment, resolution })
    if (state !== undefined && !STATES.has(state.toLowerCase()))
      throw invalidInput('input.state', 'must be open, firing, closed or resolved')
    const isResolved = STATES.get(state?.toLowerCase() ?? '') === 'resolved' && !hasContent(input)
    if (id !== undefined && title === undefined && !isResolved && (state !== undefined || hasContent(input)))
      throw invalidInput('input.title', 'is missing: an update sends the alert again')
  },

  reservedFields: [
    { path: ['deduplication_key'], instead: 'omit it, because it contains the idempotency key' },
    { path: ['status'], instead: 'write input.state' },
  ],

  async open(client, input) {
    const id = await send(client, client.idempotencyKey, 'firing', alertOf(input))
    return { id, number: id, url: undefined, state: 'firing', isClosed: false }
  },

  async update(client, { id }, { title = resolvedTitle(id), state, ...changes }) {
    await send(client, id, STATES.get(state?.toLowerCase() ?? '') ?? 'firing', alertOf({ ...changes, title }))
  },

  async close(client, { id }) {
    await send(client, id, 'resolved', { title: resolvedTitle(id) })
  },
})

const STATES = new Map<string, 'firing' | 'resolved'>([
  ['open', 'firing'],
  ['firing', 'firing'],
  ['closed', 'resolved'],
  ['resolved', 'resolved'],
])

/** Every event needs a title, but a close only has the id. */
function resolvedTitle(id: string): string {
  return `Resolved: ${clipSingleLine(id, 200)}`
}

function alertOf(input: AlertContent & { title: string }): object {
  const { title, description, type, labels, priority, urgency, severity, fields = {} } = input
  const { title: line, description: text } = clipTitle({ title, description }, MAX_TITLE)
  const link = problemLinkIn(description)
  const details = { type, labels, priority, urgency, severity }
  const { metadata: more, ...others } = fields
  const entries = Object.entries({ ...details, ...(more as object | undefined) })
  const metadata = Object.fromEntries(entries.filter(([, value]) => value !== undefined))
  return {
    title: line,
    ...(text ? { description: text } : {}),
    ...(link ? { source_url: link } : {}),
    ...others,
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
  }
}

/** @returns the key of the alert, which incident.io generates if none is given */
async function send(
  { http, connection: { source } }: Source,
  key: string | undefined,
  status: 'firing' | 'resolved',
  content: object,
): Promise<string> {
  const event = { ...content, status, ...(key === undefined ? {} : { deduplication_key: key }) }
  const { body } = await http.post(`v2/alert_events/http/${segment(source)}`, event, { schema: accepted })
  return body.deduplication_key
}
