import * as z from 'zod/mini'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineTicketProvider, type Ticket, type TicketRef } from '../../../shared/providers/ticket.ts'
import { refuseUnsupported } from '../../../shared/providers/unsupported-input.ts'
import { singleLine } from '../../../shared/text/single-line.ts'

/** Only the fields that we need. A response that does not match is the platform's fault and is retried. */
const ticket = z.object({
  id: z.string(),
  number: z.string(),
  status: z.string(),
  links: z.object({ html: z.string() }),
})
const found = z.object({ items: z.array(ticket) })
const notes = z.object({ items: z.array(z.unknown()) })

/** Acme's statuses for the states of the input. */
const statuses: Record<string, string> = { open: 'open', closed: 'closed' }

/**
 * Tickets in Acme.
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

  checkInput({ type, labels, priority, assignee }) {
    refuseUnsupported('Acme', { type, labels, priority, assignee })
  },

  // After a crash or a lost response, the call runs again with the same key and must find the ticket of the first attempt.
  async find({ http, idempotencyKey }) {
    const { items } = (await http.get('tickets', { query: { ref: idempotencyKey }, schema: found })).body
    return items[0] && ticketOf(items[0])
  },

  async open({ http, idempotencyKey }, { title, description, project, fields }) {
    const body = { title: singleLine(title), text: description, queue: project, ref: idempotencyKey, ...fields }
    return ticketOf((await http.post('tickets', body, { schema: ticket })).body)
  },

  async get({ http }, ref) {
    return ticketOf((await http.get(pathOf(ref), { schema: ticket })).body)
  },

  async update({ http }, ref, { title, description, state, fields }) {
    const status = state === undefined ? undefined : (statuses[state.toLowerCase()] ?? state)
    await http.patch(pathOf(ref), { title: title && singleLine(title), text: description, status, ...fields })
  },

  async comment({ http, idempotencyKey }, ref, text) {
    await http.post(`${pathOf(ref)}/notes`, { text, ref: idempotencyKey })
  },

  async hasComment({ http, idempotencyKey }, ref) {
    return (
      (await http.get(`${pathOf(ref)}/notes`, { query: { ref: idempotencyKey }, schema: notes })).body.items.length > 0
    )
  },

  async close({ http }, ref, { resolution }) {
    await http.post(`${pathOf(ref)}/close`, { reason: resolution })
  },
})

function pathOf({ id }: TicketRef): string {
  return `tickets/${segment(id)}`
}

function ticketOf({ id, number, status, links }: z.output<typeof ticket>): Ticket {
  return { id, number, url: links.html, state: status, isClosed: status === 'closed' }
}
