import { definePlatform } from '../../infra/testing/define-platform.ts'
import type { Call, Reply } from '../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../infra/testing/require-header.ts'

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
  web_url: string
  notes: Note[]
}

type State = ReturnType<typeof initial>
type Fields = Record<string, unknown>

const TOKEN = 'glpat-a-token-of-gitlab'
const READ_TOKEN = 'glpat-a-token-that-reads'
const PROJECT = { id: 4, path: 'ops/shop/checkout' }
const TYPES = ['issue', 'incident', 'test_case', 'task']
const CHANGEABLE = ['title', 'description', 'labels', 'add_labels', 'assignee_ids', 'issue_type', 'state_event']
const OTHER_FIELDS = ['confidential', 'due_date', 'milestone_id', 'remove_labels', 'assignee_id', 'discussion_locked']
const INSUFFICIENT_SCOPE: Reply = {
  status: 403,
  body: {
    error: 'insufficient_scope',
    error_description: 'The request requires higher privileges than provided by the access token.',
    scope: 'api',
  },
}
const checkToken = requireHeader('private-token', [TOKEN, READ_TOKEN], refuse(401, '401 Unauthorized'))

const initial = () => ({
  issues: [] as Issue[],
  users: [
    { id: 1, username: 'robot', name: 'Robby Robot' },
    { id: 18, username: 'mia', name: 'Mia Krystof' },
  ],
  /** A paid plan: an issue has at most one scoped label per scope. The free edition treats them as ordinary labels. */
  premium: true,
  /** Issues are enabled in the project. */
  issuesEnabled: true,
})

/**
 * A fake of GitLab's REST API v4, with one project.
 *
 * @see https://docs.gitlab.com/api/issues/
 * @see https://docs.gitlab.com/api/rest/troubleshooting/
 */
export const startGitlab = definePlatform({
  base: '/api/v4',
  state: initial,
  refuses: (call, { issuesEnabled }) => {
    if (call.method !== 'GET' && call.headers['private-token'] === READ_TOKEN) return INSUFFICIENT_SCOPE
    const refusal = checkToken(call) ?? refuseOtherProjects(call, PROJECT)
    const isForbidden = !issuesEnabled && call.path.startsWith('/api/v4/projects/')
    return refusal ?? (isForbidden ? refuse(403, '403 Forbidden') : undefined)
  },
  routes: {
    'GET /user': ({ state }) => ({ ...state.users[0], state: 'active' }),
    'GET /users': ({ state, query }) =>
      state.users.filter(({ username }) => username === query.get('username')?.toLowerCase()).map(userResponse),
    'GET /projects/{project}/issues': ({ state, query }) =>
      pageOf(list(state, query), query).map((issue) => toResponse(state, issue)),
    'POST /projects/{project}/issues': ({ state, body, headers }) => create(state, body, `http://${headers.host}`),
    'GET /projects/{project}/issues/{iid}': ({ state, params }) =>
      withIssue(state, params, (issue) => toResponse(state, issue)),
    'PUT /projects/{project}/issues/{iid}': ({ state, params, body }) =>
      withIssue(state, params, (issue) => update(state, issue, body) ?? toResponse(state, issue)),
    'GET /projects/{project}/issues/{iid}/notes': ({ state, params, query }) =>
      withIssue(state, params, ({ notes }) => pageOf(query.get('sort') === 'asc' ? notes : notes.toReversed(), query)),
    'POST /projects/{project}/issues/{iid}/notes': ({ state, params, body }) =>
      withIssue(state, params, (issue) => addComment(state, issue, body)),
  },
  notFound: refuse(405, '405 Method Not Allowed'),
  members: () => ({
    token: TOKEN,
    /** A read-only token. */
    readToken: READ_TOKEN,
  }),
})

/** Returns an error of GitLab. */
export function refuse(status: number, message: unknown): Reply {
  return { status, body: { message } }
}

function invalid(error: string): Reply {
  return { status: 400, body: { error } }
}

/** Refuses requests for another project. Its path is one segment: `ops%2Fshop`. */
export function refuseOtherProjects({ encodedPath }: Call, { id, path }: typeof PROJECT): Reply | undefined {
  const [collection, project = ''] = encodedPath.replace('/api/v4/', '').split('/')
  const isKnown = collection !== 'projects' || [path, String(id)].includes(decodeURIComponent(project))
  return isKnown ? undefined : refuse(404, '404 Project Not Found')
}

function withIssue({ issues }: State, params: { iid: string }, respond: (issue: Issue) => object): object {
  const issue = issues.find(({ iid }) => String(iid) === params.iid)
  return issue ? respond(issue) : refuse(404, '404 Issue Not Found')
}

function list({ issues }: State, query: URLSearchParams): Issue[] {
  const after = Date.parse(query.get('created_after') ?? '1970-01-01')
  const expected = query.get('state') ?? 'all'
  const found = issues
    .filter(({ created_at, state }) => Date.parse(created_at) >= after && (expected === 'all' || state === expected))
    .sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at) || b.iid - a.iid)
  return query.get('sort') === 'asc' ? found.reverse() : found
}

