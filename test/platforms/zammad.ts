import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface ZammadTicket {
  id: number
  number: string
  title: string
  group: string
  customer: string
  state: string
  priority: string
  tags: string[]
}

interface Article {
  id: number
  ticket_id: number
  subject: string
  body: string
  content_type: string
  type: string
  internal: boolean
}

export interface ZammadServer extends Served {
  token: string
  state: { tickets: ZammadTicket[]; articles: Article[] }
}

/** Names that Zammad looks up, by the attribute of a ticket. */
const KNOWN: Record<string, string[]> = {
  group: ['Users', 'Operations'],
  customer: ['monitoring@example.com'],
  state: ['new', 'open', 'pending reminder', 'closed', 'merged'],
  priority: ['1 low', '2 normal', '3 high'],
}

/**
 * Zammad 6 as its documentation describes it.
 *
 * @see https://docs.zammad.org/en/latest/api/ticket/index.html
 */
export async function startZammad(): Promise<ZammadServer> {
  const state: ZammadServer['state'] = { tickets: [], articles: [] }
  const token = 'zammad-token-of-an-agent'
  const served = await serve((call) => answer(call, state, token))
  return { ...served, token, state }
}

function answer(call: Call, { tickets, articles }: ZammadServer['state'], token: string): Reply {
  const { method, query, headers } = call
  const path = call.path.replace('/api/v1/', '')
  if (headers['authorization'] !== `Token token=${token}`) {
    return problem(401, "Can't find User for Token")
  }
  const body = (call.body ?? {}) as Partial<ZammadTicket> & Record<string, unknown>
  const shown = (ticket: ZammadTicket) => (query.get('expand') === 'true' ? ticket : idsOf(ticket))
  if (`${method} ${path}` === 'GET users/me') return ok({ id: 3, login: 'agent@example.com' })
  if (`${method} ${path}` === 'GET tickets/search') return search(query, tickets, shown)
  if (`${method} ${path}` === 'POST tickets') {
    const unknown = unknownName(body)
    if (unknown) return unknown
    for (const required of ['title', 'group', 'customer'] as const) {
      if (!body[required]) return problem(422, `Missing required value for field '${required}'!`)
    }
    const id = tickets.length + 1
    const { article, tags = '', ...given } = body as Record<string, unknown> & { article?: Partial<Article> }
    const ticket = { state: 'new', priority: '2 normal', ...given, id, number: String(22_000 + id) } as ZammadTicket
    ticket.tags = String(tags).split(',').filter(Boolean)
    if (article && !article.body) return problem(422, 'Need at least article: { body: "some text" }')
    tickets.push(ticket)
    if (article) addArticle(articles, id, article)
    return { status: 201, body: shown(ticket) }
  }
  if (`${method} ${path}` === 'POST ticket_articles') {
    return { status: 201, body: addArticle(articles, Number(body['ticket_id']), body as Partial<Article>) }
  }
  const [, kind, id] = /^(tickets|ticket_articles\/by_ticket)\/(\d+)$/.exec(path) ?? []
  const ticket = tickets.find((one) => one.id === Number(id))
  if (!ticket) return problem(404, `Couldn't find Ticket with 'id'=${id}`)
  if (kind === 'ticket_articles/by_ticket') {
    return ok(articles.filter(({ ticket_id }) => ticket_id === ticket.id))
  }
  if (method === 'PUT') {
    const unknown = unknownName(body)
    if (unknown) return unknown
    Object.assign(ticket, body)
  }
  return ok(shown(ticket))
}

/** A condition is answered from the database; a query from a search index, which a new ticket reaches later. */
function search(query: URLSearchParams, tickets: ZammadTicket[], shown: (ticket: ZammadTicket) => object): Reply {
  const [operator, value] = ['operator', 'value'].map((part) => query.get(`condition[ticket.tags][${part}]`))
  if (operator !== 'contains one' || !value) return ok([])
  return ok(tickets.filter(({ tags }) => tags.includes(value)).map(shown))
}

function addArticle(articles: Article[], ticketId: number, given: Partial<Article>): Article {
  const defaults = { subject: '', body: '', content_type: 'text/plain', type: 'note', internal: false }
  const article = { ...defaults, ...given, id: articles.length + 1, ticket_id: ticketId }
  articles.push(article)
  return article
}

function unknownName(body: Record<string, unknown>): Reply | undefined {
  for (const [attribute, names] of Object.entries(KNOWN)) {
    const name = body[attribute]
    if (name !== undefined && !names.includes(String(name))) {
      return problem(422, `No lookup value found for '${attribute}': ${JSON.stringify(name)}`)
    }
  }
  return undefined
}

/** Without `expand` a ticket has the ids of its group, customer, state and priority, and not their names. */
function idsOf(ticket: ZammadTicket): object {
  const ids = Object.entries(KNOWN).map(([attribute, names]): [string, unknown] => [
    `${attribute}_id`,
    names.indexOf(ticket[attribute as 'group']) + 1,
  ])
  const { id, number, title } = ticket
  return { id, number, title, ...Object.fromEntries(ids) }
}

function problem(status: number, error: string): Reply {
  return { status, body: { error, error_human: error } }
}
