import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface Note {
  id: number
  body: string
  system: boolean
  created_at: string
}

interface Issue {
  id: number
  iid: number
  title: string
  description: string | null
  state: 'opened' | 'closed'
  labels: string[]
  assignees: number[]
  issue_type: string
  confidential: boolean
  created_at: string
  notes: Note[]
}

/** The state of the fake. Tests read and change it. */
interface GitlabState {
  issues: Issue[]
  users: { id: number; username: string; name: string }[]
  /** With a paid plan, an issue has at most one scoped label per scope. The free edition treats them as ordinary labels. */
  premium: boolean
  /** Whether issues are enabled in the project. */
  issuesEnabled: boolean
}

export interface GitlabServer extends Served {
  token: string
  /** A read-only token. */
  readToken: string
  state: GitlabState
}

const project = { id: 4, path: 'ops/shop/checkout' }
const TYPES = ['issue', 'incident', 'test_case', 'task']
const CHANGEABLE = ['title', 'description', 'labels', 'add_labels', 'assignee_ids', 'issue_type', 'state_event']
const OTHER_FIELDS = ['confidential', 'due_date', 'milestone_id', 'remove_labels', 'assignee_id', 'discussion_locked']

/**
 * A fake of GitLab's REST API v4, with one project.
 *
 * @see https://docs.gitlab.com/api/issues/
 * @see https://docs.gitlab.com/api/rest/troubleshooting/
 */
export async function startGitlab(): Promise<GitlabServer> {
  const token = 'glpat-a-token-of-gitlab'
  const readToken = 'glpat-a-token-that-reads'
  const state: GitlabState = {
    issues: [],
    users: [
      { id: 1, username: 'robot', name: 'Robby Robot' },
      { id: 18, username: 'mia', name: 'Mia Krystof' },
    ],
    premium: true,
    issuesEnabled: true,
  }
  const served = await serve((call) => {
    const given = call.headers['private-token']
    if (given !== token && given !== readToken) return refuse(401, '401 Unauthorized')
    if (given === readToken && call.method !== 'GET') return insufficientScope
    return createGitlab(state, served.url).answer(call)
  })
  return { ...served, token, readToken, state }
}

const insufficientScope: Reply = {
  status: 403,
  body: {
    error: 'insufficient_scope',
    error_description: 'The request requires higher privileges than provided by the access token.',
    scope: 'api',
  },
}

function refuse(status: number, message: unknown): Reply {
  return { status, body: { message } }
}

function invalid(error: string): Reply {
  return { status: 400, body: { error } }
}

