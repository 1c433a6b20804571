import { type Call, ok, type Reply, type Served, serve } from './loopback-server.ts'

interface Named {
  id: number
  name: string
}

interface Status extends Named {
  is_closed: boolean
}

interface User {
  id: number
  login: string
  firstname: string
  lastname: string
  mail: string
  key: string
  admin: boolean
  member: boolean
  /** The permissions of a user. Redmine rejects or silently ignores everything else. */
  may: { edit: boolean; addNotes: boolean }
}

interface Journal {
  id: number
  user: Named
  notes: string
  created_on: string
  updated_on: string
  private_notes: boolean
  details: { property: string; name: string; old_value: string | null; new_value: string | null }[]
}

interface Issue {
  id: number
  tracker: number
  status: number
  priority: number
  author: number
  assignee: number | undefined
  subject: string
  description: string | null
  created: string
  updated: string
  closed: string | null
  journals: Journal[]
}

/** The state of the fake. Tests read and change it. */
interface RedmineState {
  issues: Issue[]
  statuses: Status[]
  priorities: (Named & { is_default: boolean; active: boolean })[]
  trackers: Named[]
  users: User[]
  /** Allowed status transitions by login. Defaults to all. */
  workflow: Record<string, Record<number, number[]>>
  /** Fields that the workflow makes read-only. Redmine ignores them silently. */
  readOnly: string[]
}

export interface RedmineServer extends Served {
  /** The key of a manager. */
  token: string
  /** The keys of users who may more or less, by their login. */
  keys: Record<string, string>
  state: RedmineState
}

const project = { id: 1, name: 'Operations', identifier: 'ops' }
const CREATED_ON = '2026-11-24T15:01:48Z'

/**
 * Redmine 6 as its REST API answers: what it accepts and says is in `test/fixtures/redmine`, recorded from a real one.
 *
 * @see https://www.redmine.org/projects/redmine/wiki/Rest_api
 */
