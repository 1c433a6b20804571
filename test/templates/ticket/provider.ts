import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineTicketProvider, type Ticket, type TicketRef } from '../../../shared/providers/ticket.ts'

/** As much of an answer as we need; another shape is a fault of the platform, which is retried. */
const ticket = z.object({
  id: z.string(),
  number: z.string(),
  status: z.string(),
  links: z.object({ html: z.string() }),
})
const found = z.object({ items: z.array(ticket) })
const notes = z.object({ items: z.array(z.unknown()) })

/** What the input calls by other names. */
const statuses: Record<string, string> = { open: 'open', closed: 'closed' }
const nothingFor = ['type', 'labels', 'priority', 'assignee'] as const

/**
 * Acme: its tickets.
 *
 * @see https://acme.example.com/api/tickets
 */
export const acme = defineTicketProvider({
  title: 'Acme',
  noun: 'ticket',
  connection: z.strictObject({
    baseUrl: url('Where the API of Acme is: https://acme.example.com/api'),
    token: secret('A token that may read and write tickets'),
    project: optional(word('Default queue')),
  }),
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  check: ({ http }) => http.get('me'),
  project: { pattern: /^[\w-]{1,64}$/, example: 'shop', optional: true },

  // What it has no place for is refused: nothing that somebody asks for is dropped in silence.
  checkInput(input) {
    const useless = nothingFor.filter((field) => input[field] !== undefined)
    if (useless.length === 0) return
    const message = 'is of no use, since Acme has nothing for it: leave it out'
    throw new Failure('invalid', `input.${useless[0]} ${message}`, {
      errors: useless.map((field) => ({ path: `input.${field}`, message })),
    })
  },

  // After a crash or a lost answer the call runs again with the same key, and must find what the first try has made.
  async find({ http, idempotencyKey: key }) {
    const { items } = (await http.get('tickets', { query: { ref: key }, schema: found })).body
    return items[0] && ticketOf(items[0])
  },

  async open({ http, idempotencyKey: key }, { title, description, project, fields }) {
    const body = { title, text: description, queue: project, ref: key, ...fields }
    return ticketOf((await http.post('tickets', body, { schema: ticket })).body)
  },

  async get({ http }, ref) {
    return ticketOf((await http.get(pathOf(ref), { schema: ticket })).body)
  },

  async update({ http }, ref, { title, description, state, fields }) {
    const status = state === undefined ? undefined : (statuses[state] ?? state)
    await http.patch(pathOf(ref), { title, text: description, status, ...fields })
  },

  async comment({ http, idempotencyKey: key }, ref, text) {
    await http.post(`${pathOf(ref)}/notes`, { text, ref: key })
  },

  async hasComment({ http, idempotencyKey: key }, ref) {
    return (await http.get(`${pathOf(ref)}/notes`, { query: { ref: key }, schema: notes })).body.items.length > 0
  },

  async close({ http }, ref, { resolution }) {
    await http.post(`${pathOf(ref)}/close`, { reason: resolution })
  },
})

/** Whatever an id holds, it stays one part of the path. */
function pathOf({ id }: TicketRef): string {
  return `tickets/${segment(id)}`
}

function ticketOf({ id, number, status, links }: z.output<typeof ticket>): Ticket {
  return { id, number, url: links.html, state: status, isClosed: status === 'closed' }
}
