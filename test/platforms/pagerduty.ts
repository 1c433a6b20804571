import { readFileSync } from 'node:fs'
import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface Incident {
  id: string
  number: number
  key: string | undefined
  status: 'triggered' | 'acknowledged' | 'resolved'
  /** The requested value. */
  asked: Record<string, unknown>
  notes: string[]
  /** The resolution. Only the log contains it. */
  resolution: string | undefined
}

/** The state of the fake. Tests read and change it. */
interface PagerDutyState {
  incidents: Incident[]
  services: string[]
  priorities: { id: string; name: string }[]
  /** Whether the plan includes priorities. */
  hasPriorities: boolean
  users: { id: string; email: string; name: string }[]
  mayWrite: boolean
  /** Whether the key belongs to a user: then the user of the key is the one who writes. */
  isUserKey: boolean
  /** How many look-ups show nothing of what is new. */
  listsLate: number
}

export interface PagerDutyServer extends Served {
  token: string
  email: string
  state: PagerDutyState
}

/** An answer of the vendor's own document. */
// biome-ignore lint/suspicious/noExplicitAny: the examples have a different structure each.
export function pagerdutyExample(name: string): Record<string, any> {
  return JSON.parse(readFileSync(new URL(`../fixtures/pagerduty/${name}.json`, import.meta.url), 'utf8'))
}

/**
 * PagerDuty's REST API v2, in the format of the examples of its OpenAPI document.
 *
 * @see https://github.com/PagerDuty/api-schema/blob/main/reference/REST/openapiv3.json
 */
export async function startPagerDuty(): Promise<PagerDutyServer> {
  const token = 'y_NbAkKc66ryYTWUXYEu'
  const email = 'robot@example.com'
  const state: PagerDutyState = {
    incidents: [],
    services: ['PIJ90N7'],
    priorities: ['P1', 'P2', 'P3', 'P4', 'P5'].map((name) => ({ id: `P53ZZ${name}`, name })),
    hasPriorities: true,
    users: [
      { id: 'PXPGF41', email, name: 'Robot' },
      { id: 'PXPGF42', email: 'mia@example.com', name: 'Mia Krystof' },
      { id: 'PXPGF43', email: 'mia@example.com.au', name: 'Mia Other' },
    ],
    mayWrite: true,
    isUserKey: false,
    listsLate: 0,
  }
  const served = await serve((call) => {
    if (call.headers['authorization'] !== `Token token=${token}`) return { status: 401, body: 'Access Denied' }
    if (!String(call.headers['accept']).startsWith('application/vnd.pagerduty+json;version=2')) return { status: 406 }
    return createPagerDuty(state, email).answer(call)
  })
  return { ...served, token, email, state }
}

function refused(status: number, message: string, code: number, errors: string[] = []): Reply {
  return { status, body: { error: { message, code, ...(errors.length > 0 ? { errors } : {}) } } }
}

const invalid = (...errors: string[]) => refused(400, 'Invalid Input Provided', 2001, errors)