export async function startRedmine(): Promise<RedmineServer> {
  const user = (id: number, login: string, names: string, more: Partial<User> = {}): User => {
    const [firstname = '', lastname = ''] = names.split(' ')
    const key = `${login}-key-0123456789abcdef`
    const may = { edit: true, addNotes: true }
    return {
      id,
      login,
      firstname,
      lastname,
      mail: `${login}@example.com`,
      key,
      admin: false,
      member: true,
      may,
      ...more,
    }
  }
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
    users: [
      user(1, 'admin', 'Redmine Admin', { admin: true, member: false }),
      user(5, 'robot', 'Robby Robot'),
      user(6, 'mia', 'Mia Krystof'),
      user(7, 'editor', 'editor X', { may: { edit: true, addNotes: false } }),
      user(8, 'viewer', 'viewer X', { may: { edit: false, addNotes: false } }),
    ],
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
    if (at === 'GET /users/current.json') return ok({ user: selfResponse(user) })
    if (at === 'GET /users.json') return listUsers(user, query.get('name') ?? '')
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
      return memberships ? listMemberships(query) : getProject(query)
    }
    const issue = state.issues.find(({ id }) => path === `/issues/${id}.json`)
    if (!issue) return empty(404)
    if (method === 'GET') {
      return ok({ issue: toResponse(issue, user, query.get('include')?.split(',')) })
    }
    return method === 'PUT' ? update(issue, user, body) : empty(404)
  }

  function selfResponse({ id, login, admin, firstname, lastname, key }: User) {
    const never = { last_login_on: null, passwd_changed_on: CREATED_ON, twofa_scheme: null }
    return {
      id,
      login,
      admin,
      firstname,
      lastname,
      created_on: CREATED_ON,
      updated_on: CREATED_ON,
      ...never,
      api_key: key,
    }
  }

  function listUsers({ admin }: User, asked: string): Reply {
    if (!admin) return empty(403)
    const found = state.users.filter(({ login, firstname, lastname, mail }) =>
      [login, firstname, lastname, mail].some((text) => text.includes(asked)),
    )
    const users = found.map(({ key: _, member: __, may: ___, ...user }) => ({
      id: user.id,
      login: user.login,
      admin: user.admin,
      firstname: user.firstname,
      lastname: user.lastname,
      mail: user.mail,
      created_on: CREATED_ON,
      updated_on: CREATED_ON,
      last_login_on: null,
      passwd_changed_on: CREATED_ON,
      twofa_scheme: null,
      status: 1,
    }))
    return ok({ users, total_count: users.length, offset: 0, limit: 100 })
  }

  function getProject(query: URLSearchParams): Reply {
    const more = { description: null, homepage: '', status: 1, is_public: true, inherit_members: false }
    const trackers = query.get('include') === 'trackers' ? { trackers: state.trackers } : {}
    const body = { project: { ...project, ...more, ...trackers, created_on: CREATED_ON, updated_on: CREATED_ON } }
    return { status: 200, body }
  }

  function listMemberships(query: URLSearchParams): Reply {
    const offset = Number(query.get('offset') ?? 0)
    const limit = Math.min(100, Number(query.get('limit') ?? 25))
    const all = state.users
      .filter(({ member }) => member)
      .map((user, at) => ({
        id: at + 1,
        project: { id: project.id, name: project.name },
        user: fullName(user),
        roles: [{ id: 3, name: 'Manager' }],
      }))
    const memberships = all.slice(offset, offset + limit)
    return ok({ memberships, total_count: all.length, offset, limit })
  }

  function list(query: URLSearchParams): Reply {
    const asked = query.get('project_id')
    if (asked && asked !== project.identifier && asked !== String(project.id)) return empty(404)
    const text = query.get('description')
    // Redmine ignores unknown filters.
    const found = state.issues.filter(
      ({ description, status }) =>
        (!text?.startsWith('~') || description?.includes(text.slice(1))) &&
        (query.get('status_id') === '*' || !findStatus(status).is_closed),
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
    const errors = setFields(issue, user, { subject: '', ...asked })
    if (errors.length > 0) return invalid(errors)
    issue.journals = []
    state.issues.push(issue)
    return { status: 201, body: { issue: toResponse(issue) } }
  }

  function update(issue: Issue, user: User, body: unknown): Reply {
    if (!user.may.edit) return empty(403)
    const changed = { ...issue, journals: [...issue.journals] }
    const errors = setFields(changed, user, fieldsOf(body))
    if (errors.length > 0) return invalid(errors)
    Object.assign(issue, changed, { updated: time() })
    return { status: 204, headers: { 'content-type': '' } }
  }

  /** Sets what may be set and leaves the rest out; answers what is wrong with what may be set. */
  function setFields(issue: Issue, user: User, asked: Record<string, unknown>): string[] {
    const errors: string[] = []
    const before = { ...issue }
    const given = (field: string) => field in asked && !state.readOnly.includes(field)
    if (given('subject')) {
      issue.subject = String(asked['subject'] ?? '').trim()
      if (issue.subject === '') errors.push('Subject cannot be blank')
      if ([...issue.subject].length > 255) errors.push('Subject is too long (maximum is 255 characters)')
    }
    if (given('description')) issue.description = String(asked['description']).replace(/\r?\n/g, '\r\n')
    if (given('tracker_id') && state.trackers.some(({ id }) => id === asked['tracker_id'])) {
      issue.tracker = Number(asked['tracker_id'])
    }
    if (given('status_id') && allowedStatuses(before, user).some(({ id }) => id === asked['status_id'])) {
      issue.status = Number(asked['status_id'])
      issue.closed = findStatus(issue.status).is_closed ? time() : issue.closed
    }
    if (given('priority_id')) {
      issue.priority = Number(asked['priority_id'])
      if (!state.priorities.some(({ id }) => id === issue.priority)) errors.push('Priority cannot be blank')
    }
    if (given('assigned_to_id')) {
      const id = asked['assigned_to_id']
      issue.assignee = id === '' ? undefined : Number(id === 'me' ? user.id : id)
      const member = state.users.some((one) => one.member && one.id === issue.assignee)
      if (issue.assignee !== undefined && !member) errors.push('Assignee is invalid')
    }
    addJournal(before, issue, user, user.may.addNotes ? String(asked['notes'] ?? '') : '')
    return errors
  }

  function addJournal(before: Issue, after: Issue, user: User, notes: string): void {
    const names = { subject: 'subject', description: 'description', tracker: 'tracker_id', status: 'status_id' }
    const fields = { ...names, priority: 'priority_id', assignee: 'assigned_to_id' } as const
    const details = (Object.keys(fields) as (keyof typeof fields)[])
      .filter((field) => before[field] !== after[field])
      .map((field) => ({
        property: 'attr',
        name: fields[field],
        old_value: before[field]?.toString() ?? null,
        new_value: after[field]?.toString() ?? null,
      }))
    if (details.length === 0 && notes === '') return
    const id = state.issues.flatMap(({ journals }) => journals).length + 1
    const when = { created_on: time(), updated_on: time() }
    after.journals.push({ id, user: fullName(user), notes, ...when, private_notes: false, details })
  }

  function findStatus(id: number): Status {
    const status = state.statuses.find((one) => one.id === id)
    if (!status) throw new Error(`There is no status ${id}`)
    return status
  }

  function allowedStatuses({ status }: Issue, { login }: User): Status[] {
    const onward = state.workflow[login]?.[status]
    return state.statuses.filter(({ id }) => id === status || !onward || onward.includes(id))
  }

  function toResponse(issue: Issue, user?: User, include: string[] = []) {
    const { id, subject, description, assignee, journals } = issue
    const person = state.users.find((one) => one.id === assignee)
    const author = state.users.find((one) => one.id === issue.author)
    return {
      id,
      project: { id: project.id, name: project.name },
      tracker: state.trackers.find((one) => one.id === issue.tracker),
      status: findStatus(issue.status),
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
      ...(include.includes('allowed_statuses') && user ? { allowed_statuses: allowedStatuses(issue, user) } : {}),
    }
  }

  return { answer }
}

function fieldsOf(body: unknown): Record<string, unknown> {
  return (body as { issue?: Record<string, unknown> } | undefined)?.issue ?? {}
}

function fullName({ id, firstname, lastname }: User): Named {
  return { id, name: `${firstname} ${lastname}` }
}

function named({ id, name }: Named = { id: 0, name: '' }): Named {
  return { id, name }
}

/** Redmine returns times without milliseconds. */
function time(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`
}
