import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'
import { allowedStatuses, findStatus, type Issue, type RedmineState, setFields, time } from './redmine-issue.ts'
import {
  CREATED_ON,
  currentUser,
  defaultUsers,
  fullName,
  listMemberships,
  listUsers,
  type Named,
  project,
  type User,
} from './redmine-people.ts'

export interface RedmineServer extends Served {
  /** The key of a manager. */
  token: string
  /** The keys of users who may more or less, by their login. */
  keys: Record<string, string>
  state: RedmineState
}

/**
 * Redmine 6 as its REST API answers: what it accepts and says is in `test/fixtures/redmine`, recorded from a real one.
 *
 * @see https://www.redmine.org/projects/redmine/wiki/Rest_api
 */
export async function startRedmine(): Promise<RedmineServer> {
  const state: RedmineState = {
    issues: [],
    statuses: ['New', 'In Progress', 'Resolved', 'Feedback', 'Closed', 'Rejected'].map((name, at) => ({
      id: at + 1,
      name,
      is_closed: at > 3,
    })),
    priorities: ['Low', 'Normal', 'High', 'Urgent', 'Immediate'].map((name, at) => ({
      id: at + 1,
      name,
      is_default: at === 1,
      active: true,
    })),
    trackers: ['Bug', 'Feature', 'Support'].map((name, at) => ({ id: at + 1, name })),
    users: defaultUsers(),
    workflow: { editor: { 1: [2] } },
    readOnly: [],
  }
  const served = await serve((call) => createRedmine(state).answer(call))
  const keys = Object.fromEntries(state.users.map(({ login, key }) => [login, key]))
  return { ...served, token: keys['robot'] ?? '', keys, state }
}

const empty = (status: number): Reply => ({ status, headers: { 'content-type': 'application/json' } })

function invalid(errors: string[]): Reply {
  return { status: 422, body: { errors } }
}

function createRedmine(state: RedmineState) {
  function answer({ method, path, query, headers, body }: Call): Reply {
    const user = state.users.find(({ key }) => key === headers['x-redmine-api-key'])
    const at = `${method} ${path}`
    // A real Redmine shows public projects without a key.
    if (!user) return empty(401)
    if (typeof body === 'string') return { status: 400, body: { status: 400, error: 'Bad Request' } }
    if (at === 'GET /users/current.json') return currentUser(user)
    if (at === 'GET /users.json') return user.admin ? listUsers(state.users, query.get('name') ?? '') : empty(403)
    if (at === 'GET /issue_statuses.json') {
      return ok({ issue_statuses: state.statuses.map((one) => ({ ...one, description: null })) })
    }
    if (at === 'GET /enumerations/issue_priorities.json') {
      return ok({ issue_priorities: state.priorities })
    }
    if (at === 'GET /issues.json') return list(query)
    if (at === 'POST /issues.json') return create(user, body)
    const [, inProject, memberships] = /^\/projects\/([^/]+?)(\/memberships)?\.json$/.exec(path) ?? []
    if (method === 'GET' && inProject) {
      if (inProject !== project.identifier && inProject !== String(project.id)) return empty(404)
      return memberships ? listMemberships(state.users, query) : getProject(query)
    }
    const issue = state.issues.find(({ id }) => path === `/issues/${id}.json`)
    if (!issue) return empty(404)
    if (method === 'GET') {
      return ok({ issue: toResponse(issue, user, query.get('include')?.split(',')) })
    }
    return method === 'PUT' ? update(issue, user, body) : empty(404)
  }

  function getProject(query: URLSearchParams): Reply {
    const more = { description: null, homepage: '', status: 1, is_public: true, inherit_members: false }
    const trackers = query.get('include') === 'trackers' ? { trackers: state.trackers } : {}
    const body = { project: { ...project, ...more, ...trackers, created_on: CREATED_ON, updated_on: CREATED_ON } }
    return { status: 200, body }
  }

  function list(query: URLSearchParams): Reply {
    const asked = query.get('project_id')
    if (asked && asked !== project.identifier && asked !== String(project.id)) return empty(404)
    const text = query.get('description')
    // Redmine ignores unknown filters.
    const found = state.issues.filter(
      ({ description, status }) =>
        (!text?.startsWith('~') || description?.includes(text.slice(1))) &&
        (query.get('status_id') === '*' || !findStatus(state, status).is_closed),
    )
    const limit = Math.min(100, Number(query.get('limit') ?? 25))
    const issues = found.slice(0, limit).map((issue) => toResponse(issue))
    return ok({ issues, total_count: found.length, offset: 0, limit })
  }

  function create(user: User, body: unknown): Reply {
    const asked = fieldsOf(body)
    const known = asked['project_id'] === project.identifier || asked['project_id'] === project.id
    if (!known || !user.may.edit) {
      const subject = asked['subject'] ? [] : ['Subject cannot be blank']
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
    const errors = setFields(state, issue, user, { subject: '', ...asked })
    if (errors.length > 0) return invalid(errors)
    issue.journals = []
    state.issues.push(issue)
    return { status: 201, body: { issue: toResponse(issue) } }
  }

  function update(issue: Issue, user: User, body: unknown): Reply {
    if (!user.may.edit) return empty(403)
    const changed = { ...issue, journals: [...issue.journals] }
    const errors = setFields(state, changed, user, fieldsOf(body))
    if (errors.length > 0) return invalid(errors)
    Object.assign(issue, changed, { updated: time() })
    return { status: 204, headers: { 'content-type': '' } }
  }

  function toResponse(issue: Issue, user?: User, include: string[] = []) {
    const { id, subject, description, assignee, journals } = issue
    const person = state.users.find((one) => one.id === assignee)
    const author = state.users.find((one) => one.id === issue.author)
    return {
      id,
      project: { id: project.id, name: project.name },
      tracker: state.trackers.find((one) => one.id === issue.tracker),
      status: findStatus(state, issue.status),
      priority: named(state.priorities.find((one) => one.id === issue.priority)),
      author: author && fullName(author),
      ...(person ? { assigned_to: fullName(person) } : {}),
      subject,
      description,
      start_date: issue.created.slice(0, 10),
      due_date: null,
      done_ratio: 0,
      is_private: false,
      estimated_hours: null,
      total_estimated_hours: null,
      created_on: issue.created,
      updated_on: issue.updated,
      closed_on: issue.closed,
      ...(include.includes('journals') ? { journals } : {}),
      ...(include.includes('allowed_statuses') && user
        ? { allowed_statuses: allowedStatuses(state, issue, user) }
        : {}),
    }
  }

  return { answer }
}

function fieldsOf(body: unknown): Record<string, unknown> {
  return (body as { issue?: Record<string, unknown> } | undefined)?.issue ?? {}
}

function named({ id, name }: Named = { id: 0, name: '' }): Named {
  return { id, name }
}
