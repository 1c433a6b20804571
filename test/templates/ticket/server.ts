import { type Call, type Reply, type Served, serve } from '../../../infra/sandbox/platforms/loopback-server.ts'

interface Ticket extends Record<string, unknown> {
  id: string
  status: string
  ref: string | null
  notes: { text: string; ref: string | null }[]
}

export interface AcmeServer extends Served {
  token: string
  tickets: Ticket[]
}

const STATUSES = ['open', 'working', 'closed']

/**
 * Starts a fake Acme on a loopback port. Make it return what the platform returns.
 *
 * @see https://acme.example.com/api/tickets
 */
export async function startAcme(): Promise<AcmeServer> {
  const token = 'acme-token-0123456789'
  const tickets: Ticket[] = []
  const served = await serve((call) =>
    call.headers['authorization'] === `Bearer ${token}` ? answer(call, tickets) : refuse(401, 'invalid token'),
  )
  return { ...served, token, tickets }
}

function answer({ method, path, query, body }: Call, tickets: Ticket[]): Reply {
  const sent = (body ?? {}) as Record<string, string>
  const [, kind, id, verb] = path.split('/')
  if (path === '/me') return { status: 200, body: { name: 'robot' } }
  if (kind !== 'tickets') return refuse(404, `unknown page ${path}`)
  if (id === undefined && method === 'GET') return { status: 200, body: { items: tickets.filter(hasRef(query)) } }
  if (id === undefined) {
    if (!sent['title']) return refuse(422, 'title is missing')
    const next = String(tickets.length + 1)
    const links = { html: `https://acme.example.com/tickets/${next}` }
    const { title, text = '', queue = null, ref = null } = sent
    const ticket = { id: next, number: `T-${next}`, title, text, queue, status: 'open', ref, notes: [], links }
    tickets.push(ticket)
    return { status: 201, body: ticket }
  }
  const ticket = tickets.find((one) => one.id === id)
  if (!ticket) return refuse(404, `unknown ticket ${id}`)
  if (verb === 'notes' && method === 'GET') return { status: 200, body: { items: ticket.notes.filter(hasRef(query)) } }
  if (verb === 'notes') ticket.notes.push({ text: sent['text'] ?? '', ref: sent['ref'] ?? null })
  if (verb === 'close') ticket.status = 'closed'
  if (method === 'PATCH' && !STATUSES.includes(sent['status'] ?? ticket.status)) return refuse(422, 'unknown status')
  if (method === 'PATCH') Object.assign(ticket, sent)
  return { status: 200, body: ticket }
}

function hasRef(query: URLSearchParams): (one: { ref: string | null }) => boolean {
  return ({ ref }) => !query.has('ref') || ref === query.get('ref')
}

function refuse(status: number, message: string): Reply {
  return { status, body: { message } }
}