function pageOf<T>(items: T[], query: URLSearchParams): T[] {
  const perPage = Math.min(100, Number(query.get('per_page') ?? 20))
  const start = (Number(query.get('page') ?? 1) - 1) * perPage
  return items.slice(start, start + perPage)
}

function create(state: State, fields: Fields, url: string): Reply {
  if (fields['title'] === undefined) return invalid('title is missing')
  const refusal = refuseFields(fields)
  if (refusal) return refusal
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
    web_url: `${url}/${PROJECT.path}/-/issues/${iid}`,
    notes: [],
  }
  setFields(state, issue, fields)
  state.issues.push(issue)
  return { status: 201, body: toResponse(state, issue) }
}

function update(state: State, issue: Issue, fields: Fields): Reply | undefined {
  if (![...CHANGEABLE, ...OTHER_FIELDS].some((name) => name in fields))
    return invalid(
      `${[...OTHER_FIELDS, ...CHANGEABLE].join(', ')} are missing, at least one parameter must be provided`,
    )
  const refusal = refuseFields(fields)
  if (!refusal) setFields(state, issue, fields)
  return refusal
}

function refuseFields({ title, issue_type, state_event, labels, add_labels }: Fields): Reply | undefined {
  if (issue_type !== undefined && !TYPES.includes(String(issue_type)))
    return invalid('issue_type does not have a valid value')
  if (state_event !== undefined && !['close', 'reopen'].includes(String(state_event)))
    return invalid('state_event does not have a valid value')
  for (const [name, value] of Object.entries({ labels, add_labels }))
    if (value !== undefined && typeof value !== 'string') return invalid(`${name} is invalid`)
  if (title === '') return refuse(400, { title: ["can't be blank"] })
  if (String(title ?? '').length > 255) return refuse(400, { title: ['is too long (maximum is 255 characters)'] })
  return undefined
}

function setFields(state: State, issue: Issue, fields: Fields): void {
  const { title, description, labels, add_labels, assignee_ids, issue_type, state_event, confidential } = fields
  if (title !== undefined) issue.title = String(title)
  if (description !== undefined) issue.description = runQuickActions(state, issue, String(description))
  if (labels !== undefined) issue.labels = []
  for (const label of `${labels ?? ''},${add_labels ?? ''}`.split(',').filter(Boolean)) addLabel(state, issue, label)
  // GitLab ignores users that cannot be assigned, and assigns one user only without a paid plan.
  if (Array.isArray(assignee_ids)) {
    const known = assignee_ids.filter((id) => state.users.some((user) => user.id === id))
    issue.assignees = state.premium ? known : known.slice(0, 1)
  }
  if (issue_type !== undefined) issue.issue_type = String(issue_type)
  if (confidential !== undefined) issue.confidential = Boolean(confidential)
  if (state_event) issue.state = state_event === 'close' ? 'closed' : 'opened'
}

function addLabel({ premium }: State, issue: Issue, label: string): void {
  const name = label.trim()
  const scope = /^.*::/.exec(name)?.[0]
  const others = issue.labels.filter((other) => other !== name && !(premium && scope && other.startsWith(scope)))
  issue.labels = [...others, name]
}

/** Runs the quick actions in a text, and returns the text without their lines. */
function runQuickActions(state: State, issue: Issue, text: string): string {
  return text
    .replaceAll('\r', '')
    .split('\n')
    .filter((line) => {
      const [, command, argument = ''] = /^\/(close|confidential|label)(?: (.*))?$/i.exec(line) ?? []
      if (command === 'close') issue.state = 'closed'
      if (command === 'confidential') issue.confidential = true
      if (command === 'label') addLabel(state, issue, argument.replace('~', ''))
      return command === undefined
    })
    .join('\n')
}

function addComment(state: State, issue: Issue, { body }: Fields): Reply {
  if (typeof body !== 'string') return invalid('body is missing')
  const text = runQuickActions(state, issue, body)
  if (text.trim() === '') {
    if (text === body) return refuse(400, { note: ["can't be blank"] })
    return { status: 202, body: { commands_changes: {}, summary: ['Applied.'] } }
  }
  const note = { id: 302 + issue.notes.length, body: text, system: false, created_at: new Date().toISOString() }
  issue.notes.push(note)
  return { status: 201, body: note }
}

function userResponse(user: State['users'][number]) {
  return { ...user, state: 'active', web_url: `https://gitlab.example.com/${user.username}` }
}

function toResponse({ users }: State, { notes, assignees, ...issue }: Issue) {
  const short = `#${issue.iid}`
  return {
    ...issue,
    project_id: PROJECT.id,
    assignees: users.filter(({ id }) => assignees.includes(id)).map(userResponse),
    user_notes_count: notes.length,
    references: { short, relative: short, full: `${PROJECT.path}${short}` },
  }
}