function createPagerDuty(state: PagerDutyState, email: string) {
  function answer({ method, path, query, headers, body }: Call): Reply {
    const at = `${method} ${path}`
    if (at === 'GET /users/me') return currentUser()
    if (at === 'GET /priorities') return listPriorities()
    if (at === 'GET /users') return ok({ users: findUsers(query.get('query') ?? ''), limit: 100, offset: 0 })
    if (at === 'GET /incidents') return list(query)
    if (method !== 'GET' && !state.isUserKey) {
      if (headers['from'] === undefined) return invalid('From header is required')
      if (headers['from'] !== email) return invalid('Requester User Not Found')
    }
    if (method !== 'GET' && !state.mayWrite) return refused(403, 'Access Denied', 2010)
    if (at === 'POST /incidents') return create((body as { incident?: Record<string, unknown> })?.incident ?? {})
    const [, id, notes] = /^\/incidents\/(\w+)(\/notes)?$/.exec(path) ?? []
    const isMeant = (one: Incident) => one.id === id || (method === 'GET' && !notes && String(one.number) === id)
    const incident = state.incidents.find(isMeant)
    if (!incident) return refused(404, 'Not Found', 2100)
    switch (`${method} ${notes ?? ''}`) {
      case 'GET ':
        return ok({ incident: shown(incident) })
      case 'PUT ':
        return update(incident, (body as { incident?: Record<string, unknown> })?.incident ?? {})
      case 'GET /notes':
        return ok({ notes: incident.notes.map(note) })
      case 'POST /notes':
        return addNote(incident, (body as { note?: { content?: string } })?.note?.content)
      default:
        return { status: 405 }
    }
  }

  function listPriorities(): Reply {
    if (!state.hasPriorities) return refused(402, 'Account does not have the ability to perform the action', 2014)
    const [example] = pagerdutyExample('priorities')['priorities']
    const priorities = state.priorities.map(({ id, name }) => ({ ...example, id, name, summary: name }))
    return ok({ priorities })
  }

  function currentUser(): Reply {
    if (!state.isUserKey) return { status: 400, body: { error: 'Not possible with an account-level access token' } }
    return ok({ user: findUsers('')[0] })
  }

  function findUsers(text: string): object[] {
    const [example] = pagerdutyExample('users')['users']
    const found = state.users.filter(({ email, name }) => `${email} ${name}`.includes(text.toLowerCase()))
    return found.map((user) => ({ ...example, ...user }))
  }

  /** Without a key it lists everything. */
  function list(query: URLSearchParams): Reply {
    const key = query.get('incident_key')
    const isLate = state.listsLate-- > 0
    const found = isLate ? [] : state.incidents.filter((one) => !key || one.key === key)
    return ok({ incidents: found.map(shown), limit: 25, offset: 0, total: null, more: false })
  }

  function create(asked: Record<string, unknown>): Reply {
    const { type, title, service, incident_key: key, priority, assignments, escalation_policy } = asked
    const errors = [
      ...(type === 'incident' ? [] : ['Type must be incident']),
      ...(typeof title === 'string' && title.trim() ? [] : ['Title cannot be empty']),
      ...(state.services.includes((service as { id: string })?.id) ? [] : ['Service cannot be found']),
      ...(assignments && escalation_policy ? ['Assignments cannot be given with an escalation policy'] : []),
      ...findError(asked),
      ...(priority && !hasPriority(priority) ? ['Priority cannot be found'] : []),
    ]
    if (errors.length > 0) return invalid(...errors)
    if (key && state.incidents.some((one) => one.key === key && one.status !== 'resolved')) {
      const error = 'Open incident with matching dedup key already exists on this service'
      return refused(400, 'Arguments Caused Error', 2002, [error])
    }
    const number = 1234 + state.incidents.length
    const incident: Incident = {
      id: `PT4KHL${number}`,
      number,
      key: key as string | undefined,
      status: 'triggered',
      asked,
      notes: [],
      resolution: undefined,
    }
    state.incidents.push(incident)
    return { status: 201, body: { incident: shown(incident) } }
  }

  function update(incident: Incident, { type, status, resolution, ...asked }: Record<string, unknown>): Reply {
    const errors = [
      ...(type === 'incident' || type === 'incident_reference' ? [] : ['Type must be incident or incident_reference']),
      ...(isPossible(incident.status, status) ? [] : ['Status is not valid']),
      ...(incident.status === 'resolved' && !status ? ['Incident Already Resolved'] : []),
      ...findError(asked),
      ...(asked['body'] ? ['Body cannot be changed'] : []),
    ]
    if (errors.length > 0) return invalid(...errors)
    Object.assign(incident.asked, asked)
    if (status) incident.status = status as Incident['status']
    if (resolution) incident.resolution = String(resolution)
    return ok({ incident: shown(incident) })
  }

  function findError({ urgency, assignments }: Record<string, unknown>): string[] {
    const users = ((assignments ?? []) as { assignee: { id: string } }[]).map(({ assignee }) => assignee.id)
    return [
      ...(urgency === undefined || urgency === 'high' || urgency === 'low'
        ? []
        : ['Urgency must be one of: high, low']),
      ...(users.every((id) => state.users.some((user) => user.id === id)) ? [] : ['Assignee cannot be found']),
    ]
  }

  function hasPriority(priority: unknown): boolean {
    return state.priorities.some(({ id }) => id === (priority as { id?: string }).id)
  }

  function addNote(incident: Incident, content: string | undefined): Reply {
    if (!content?.trim()) return invalid('Content cannot be empty')
    incident.notes.unshift(content)
    return ok({ note: note(content) })
  }

  return { answer }
}

/** A resolved incident is reopened by another status. */
function isPossible(before: Incident['status'], status: unknown): boolean {
  if (status === undefined) return true
  return status === 'acknowledged' || status === (before === 'resolved' ? 'triggered' : 'resolved')
}

function shown({ id, number, key, status, asked }: Incident): object {
  const { incident } = pagerdutyExample('incident')
  const { title = '', urgency = 'high', priority = null } = asked
  const links = {
    self: `https://api.pagerduty.com/incidents/${id}`,
    html_url: `https://acme.pagerduty.com/incidents/${id}`,
  }
  const summary = `[#${number}] ${title}`
  return {
    ...incident,
    id,
    incident_number: number,
    status,
    title,
    summary,
    ...links,
    incident_key: key ?? 'made-up',
    urgency,
    priority,
  }
}

function note(content: string): object {
  const [example] = pagerdutyExample('notes')['notes']
  return { ...example, content }
}
