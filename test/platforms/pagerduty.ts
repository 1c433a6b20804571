import { readFileSync } from 'node:fs'
import { definePlatform } from '../../infra/testing/define-platform.ts'
import type { Call, Reply } from '../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../infra/testing/require-header.ts'

type Fields = Record<string, unknown>
type Status = 'triggered' | 'acknowledged' | 'resolved'
type State = ReturnType<typeof initial>

interface Incident {
  id: string
  number: number
  key: string | undefined
  status: Status
  /** The fields that the requests set. */
  fields: Fields
  notes: string[]
  /** The resolution. Only the log contains it. */
  resolution: string | undefined
}

export const PAGERDUTY_TOKEN = 'y_NbAkKc66ryYTWUXYEu'
const EMAIL = 'robot@example.com'
const VERSION = 'application/vnd.pagerduty+json;version=2'

const initial = () => ({
  incidents: [] as Incident[],
  services: ['PIJ90N7'],
  priorities: ['P1', 'P2', 'P3', 'P4', 'P5'].map((name) => ({ id: `P53ZZ${name}`, name })),
  /** The plan includes priorities. */
  hasPriorities: true,
  users: [
    { id: 'PXPGF41', email: EMAIL, name: 'Robot' },
    { id: 'PXPGF42', email: 'mia@example.com', name: 'Mia Krystof' },
    { id: 'PXPGF43', email: 'mia@example.com.au', name: 'Mia Other' },
  ],
  mayWrite: true,
  /** The key belongs to a user, who is then the author of all changes. */
  isUserKey: false,
  /** The number of look-ups that do not return any incidents yet. */
  listsLate: 0,
})

/** Returns an example response of PagerDuty's OpenAPI document. */
// biome-ignore lint/suspicious/noExplicitAny: the examples have a different structure each.
export function pagerdutyExample(name: string): Record<string, any> {
  return JSON.parse(readFileSync(new URL(`../fixtures/pagerduty/${name}.json`, import.meta.url), 'utf8'))
}

/**
 * A fake of PagerDuty's REST API v2, in the format of the examples of its OpenAPI document.
 *
 * @see https://github.com/PagerDuty/api-schema/blob/main/reference/REST/openapiv3.json
 */
export const startPagerDuty = definePlatform({
  state: initial,
  refuses: (call, { isUserKey, mayWrite }) => {
    const refusal = refuseHeaders(call)
    if (refusal || call.method === 'GET') return refusal
    const { from } = call.headers
    if (!isUserKey && from === undefined) return invalid(['From header is required'])
    if (!isUserKey && from !== EMAIL) return invalid(['Requester User Not Found'])
    return mayWrite ? undefined : refused(403, 'Access Denied', 2010)
  },
  routes: {
    'GET /users/me': ({ state }) =>
      state.isUserKey
        ? { user: usersWith(state, '')[0] }
        : { status: 400, body: { error: 'Not possible with an account-level access token' } },
    'GET /users': ({ state, query }) => ({ users: usersWith(state, query.get('query') ?? ''), limit: 100, offset: 0 }),
    'GET /priorities': ({ state }) => {
      if (!state.hasPriorities) return refused(402, 'Account does not have the ability to perform the action', 2014)
      const [example] = pagerdutyExample('priorities')['priorities']
      return { priorities: state.priorities.map(({ id, name }) => ({ ...example, id, name, summary: name })) }
    },
    // PagerDuty lists all incidents if the request has no key.
    'GET /incidents': ({ state, query }) => {
      const key = query.get('incident_key')
      const isLate = state.listsLate-- > 0
      const found = isLate ? [] : state.incidents.filter((incident) => !key || incident.key === key)
      return { incidents: found.map(toResponse), limit: 25, offset: 0, total: null, more: false }
    },
    'POST /incidents': ({ state, body }) => create(state, body.incident ?? {}),
    'GET /incidents/{id}': ({ state, params }) => {
      const found = state.incidents.find(({ id, number }) => id === params.id || String(number) === params.id)
      return found && { incident: toResponse(found) }
    },
    'PUT /incidents/{id}': ({ state, params, body }) => {
      const incident = state.incidents.find(({ id }) => id === params.id)
      return incident && update(state, incident, body.incident ?? {})
    },
    'GET /incidents/{id}/notes': ({ state, params }) => {
      const incident = state.incidents.find(({ id }) => id === params.id)
      return incident && { notes: incident.notes.map(toNote) }
    },
    'POST /incidents/{id}/notes': ({ state, params, body }) => {
      const incident = state.incidents.find(({ id }) => id === params.id)
      const content: string = body.note?.content ?? ''
      if (incident && !content.trim()) return invalid(['Content cannot be empty'])
      incident?.notes.unshift(content)
      return incident && { note: toNote(content) }
    },
  },
  notFound: refused(404, 'Not Found', 2100),
  members: () => ({ token: PAGERDUTY_TOKEN, email: EMAIL }),
})

