import { randomUUID } from 'node:crypto'
import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'

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

interface JsmOperationsState {
  alerts: Alert[]
  /** The results of accepted requests, by id. */
  requests: Map<string, object>
  /** How often the result of a request is not there yet. */
  processedLate: number
  /** The reason why requests are refused when they are processed. */
  refusal: string | undefined
}

export interface JsmOperationsServer extends Served {
  cloudId: string
  email: string
  token: string
  state: JsmOperationsState
}

/** Fields of a new alert, with their maximum lengths. */
const LENGTHS = { message: 130, alias: 512, description: 15_000, entity: 512, source: 100, note: 25_000 }
const OTHER_FIELDS = ['responders', 'visibleTo', 'tags', 'actions', 'priority', 'extraProperties']

/**
 * A fake of the alerts of Jira Service Management Operations. It accepts writes, and reports their results later.
 *
 * @see https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-alerts/
 */
export async function startJsmOperations(): Promise<JsmOperationsServer> {
  const cloudId = '11223344-a1b2-4c33-8def-1234567890ab'
  const email = 'robot@example.com'
  const token = 'a-token-of-atlassian'
  const state: JsmOperationsState = { alerts: [], requests: new Map(), processedLate: 0, refusal: undefined }
  const authorization = `Basic ${Buffer.from(`${email}:${token}`).toString('base64')}`
  const served = await serve((call) => {
    if (call.headers['authorization'] !== authorization) return refused(401, 'Unauthorized; scope does not match')
    const [, rest = ''] = call.path.split(`/api/${cloudId}/v1/alerts`)
    return answer(state, call, rest)
  })
  return { ...served, cloudId, email, token, state }
}

function refused(status: number, message: string): Reply {
  return { status, body: { code: status, message, took: 0.01, requestId: 'd383c6e9' } }
}

function answer(state: JsmOperationsState, call: Call, rest: string): Reply {
  const { alerts, requests } = state
  const [, first = '', second = ''] = rest.split('/')
  const { method, query } = call
  if (method === 'GET' && first === '')
    return ok({ values: alerts.slice(0, Number(query.get('size'))).map(shown), count: 0 })
  if (method === 'GET' && first === 'alias') {
    const found = alerts.find((one) => one.alias === query.get('alias'))
    return found ? ok(shown(found)) : refused(404, 'Alert does not exist')
  }
  if (method === 'GET' && first === 'requests') {
    const isLate = state.processedLate-- > 0
    return isLate || !requests.has(second) ? refused(404, 'Request not found') : ok(requests.get(second))
  }
  const body = (call.body ?? {}) as Record<string, unknown>
  if (method === 'POST' && first === '') return create(state, body)
  const alert = alerts.find((one) => one.id === first)
  if (!alert) return refused(404, 'Alert does not exist')
  if (method === 'GET' && second === '') return ok(shown(alert))
  if (method === 'GET' && second === 'notes') return listNotes(alert, query)
  return change(state, alert, `${method} ${second}`, body)
}

function create(state: JsmOperationsState, body: Record<string, unknown>): Reply {
  const { message, alias = randomUUID(), priority = 'P3', tags = [], ...fields } = body
  for (const [field, max] of Object.entries(LENGTHS))
    if (String(body[field] ?? '').length > max) return refused(422, `${field} must be at most ${max} characters`)
  const unknown = Object.keys(body).find((field) => !(field in LENGTHS) && !OTHER_FIELDS.includes(field))
  if (unknown) return refused(422, `Unknown field ${unknown}`)
  if (!message) return refused(422, 'Message must not be empty.')
  if (!/^P[1-5]$/.test(String(priority))) return refused(422, 'Priority should be one of [P1, P2, P3, P4, P5]')
  const open = state.alerts.find((one) => one.alias === alias && one.status !== 'closed')
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

/** The notes are read separately. */
function shown({ notes: _, ...alert }: Alert) {
  return alert
}

function listNotes({ notes }: Alert, query: URLSearchParams): Reply {
  const offset = Number(query.get('offset'))
  const end = offset + 20
  const values = notes.slice(offset, end).map((note) => ({ id: randomUUID(), note }))
  return ok({ values, links: end < notes.length ? { next: `?offset=${end}` } : {} })
}

function change(state: JsmOperationsState, alert: Alert, what: string, body: Record<string, unknown>): Reply {
  const set = (fields: object) =>
    accept(state, () => {
      Object.assign(alert, fields)
      return alert.id
    })
  const [, field = ''] = what.split(' ')
  switch (what) {
    case 'PATCH message':
    case 'PATCH description':
    case 'PATCH priority':
      return typeof body[field] === 'string' ? set({ [field]: body[field] }) : refused(422, `${field} is required`)
    case 'POST tags':
      return set({ tags: [...new Set([...alert.tags, ...((body['tags'] ?? []) as string[])])] })
    case 'POST notes':
      return body['note'] ? set({ notes: [String(body['note']), ...alert.notes] }) : refused(422, 'note is required')
    case 'POST acknowledge':
      return set({ status: 'acked' })
    case 'POST close':
      return set({ status: 'closed' })
    default:
      return refused(404, 'No such resource')
  }
}

function accept(state: JsmOperationsState, apply: () => string): Reply {
  const requestId = randomUUID()
  const { refusal } = state
  const result = refusal ? { isSuccess: false, status: refusal } : { isSuccess: true, status: 'Done', alertId: apply() }
  state.requests.set(requestId, { action: 'Any', processedAt: '2026-11-27T01:00:01Z', ...result })
  return { status: 202, body: { result: 'Request will be processed', requestId, took: 0.01 } }
}
