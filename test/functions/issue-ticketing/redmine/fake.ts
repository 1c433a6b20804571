import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Call, Reply } from '../../../../infra/testing/loopback-server.ts'
import { issueInputs, playTickets, type TicketRow } from '../../../conformance/row.ts'
import {
  allowedStatuses,
  type Fields,
  findStatus,
  type Issue,
  initialState,
  type RedmineState,
  setFields,
  time,
} from './issue.ts'
import { accountOf, CREATED_ON, fullName, listMemberships, listUsers, project, type User } from './people.ts'

/**
 * A fake of the REST API of Redmine 6. `test/fixtures/redmine` contains recorded responses of a real Redmine.
 *
 * @see https://www.redmine.org/projects/redmine/wiki/Rest_api
 */
const startRedmine = definePlatform({
  state: initialState,
  refuses({ headers, body }, { users }) {
    // A real Redmine shows public projects without a key.
    if (!users.some(({ key }) => key === headers['x-redmine-api-key'])) return empty(401)
    return typeof body === 'string' ? { status: 400, body: { status: 400, error: 'Bad Request' } } : undefined
  },
  routes: {
    'GET /users/current.json': ({ state, headers }) => {
      const user = userOf(state, headers)
      return { user: { ...accountOf(user), api_key: user.key } }
    },
    'GET /users.json': ({ state, headers, query }) =>
      userOf(state, headers).admin ? listUsers(state.users, query.get('name') ?? '') : empty(403),
    'GET /issue_statuses.json': ({ state }) => ({
      issue_statuses: state.statuses.map((status) => ({ ...status, description: null })),
    }),
    'GET /enumerations/issue_priorities.json': ({ state }) => ({ issue_priorities: state.priorities }),
    'GET /projects/{id}.json': ({ state, params, query }) =>
      isProject(params.id) ? { project: projectOf(state, query.get('include') === 'trackers') } : undefined,
    'GET /projects/{id}/memberships.json': ({ state, params, query }) =>
      isProject(params.id) ? listMemberships(state.users, query) : undefined,
    'GET /issues.json': ({ state, query }) => list(state, query),
    'POST /issues.json': ({ state, headers, body }) => create(state, userOf(state, headers), body.issue ?? {}),
    'GET /issues/{id}.json': ({ state, headers, params, query }) => {
      const issue = state.issues.find(({ id }) => String(id) === params.id)
      if (!issue) return undefined
      const include = query.get('include')?.split(',') ?? []
      const journals = include.includes('journals') ? issue.journals : undefined
      const allowed_statuses = include.includes('allowed_statuses')
        ? allowedStatuses(state, issue, userOf(state, headers))
        : undefined
      return { issue: { ...toResponse(state, issue), journals, allowed_statuses } }
    },
    'PUT /issues/{id}.json': ({ state, headers, params, body }) => {
      const issue = state.issues.find(({ id }) => String(id) === params.id)
      return issue && update(state, issue, userOf(state, headers), body.issue ?? {})
    },
  },
  notFound: empty(404),
  members({ users }) {
    const keys = Object.fromEntries(users.map(({ login, key }) => [login, key]))
    /** The key of a manager, and the keys of all users by their logins. */
    return { token: keys['robot'] ?? '', keys }
  },
})

function empty(status: number): Reply {
  return { status, headers: { 'content-type': 'application/json' } }
}

function invalid(errors: string[]): Reply {
  return { status: 422, body: { errors } }
}

/** Returns the user of the key of a request. */
function userOf({ users }: RedmineState, headers: Call['headers']): User {
  const user = users.find(({ key }) => key === headers['x-redmine-api-key'])
  if (!user) throw new Error('The request has no key of a user')
  return user
}

function isProject(id: unknown): boolean {
  return id === project.identifier || String(id) === String(project.id)
}

function projectOf({ trackers }: RedmineState, hasTrackers: boolean): object {
  return {
    ...project,
    description: null,
    homepage: '',
    status: 1,
    is_public: true,
    inherit_members: false,
    trackers: hasTrackers ? trackers : undefined,
    created_on: CREATED_ON,
    updated_on: CREATED_ON,
  }
}

function list(state: RedmineState, query: URLSearchParams): object | undefined {
  if (!isProject(query.get('project_id') ?? project.id)) return undefined
  // Redmine ignores unknown filters.
  const text = query.get('description')
  const found = state.issues.filter(
    ({ description, status }) =>
      (!text?.startsWith('~') || description?.includes(text.slice(1))) &&
      (query.get('status_id') === '*' || !findStatus(state, status).is_closed),
  )
  const limit = Math.min(100, Number(query.get('limit') ?? 25))
  const issues = found.slice(0, limit).map((issue) => toResponse(state, issue))
  return { issues, total_count: found.length, offset: 0, limit }
}

function create(state: RedmineState, user: User, fields: Fields): Reply {
  if (!isProject(fields['project_id']) || !user.may.edit) {
    const subject = fields['subject'] ? [] : ['Subject cannot be blank']
    return invalid(['Project cannot be blank', 'Tracker cannot be blank', 'Status cannot be blank', ...subject])
  }
  const now = time()
  const issue: Issue = {
    id: state.issues.length + 1,
    tracker: 1,
    status: 1,
    priority: state.priorities.find(({ is_default }) => is_default)?.id ?? 1,
    author: user.id,
    assignee: undefined,
    subject: '',
    description: null,
    created: now,
    updated: now,
    closed: null,
    journals: [],
  }
  const errors = setFields(state, issue, user, { subject: '', ...fields })
  if (errors.length > 0) return invalid(errors)
  issue.journals = []
  state.issues.push(issue)
  return { status: 201, body: { issue: toResponse(state, issue) } }
}

function update(state: RedmineState, issue: Issue, user: User, fields: Fields): Reply {
  if (!user.may.edit) return empty(403)
  const changed = { ...issue, journals: [...issue.journals] }
  const errors = setFields(state, changed, user, fields)
  if (errors.length > 0) return invalid(errors)
  Object.assign(issue, changed, { updated: time() })
  return { status: 204, headers: { 'content-type': '' } }
}

function toResponse(state: RedmineState, issue: Issue): object {
  const assignee = state.users.find(({ id }) => id === issue.assignee)
  const author = state.users.find(({ id }) => id === issue.author)
  const { id = 0, name = '' } = state.priorities.find(({ id }) => id === issue.priority) ?? {}
  return {
    id: issue.id,
    project: { id: project.id, name: project.name },
    tracker: state.trackers.find(({ id }) => id === issue.tracker),
    status: findStatus(state, issue.status),
    priority: { id, name },
    author: author && fullName(author),
    assigned_to: assignee && fullName(assignee),
    subject: issue.subject,
    description: issue.description,
    start_date: issue.created.slice(0, 10),
    due_date: null,
    done_ratio: 0,
    is_private: false,
    estimated_hours: null,
    total_estimated_hours: null,
    created_on: issue.created,
    updated_on: issue.updated,
    closed_on: issue.closed,
  }
}

export const ticketRow = {
  writes: /^POST .*\/issues\.json$/,
  start: playTickets(startRedmine, 'issues', { project: 'ops' }),
  unknownId: '424242',
  ...issueInputs,
} satisfies TicketRow