const requireToken = requireHeader('authorization', `Token token=${PAGERDUTY_TOKEN}`, {
  status: 401,
  body: 'Access Denied',
})

/** Refuses requests without the token or the version of the REST API. */
export function refuseHeaders(call: Call): Reply | undefined {
  return requireToken(call) ?? (String(call.headers['accept']).startsWith(VERSION) ? undefined : { status: 406 })
}

/** Returns an error of the REST API. */
export function refused(status: number, message: string, code: number, errors?: string[]): Reply {
  return { status, body: { error: { message, code, errors } } }
}

/** Returns the error for invalid input. */
export function invalid(errors: string[]): Reply {
  return refused(400, 'Invalid Input Provided', 2001, errors)
}

/** Returns the errors whose checks failed. */
export function failedChecks(checks: Record<string, unknown>): string[] {
  return Object.keys(checks).filter((error) => !checks[error])
}

function usersWith({ users }: State, text: string): object[] {
  const [example] = pagerdutyExample('users')['users']
  const found = users.filter(({ email, name }) => `${email} ${name}`.includes(text.toLowerCase()))
  return found.map((user) => ({ ...example, ...user }))
}

function create(state: State, fields: Fields): Reply {
  const { type, title, service, incident_key: key, priority, assignments, escalation_policy } = fields
  const errors = failedChecks({
    'Type must be incident': type === 'incident',
    'Title cannot be empty': typeof title === 'string' && title.trim(),
    'Service cannot be found': state.services.includes((service as { id: string })?.id),
    'Assignments cannot be given with an escalation policy': !assignments || !escalation_policy,
    ...checksOf(state, fields),
    'Priority cannot be found': !priority || state.priorities.some(({ id }) => id === (priority as { id?: string }).id),
  })
  if (errors.length > 0) return invalid(errors)
  if (key && state.incidents.some((incident) => incident.key === key && incident.status !== 'resolved')) {
    const error = 'Open incident with matching dedup key already exists on this service'
    return refused(400, 'Arguments Caused Error', 2002, [error])
  }
  const number = 1234 + state.incidents.length
  const incident: Incident = {
    id: `PT4KHL${number}`,
    number,
    key: key as string | undefined,
    status: 'triggered',
    fields,
    notes: [],
    resolution: undefined,
  }
  state.incidents.push(incident)
  return { status: 201, body: { incident: toResponse(incident) } }
}

function update(state: State, incident: Incident, { type, status, resolution, ...fields }: Fields): object | Reply {
  const errors = failedChecks({
    'Type must be incident or incident_reference': type === 'incident' || type === 'incident_reference',
    'Status is not valid': status === undefined || isPossible(incident.status, status),
    'Incident Already Resolved': incident.status !== 'resolved' || status,
    ...checksOf(state, fields),
    'Body cannot be changed': !fields['body'],
  })
  if (errors.length > 0) return invalid(errors)
  Object.assign(incident.fields, fields)
  if (status) incident.status = status as Status
  if (resolution) incident.resolution = String(resolution)
  return { incident: toResponse(incident) }
}

function checksOf({ users }: State, { urgency = 'high', assignments = [] }: Fields): Record<string, boolean> {
  const assignees = (assignments as { assignee: { id: string } }[]).map(({ assignee }) => assignee.id)
  return {
    'Urgency must be one of: high, low': urgency === 'high' || urgency === 'low',
    'Assignee cannot be found': assignees.every((assignee) => users.some(({ id }) => id === assignee)),
  }
}

/** Returns whether an incident can enter a status. A resolved incident can be reopened. */
function isPossible(before: Status, status: unknown): boolean {
  return status === 'acknowledged' || status === (before === 'resolved' ? 'triggered' : 'resolved')
}

function toResponse({ id, number, key, status, fields }: Incident): object {
  const { title = '', urgency = 'high', priority = null } = fields
  return {
    ...pagerdutyExample('incident')['incident'],
    id,
    incident_number: number,
    status,
    title,
    summary: `[#${number}] ${title}`,
    self: `https://api.pagerduty.com/incidents/${id}`,
    html_url: `https://acme.pagerduty.com/incidents/${id}`,
    incident_key: key ?? 'made-up',
    urgency,
    priority,
  }
}

function toNote(content: string): object {
  const [example] = pagerdutyExample('notes')['notes']
  return { ...example, content }
}
