import { routeTable } from '../../../testing/route-table.ts'
import { type FakeReply, json } from '../sandbox/http.ts'
import type { Collection } from '../sandbox/store.ts'
import { missing, type ToolCall, textIn, wrong } from './answers.ts'

/** A ticket in a response. */
export interface ToolTicket {
  id: string
  number: string
  title: string
  text: string
  queue: string | null
  status: 'open' | 'working' | 'closed'
  /** The caller's own reference. */
  ref: string | null
  notes: { text: string; ref: string | null }[]
  links: { html: string }
}

const statuses = ['open', 'working', 'closed']

/** The part of the tool that keeps tickets. */
export function ticketRoutes(tickets: Collection<ToolTicket>) {
  function withTicket(id: string, then: (ticket: ToolTicket) => FakeReply): FakeReply {
    const ticket = tickets.get(id)
    return ticket ? then(ticket) : missing('ticket', id)
  }

  function save(ticket: ToolTicket, status: number, note: string): FakeReply {
    return json(status, tickets.put(ticket.id, ticket), {}, note)
  }

  return routeTable<ToolCall, FakeReply>()({
    'POST /tickets': ({ root, body }) => {
      const title = textIn(body, 'title')
      if (!title) return wrong('title is missing')
      const id = String(tickets.next())
      const ticket: ToolTicket = {
        id,
        number: `T-${id}`,
        title,
        text: textIn(body, 'text') ?? '',
        queue: textIn(body, 'queue') ?? null,
        status: 'open',
        ref: textIn(body, 'ref') ?? null,
        notes: [],
        links: { html: `${root}#T-${id}` },
      }
      return save(ticket, 201, `opens ${ticket.number}`)
    },
    'GET /tickets': ({ query }) => {
      const ref = query.get('ref')
      return json(200, { items: tickets.list().filter((ticket) => ref === null || ticket.ref === ref) })
    },
    'GET /tickets/{id}': ({ params }) => withTicket(params.id, (ticket) => json(200, ticket)),
    'PATCH /tickets/{id}': ({ params, body }) =>
      withTicket(params.id, (ticket) => {
        const status = textIn(body, 'status') ?? ticket.status
        if (!statuses.includes(status)) return wrong(`status must be one of ${statuses.join(', ')}`)
        const [title, text] = [textIn(body, 'title') ?? ticket.title, textIn(body, 'text') ?? ticket.text]
        const changed = { ...ticket, title, text, status: status as ToolTicket['status'] }
        return save(changed, 200, `changes ${ticket.number}`)
      }),
    'POST /tickets/{id}/notes': ({ params, body }) =>
      withTicket(params.id, (ticket) => {
        const note = { text: textIn(body, 'text') ?? '', ref: textIn(body, 'ref') ?? null }
        return save({ ...ticket, notes: [...ticket.notes, note] }, 201, `adds a note to ${ticket.number}`)
      }),
    'GET /tickets/{id}/notes': ({ params, query }) =>
      withTicket(params.id, ({ notes }) => {
        const ref = query.get('ref')
        return json(200, { items: notes.filter((note) => ref === null || note.ref === ref) })
      }),
    'POST /tickets/{id}/close': ({ params, body }) =>
      withTicket(params.id, (ticket) => {
        const reason = textIn(body, 'reason')
        const notes = reason ? [...ticket.notes, { text: `Closed: ${reason}`, ref: null }] : ticket.notes
        return save({ ...ticket, status: 'closed', notes }, 200, `closes ${ticket.number}`)
      }),
  })
}
