import { randomUUID } from 'node:crypto'
import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { pageOf } from '../../../../infra/testing/page-of.ts'
import { basic, requireHeader } from '../../../../infra/testing/require-header.ts'
import { playTickets, type TicketRow, ticketInputs } from '../../../conformance/row.ts'

interface Alert {
  id: string
  tinyId: string
  status: 'open' | 'acked' | 'snoozed' | 'resolved' | 'closed'
  alias: string
  count: number
  message: string
  tags: string[]
  notes: string[]
  [field: string]: unknown
}

type State = ReturnType<typeof initial>

const CLOUD_ID = '11223344-a1b2-4c33-8def-1234567890ab'
const EMAIL = 'robot@example.com'
const TOKEN = 'a-token-of-atlassian'
/** Fields of a new alert, with their maximum lengths. */
const LENGTHS = { message: 130, alias: 512, description: 15_000, entity: 512, source: 100, note: 25_000 }
const OTHER_FIELDS = ['responders', 'visibleTo', 'tags', 'actions', 'priority', 'extraProperties']
const NO_ALERT = refused(404, 'Alert does not exist')

const initial = () => ({
  alerts: [] as Alert[],
  /** The results of accepted requests, by id. */
  requests: new Map<string, object>(),
  /** The number of look-ups that do not find the result of a request yet. */
  processedLate: 0,
  /** The reason why requests are refused when they are processed. */
  refusal: undefined as string | undefined,
})

/**
 * A fake of the alerts of Jira Service Management Operations. It accepts writes, and reports their results later.
 *
 * @see https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-alerts/
 */
const startJsmOperations = definePlatform({
  base: `/api/${CLOUD_ID}/v1`,
  state: initial,
  refuses: requireHeader('authorization', basic(EMAIL, TOKEN), refused(401, 'Unauthorized; scope does not match')),
  routes: {
    'GET /alerts': ({ state, query }) => ({
      values: state.alerts.slice(0, Number(query.get('size'))).map(toResponse),
      count: 0,
    }),
    'POST /alerts': ({ state, body }) => create(state, body),
    'GET /alerts/alias': ({ state, query }) => {
      const alert = state.alerts.find(({ alias }) => alias === query.get('alias'))
      return alert ? toResponse(alert) : NO_ALERT
    },
    'GET /alerts/requests/{id}': ({ state, params }) => {
      const isLate = state.processedLate-- > 0
      return (isLate ? undefined : state.requests.get(params.id)) ?? refused(404, 'Request not found')
    },
    'GET /alerts/{id}': ({ state, params }) => withAlert(state, params, toResponse),
    'PATCH /alerts/{id}/{field}': ({ state, params, body }) => {
      const { [params.field]: value } = body
      if (typeof value !== 'string') return refused(422, `${params.field} is required`)
      return change(state, params, () => ({ [params.field]: value }))
    },
    'POST /alerts/{id}/tags': ({ state, params, body }) =>
      change(state, params, ({ tags }) => ({ tags: [...new Set([...tags, ...(body.tags ?? [])])] })),
    'GET /alerts/{id}/notes': ({ state, params, query }) =>
      withAlert(state, params, ({ notes }) => {
        const { page, next } = pageOf(notes, query.get('offset'), 20)
        const values = page.map((note) => ({ id: randomUUID(), note }))
        return { values, links: next === undefined ? {} : { next: `?offset=${next}` } }
      }),
    'POST /alerts/{id}/notes': ({ state, params, body }) =>
      body.note
        ? change(state, params, ({ notes }) => ({ notes: [String(body.note), ...notes] }))
        : refused(422, 'note is required'),
    'POST /alerts/{id}/acknowledge': ({ state, params }) => change(state, params, () => ({ status: 'acked' })),
    'POST /alerts/{id}/close': ({ state, params }) => change(state, params, () => ({ status: 'closed' })),
  },
  notFound: refused(404, 'No such resource'),
  members: () => ({ cloudId: CLOUD_ID, email: EMAIL, token: TOKEN }),
})

function refused(status: number, message: string): Reply {
  return { status, body: { code: status, message, took: 0.01, requestId: 'd383c6e9' } }
}

function withAlert({ alerts }: State, params: { id: string }, respond: (alert: Alert) => object): object {
  const alert = alerts.find(({ id }) => id === params.id)
  return alert ? respond(alert) : NO_ALERT
}

function create(state: State, body: Record<string, unknown>): Reply {
  const { message, alias = randomUUID(), priority = 'P3', tags = [], ...fields } = body
  for (const [field, maxLength] of Object.entries(LENGTHS))
    if (String(body[field] ?? '').length > maxLength)
      return refused(422, `${field} must be at most ${maxLength} characters`)
  const unknown = Object.keys(body).find((field) => !(field in LENGTHS) && !OTHER_FIELDS.includes(field))
  if (unknown) return refused(422, `Unknown field ${unknown}`)
  if (!message) return refused(422, 'Message must not be empty.')
  if (!/^P[1-5]$/.test(String(priority))) return refused(422, 'Priority should be one of [P1, P2, P3, P4, P5]')
  const open = state.alerts.find((alert) => alert.alias === alias && alert.status !== 'closed')
  return accept(state, () => {
    if (open) {
      open.count++
      return open.id
    }
    const number = String(state.alerts.length + 1)
    const id = `${randomUUID()}-170444065${number.padStart(4, '0')}`
    const defaults = { id, tinyId: number, status: 'open', count: 1, notes: [] } as const
    const content = { alias: String(alias), message: String(message), priority, tags: tags as string[] }
    state.alerts.push({ ...fields, ...defaults, notes: [], ...content })
    return newestOf(state.alerts).id
  })
}

/** Removes the notes, which have a path of their own. */
function toResponse({ notes: _, ...alert }: Alert) {
  return alert
}

function change(state: State, params: { id: string }, changes: (alert: Alert) => object): object {
  return withAlert(state, params, (alert) =>
    accept(state, () => {
      Object.assign(alert, changes(alert))
      return alert.id
    }),
  )
}

/** Accepts a write, unless the state has a reason to refuse it. */
function accept(state: State, apply: () => string): Reply {
  const requestId = randomUUID()
  const { refusal } = state
  const result = refusal ? { isSuccess: false, status: refusal } : { isSuccess: true, status: 'Done', alertId: apply() }
  state.requests.set(requestId, { action: 'Any', processedAt: '2026-11-27T01:00:01Z', ...result })
  return { status: 202, body: { result: 'Request will be processed', requestId, took: 0.01 } }
}

export const ticketRow = {
  writes: /^POST .*\/alerts$/,
  repeatable: 'an open alert with the same alias counts the repeat',
  start: playTickets(startJsmOperations, 'alerts', { site: 'https://acme.atlassian.net' }, ['cloudId', 'email']),
  unknownId: '00000000-0000-4000-8000-000000000000-1704440650350',
  ...ticketInputs,
  open: { severity: 'critical', labels: 'shop' },
  update: { comment: 'Now 5 s', priority: 'critical' },
  neverReopens: true,
} satisfies TicketRow
