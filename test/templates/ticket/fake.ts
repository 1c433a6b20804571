import { definePlatform } from '../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../infra/testing/require-header.ts'

interface Ticket extends Record<string, unknown> {
  id: string
  status: string
  ref: string | null
  notes: { text: string; ref: string | null }[]
}

const TOKEN = 'acme-token-0123456789'
const STATUSES = ['open', 'working', 'closed']

/**
 * Starts a fake Acme on a loopback port. Make it return what the platform returns.
 *
 * @see https://acme.example.com/api/tickets
 */
export const startAcme = definePlatform({
  state: () => ({ tickets: [] as Ticket[] }),
  refuses: requireHeader('authorization', `Bearer ${TOKEN}`, refuse(401, 'invalid token')),
  routes: {
    'GET /me': () => ({ name: 'robot' }),
    'GET /tickets': ({ state, query }) => ({ items: withRef(state.tickets, query) }),
    'POST /tickets': ({ state: { tickets }, body: { title, text = '', queue = null, ref = null } }) => {
      if (!title) return refuse(422, 'title is missing')
      const id = String(tickets.length + 1)
      const links = { html: `https://acme.example.com/tickets/${id}` }
      const ticket = { id, number: `T-${id}`, title, text, queue, status: 'open', ref, notes: [], links }
      tickets.push(ticket)
      return { status: 201, body: ticket }
    },
    'GET /tickets/{id}': ({ state, params }) => ticketIn(state.tickets, params.id),
    'PATCH /tickets/{id}': ({ state, params, body }) => {
      const ticket = ticketIn(state.tickets, params.id)
      if (!STATUSES.includes(body.status ?? 'open')) return refuse(422, 'unknown status')
      return ticket && Object.assign(ticket, body)
    },
    'GET /tickets/{id}/notes': ({ state, params, query }) => {
      const ticket = ticketIn(state.tickets, params.id)
      return ticket && { items: withRef(ticket.notes, query) }
    },
    'POST /tickets/{id}/notes': ({ state, params, body: { text = '', ref = null } }) => {
      const ticket = ticketIn(state.tickets, params.id)
      ticket?.notes.push({ text, ref })
      return ticket
    },
    'POST /tickets/{id}/close': ({ state, params }) => {
      const ticket = ticketIn(state.tickets, params.id)
      return ticket && Object.assign(ticket, { status: 'closed' })
    },
  },
  notFound: ({ path }) => refuse(404, `unknown ticket or page ${path}`),
  members: ({ tickets }) => ({ token: TOKEN, tickets }),
})

/** The row of the conformance suite. */
export const ticketRow = {
  writes: /^POST .*\/tickets$/,
  async start() {
    const server = await startAcme()
    return { server, connection: { baseUrl: server.url, token: server.token }, made: () => server.tickets.length }
  },
  unknownId: '4711',
  open: {},
  update: { comment: 'Still slow' },
  close: {},
}

function ticketIn(tickets: Ticket[], id: string): Ticket | undefined {
  return tickets.find((ticket) => ticket.id === id)
}

function withRef<T extends { ref: string | null }>(items: T[], query: URLSearchParams): T[] {
  return items.filter(({ ref }) => !query.has('ref') || ref === query.get('ref'))
}

function refuse(status: number, message: string): Reply {
  return { status, body: { message } }
}