function createGitlab(state: GitlabState, url: string) {
  function answer({ method, path, encodedPath, query, body }: Call): Reply {
    const { users } = state
    if (path === '/api/v4/user') return ok({ ...users[0], state: 'active' })
    if (path === '/api/v4/users') {
      const found = users.filter(({ username }) => username === query.get('username')?.toLowerCase())
      return ok(found.map((user) => userResponse(user.id)))
    }
    // GitLab takes the path of a project as one segment: `ops%2Fshop`.
    const parts = /^\/api\/v4\/projects\/([^/]+)\/issues(?:\/(\d+)(\/notes)?)?$/.exec(encodedPath) ?? []
    const [, at = '', iid, notes] = parts
    if (![project.path, String(project.id)].includes(decodeURIComponent(at)))
      return refuse(404, '404 Project Not Found')
    if (!state.issuesEnabled) return refuse(403, '403 Forbidden')
    const fields = (body ?? {}) as Record<string, unknown>
    if (iid === undefined) return method === 'GET' ? list(query) : create(fields)
    const issue = state.issues.find((one) => String(one.iid) === iid)
    if (!issue) return refuse(404, '404 Issue Not Found')
    if (notes) return method === 'GET' ? listNotes(issue, query) : addComment(issue, fields)
    if (method === 'GET') return ok(toResponse(issue))
    return method === 'PUT' ? update(issue, fields) : refuse(405, '405 Method Not Allowed')
  }

  function list(query: URLSearchParams): Reply {
    const after = Date.parse(query.get('created_after') ?? '1970-01-01')
    const wanted = query.get('state') ?? 'all'
    const found = state.issues
      .filter((one) => Date.parse(one.created_at) >= after && (wanted === 'all' || one.state === wanted))
      .sort((one, other) => Date.parse(other.created_at) - Date.parse(one.created_at) || other.iid - one.iid)
    if (query.get('sort') === 'asc') found.reverse()
    return page(found.map(toResponse), query)
  }

  function create(fields: Record<string, unknown>): Reply {
    if (fields['title'] === undefined) return invalid('title is missing')
    const wrong = findError(fields)
    if (wrong) return wrong
    const iid = state.issues.length + 1
    const issue: Issue = {
      id: 80 + iid,
      iid,
      title: '',
      description: null,
      state: 'opened',
      labels: [],
      assignees: [],
      issue_type: 'issue',
      confidential: false,
      created_at: new Date().toISOString(),
      notes: [],
    }
    setFields(issue, fields)
    state.issues.push(issue)
    return { status: 201, body: toResponse(issue) }
  }

  function update(issue: Issue, fields: Record<string, unknown>): Reply {
    if (![...CHANGEABLE, ...OTHER_FIELDS].some((name) => name in fields)) {
      return invalid(
        `${[...OTHER_FIELDS, ...CHANGEABLE].join(', ')} are missing, at least one parameter must be provided`,
      )
    }
    const wrong = findError(fields)
    if (wrong) return wrong
    setFields(issue, fields)
    return ok(toResponse(issue))
  }

  function findError(fields: Record<string, unknown>): Reply | undefined {
    const { title, issue_type, state_event, labels, add_labels } = fields
    if (issue_type !== undefined && !TYPES.includes(String(issue_type))) {
      return invalid('issue_type does not have a valid value')
    }
    if (state_event !== undefined && !['close', 'reopen'].includes(String(state_event))) {
      return invalid('state_event does not have a valid value')
    }
    for (const [name, value] of Object.entries({ labels, add_labels })) {
      if (value !== undefined && typeof value !== 'string') return invalid(`${name} is invalid`)
    }
    if (title === '') return refuse(400, { title: ["can't be blank"] })
    if (String(title ?? '').length > 255) return refuse(400, { title: ['is too long (maximum is 255 characters)'] })
    return undefined
  }

  function setFields(issue: Issue, fields: Record<string, unknown>): void {
    const { title, description, labels, add_labels, assignee_ids, issue_type, state_event, confidential } = fields
    if (title !== undefined) issue.title = String(title)
    if (description !== undefined) issue.description = runQuickActions(issue, String(description))
    if (labels !== undefined) issue.labels = []
    for (const label of `${labels ?? ''},${add_labels ?? ''}`.split(',').filter(Boolean)) addLabel(issue, label)
    // GitLab ignores users that cannot be assigned, and assigns one user only without a paid plan.
    if (Array.isArray(assignee_ids)) {
      const known = assignee_ids.filter((id) => state.users.some((user) => user.id === id))
      issue.assignees = state.premium ? known : known.slice(0, 1)
    }
    if (issue_type !== undefined) issue.issue_type = String(issue_type)
    if (confidential !== undefined) issue.confidential = Boolean(confidential)
    if (state_event) issue.state = state_event === 'close' ? 'closed' : 'opened'
  }

  function addLabel(issue: Issue, label: string): void {
    const name = label.trim()
    const scope = /^.*::/.exec(name)?.[0]
    const others = issue.labels.filter((one) => one !== name && !(state.premium && scope && one.startsWith(scope)))
    issue.labels = [...others, name]
  }

  /** Runs the quick actions in a text, and returns the text without their lines. */
  function runQuickActions(issue: Issue, text: string): string {
    return text
      .replaceAll('\r', '')
      .split('\n')
      .filter((line) => {
        const [, command, argument = ''] = /^\/(close|confidential|label)(?: (.*))?$/i.exec(line) ?? []
        if (command === 'close') issue.state = 'closed'
        if (command === 'confidential') issue.confidential = true
        if (command === 'label') addLabel(issue, argument.replace('~', ''))
        return command === undefined
      })
      .join('\n')
  }

  function addComment(issue: Issue, { body }: Record<string, unknown>): Reply {
    if (typeof body !== 'string') return invalid('body is missing')
    const text = runQuickActions(issue, body)
    if (text.trim() === '') {
      if (text === body) return refuse(400, { note: ["can't be blank"] })
      return { status: 202, body: { commands_changes: {}, summary: ['Applied.'] } }
    }
    const note = { id: 302 + issue.notes.length, body: text, system: false, created_at: new Date().toISOString() }
    issue.notes.push(note)
    return { status: 201, body: note }
  }

  function listNotes(issue: Issue, query: URLSearchParams): Reply {
    return page(query.get('sort') === 'asc' ? issue.notes : [...issue.notes].reverse(), query)
  }

  function userResponse(id: number) {
    const user = state.users.find((one) => one.id === id)
    return { ...user, state: 'active', web_url: `${url}/${user?.username}` }
  }

  function toResponse(issue: Issue) {
    const { notes, assignees, ...shown } = issue
    return {
      ...shown,
      project_id: project.id,
      assignees: assignees.map((id) => userResponse(id)),
      user_notes_count: notes.length,
      web_url: `${url}/${project.path}/-/issues/${issue.iid}`,
      references: {
        short: `#${issue.iid}`,
        relative: `#${issue.iid}`,
        full: `${project.path}#${issue.iid}`,
      },
    }
  }

  return { answer }
}

function page(all: unknown[], query: URLSearchParams): Reply {
  const perPage = Math.min(100, Number(query.get('per_page') ?? 20))
  const start = (Number(query.get('page') ?? 1) - 1) * perPage
  return ok(all.slice(start, start + perPage))
}
