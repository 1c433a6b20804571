import { definePlatform } from '../../infra/testing/define-platform.ts'
import type { Reply } from '../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../infra/testing/require-header.ts'

interface Ticket {
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

type State = ReturnType<typeof initial>
type NewTicket = Omit<Ticket, 'tags'> & { tags?: string; article?: Partial<Article> }

const TOKEN = 'zammad-token-of-an-agent'
/** The names that Zammad knows, by the attribute of a ticket. */
const NAMES: Record<string, string[]> = {
  group: ['Users', 'Operations'],
  customer: ['monitoring@example.com'],
  state: ['new', 'open', 'pending reminder', 'closed', 'merged'],
  priority: ['1 low', '2 normal', '3 high'],
}

const initial = () => ({ tickets: [] as Ticket[], articles: [] as Article[] })

/**
 * A fake of Zammad 6 as its documentation describes it.
 *
 * @see https://docs.zammad.org/en/latest/api/ticket/index.html
 */
export const startZammad = definePlatform({
  base: '/api/v1',
  state: initial,
  refuses: requireHeader('authorization', `Token token=${TOKEN}`, problem(401, "Can't find User for Token")),
  routes: {
    'GET /users/me': () => ({ id: 3, login: 'agent@example.com' }),
    // Zammad evaluates a condition in its database. The search index finds a new ticket later.
    'GET /tickets/search': ({ state, query }) => {
      const tag = query.get('condition[ticket.tags][value]')
      if (query.get('condition[ticket.tags][operator]') !== 'contains one' || !tag) return []
      return state.tickets.filter(({ tags }) => tags.includes(tag)).map((ticket) => toResponse(ticket, query))
    },
    'POST /tickets': ({ state, body, query }) => create(state, body, query),
    'GET /tickets/{id}': ({ state, params, query }) => {
      const ticket = ticketOf(state, params.id)
      return ticket && toResponse(ticket, query)
    },
    'PUT /tickets/{id}': ({ state, params, body, query }) => {
      const ticket = ticketOf(state, params.id)
      return ticket && (unknownName(body) ?? toResponse(Object.assign(ticket, body), query))
    },
    'POST /ticket_articles': ({ state, body }) => ({
      status: 201,
      body: addArticle(state, Number(body.ticket_id), body),
    }),
    'GET /ticket_articles/by_ticket/{id}': ({ state, params }) =>
      ticketOf(state, params.id) && state.articles.filter(({ ticket_id }) => String(ticket_id) === params.id),
  },
  notFound: ({ path }) => problem(404, `Couldn't find Ticket with 'id'=${path.split('/').at(-1)}`),
  members: () => ({ token: TOKEN }),
})

function problem(status: number, error: string): Reply {
  return { status, body: { error, error_human: error } }
}

function ticketOf({ tickets }: State, id: string): Ticket | undefined {
  return tickets.find((ticket) => String(ticket.id) === id)
}

function create(state: State, body: NewTicket, query: URLSearchParams): Reply {
  const unknown = unknownName(body)
  if (unknown) return unknown
  for (const field of ['title', 'group', 'customer'] as const) {
    if (!body[field]) return problem(422, `Missing required value for field '${field}'!`)
  }
  const { article, tags = '', ...fields } = body
  if (article && !article.body) return problem(422, 'Need at least article: { body: "some text" }')
  const id = state.tickets.length + 1
  const defaults = { state: 'new', priority: '2 normal' }
  const ticket = { ...defaults, ...fields, id, number: String(22_000 + id), tags: tags.split(',').filter(Boolean) }
  state.tickets.push(ticket)
  if (article) addArticle(state, id, article)
  return { status: 201, body: toResponse(ticket, query) }
}

function addArticle({ articles }: State, ticketId: number, fields: Partial<Article>): Article {
  const defaults = { subject: '', body: '', content_type: 'text/plain', type: 'note', internal: false }
  const article = { ...defaults, ...fields, id: articles.length + 1, ticket_id: ticketId }
  articles.push(article)
  return article
}

function unknownName(body: Record<string, unknown>): Reply | undefined {
  for (const [attribute, names] of Object.entries(NAMES)) {
    const name = body[attribute]
    if (name !== undefined && !names.includes(String(name)))
      return problem(422, `No lookup value found for '${attribute}': ${JSON.stringify(name)}`)
  }
  return undefined
}

/** Returns a ticket with the names of its group, customer, state and priority if `expand` is set, or else their ids. */
function toResponse(ticket: Ticket, query: URLSearchParams): object {
  if (query.get('expand') === 'true') return ticket
  const ids = Object.entries(NAMES).map(([attribute, names]): [string, number] => [
    `${attribute}_id`,
    names.indexOf(ticket[attribute as 'group']) + 1,
  ])
  const { id, number, title } = ticket
  return { id, number, title, ...Object.fromEntries(ids) }
}
