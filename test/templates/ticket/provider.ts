import * as z from 'zod/mini'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineTicketProvider, type Ticket, type TicketRef } from '../../../shared/providers/ticket.ts'
import { refuseUnsupported } from '../../../shared/providers/unsupported-input.ts'
import { singleLine } from '../../../shared/text/single-line.ts'

/** The fields that this provider needs. A response without them is an error of the platform. */
const ticket = z.object({
  id: z.string(),
  number: z.string(),
  status: z.string(),
  links: z.object({ html: z.string() }),
})
const tickets = z.object({ items: z.array(ticket) })
const notes = z.object({ items: z.array(z.unknown()) })

/** Acme's statuses by the states of callers. */
const STATUSES: Record<string, string> = { open: 'open', 'in progress': 'working', closed: 'closed' }

/**
 * Tickets in Acme. Its requests are an example: replace them with those of the platform.
 *
 * The framework authenticates callers, and handles retries, deduplication, dry runs, deadlines and the masking of secrets.
 *
 * HTTP errors of the platform need no code. For other errors, throw `refused`, `retryLater` or `outcomeUnknown`.
 *
 * @see https://acme.example.com/api/tickets
 */
export const acme = defineTicketProvider({
  title: 'Acme',
  noun: 'ticket',
  connection: z.strictObject({
    baseUrl: url('URL of the API: https://acme.example.com/api'),
    token: secret('API token that may read and write tickets'),
    project: optional(word('Default queue')),
  }),
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  check: ({ http }) => http.get('me'),
  project: { pattern: /^[\w-]{1,64}$/, example: 'shop', optional: true },

  // A retry finds the ticket by its reference, so callers must not set it.
  reservedFields: [{ path: ['ref'], instead: 'leave it out' }],

  // Input that Acme does not know must not be ignored silently.
  checkInput({ type, labels, priority, assignee }) {
    refuseUnsupported('Acme', { type, labels, priority, assignee })
  },

  // How many of the newest tickets `find` reads. The reference states it, and the tests prove it.
  lookUp: { newest: 'all' },

  // After a crash or a lost response, the action runs again with the same key. It must find what the first attempt created.
  async find({ http, idempotencyKey }) {
    const { items } = (await http.get('tickets', { query: { ref: idempotencyKey }, schema: tickets })).body
    return items[0] && ticketOf(items[0])
  },

  async open({ http, idempotencyKey }, { title, description, project, fields }) {
    const body = { ...fields, title: singleLine(title), text: description, queue: project, ref: idempotencyKey }
    return ticketOf((await http.post('tickets', body, { schema: ticket })).body)
  },

  async get({ http }, ref) {
    return ticketOf((await http.get(pathOf(ref), { schema: ticket })).body)
  },

  // Acme refuses a status that it does not know.
  confirmsState: true,

  async update({ http }, ref, { title, description, state, fields }) {
    const status = state === undefined ? undefined : (STATUSES[state.toLowerCase()] ?? state)
    await http.patch(pathOf(ref), { ...fields, title: title && singleLine(title), text: description, status })
  },

  async comment({ http, idempotencyKey }, ref, text) {
    await http.post(`${pathOf(ref)}/notes`, { text, ref: idempotencyKey })
  },

  async hasComment({ http, idempotencyKey }, ref) {
    const query = { ref: idempotencyKey }
    return (await http.get(`${pathOf(ref)}/notes`, { query, schema: notes })).body.items.length > 0
  },

  async close({ http }, ref, { resolution }) {
    await http.post(`${pathOf(ref)}/close`, { reason: resolution })
  },
})

/** `segment` encodes the id, so that input cannot choose another path. */
function pathOf({ id }: TicketRef): string {
  return `tickets/${segment(id)}`
}

function ticketOf({ id, number, status, links }: z.output<typeof ticket>): Ticket {
  return { id, number, url: links.html, state: status, isClosed: status === 'closed' }
}
