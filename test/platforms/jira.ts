import { definePlatform } from '../../infra/testing/define-platform.ts'
import type { Reply } from '../../infra/testing/loopback-server.ts'
import { basic, requireHeader } from '../../infra/testing/require-header.ts'
import { adfErrors } from './adf.ts'
import { fieldErrors, type User } from './jira-fields.ts'
import { defaultWorkflow, findStatus, listTransitions, move, statusResponse } from './jira-workflow.ts'

interface Property {
  key: string
  value: unknown
}

interface Comment {
  id: string
  body: unknown
  properties: Property[]
}

interface Issue {
  id: string
  key: string
  self: string
  created: number
  status: string
  fields: Record<string, unknown>
  properties: Property[]
  comments: Comment[]
}

export type JiraServer = Awaited<ReturnType<typeof startJira>>
type State = ReturnType<typeof initial>

const EMAIL = 'robot@example.com'
const TOKEN = 'ATATT3xFfGF0-jira-token'
const PROJECT = { id: '10000', key: 'OPS' }
const MISSING = 'Issue does not exist or you do not have permission to see it.'
const REMOVED = refused(410, [
  'The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046',
])

const initial = () => ({
  ...defaultWorkflow(),
  issues: [] as Issue[],
  users: [
    {
      accountId: '5b10ac8d82e05b22cc7d4ef5',
      emailAddress: 'mia@example.com',
      displayName: 'Mia Krystof',
      active: true,
    },
    { accountId: '5b109f2e9729b51b54dc274d', displayName: 'Noah Hidden', active: true },
  ] as User[],
  /** Milliseconds until the search index contains a new issue. */
  indexLag: 0,
  /** The number of the next issue. */
  nextKey: 1,
  /** Fields that the screens of the project do not have. */
  offScreen: [] as string[],
  /** Closed issues are read-only, as in many workflows. */
  closedIsLocked: false,
  /** A list of comments shows their properties on request. */
  expandsProperties: true,
  /** The search is `/search`, as before 2025, and not `/search/jql`. */
  oldSearch: false,
})

/**
 * A fake of the REST API v3 of Jira Cloud, with one project and one workflow: To Do, In Progress, Done and Won't Do.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/
 */
export const startJira = definePlatform({
  base: '/rest/api/3',
  state: initial,
  refuses: requireHeader('authorization', [basic(EMAIL, TOKEN), `Bearer ${TOKEN}`], {
    status: 401,
    body: 'Client must be authenticated to access this resource.',
  }),
  routes: {
    'GET /myself': () => ({ accountId: '5b10a2844c20165700ede21g', active: true }),
    'GET /user/search': ({ state, query }) => listUsers(state, query.get('query') ?? ''),
    'GET /search/jql': ({ state, query }) => (state.oldSearch ? gone('null for uri') : search(state, query)),
    'GET /search': ({ state, query }) => (state.oldSearch ? search(state, query) : REMOVED),
    'GET /comment/{id}/properties/{key}': ({ state, params }) => {
      const comment = state.issues.flatMap(({ comments }) => comments).find(({ id }) => id === params.id)
      const property = comment?.properties.find(({ key }) => key === params.key)
      return property ?? refused(404, [`The property with key '${params.key}' does not exist.`])
    },
    'POST /issue': ({ state, body, headers }) => create(state, body, `http://${headers.host}/rest/api/3/issue`),
    'POST /issue/bulkfetch': ({ state, body }) => bulkFetch(state, body),
    'GET /issue/{id}': ({ state, params, query }) =>
      withIssue(state, params, (issue) => toResponse(state, issue, query.get('fields')?.split(','))),
    'PUT /issue/{id}': ({ state, params, body }) => withIssue(state, params, (issue) => edit(state, issue, body)),
    'GET /issue/{id}/transitions': ({ state, params, query }) =>
      withIssue(state, params, (issue) => ({
        transitions: listTransitions(state, issue, query.get('expand') === 'transitions.fields'),
      })),
    'POST /issue/{id}/transitions': ({ state, params, body }) =>
      withIssue(state, params, (issue) => {
        const { '': message, ...errors } = move(state, issue, body)
        if (message) return refused(400, [message])
        return Object.keys(errors).length > 0 ? refused(400, [], errors) : { status: 204 }
      }),
    'GET /issue/{id}/comment': ({ state, params, query }) =>
      withIssue(state, params, (issue) => listComments(state, issue, query)),
    'POST /issue/{id}/comment': ({ state, params, body }) =>
      withIssue(state, params, (issue) => addComment(state, issue, body)),
  },
  notFound: ({ method, path }) => gone(`No such path: ${method} ${path}`),
  members: () => ({ email: EMAIL, token: TOKEN }),
})

function refused(status: number, errorMessages: string[], errors: Record<string, string> = {}): Reply {
  return { status, body: { errorMessages, errors } }
}

function gone(message: string): Reply {
  return { status: 404, body: { message, 'status-code': 404 } }
}

function withIssue({ issues }: State, { id }: { id: string }, respond: (issue: Issue) => object): object {
  const issue = issues.find((issue) => issue.id === id || issue.key === id.toUpperCase())
  return issue ? respond(issue) : refused(404, [MISSING])
}

interface Input {
  fields?: Record<string, unknown>
  properties?: Property[]
  update?: Record<string, { add?: string }[]>
}

function create(state: State, { fields = {}, properties = [] }: Input, url: string): Reply {
  const errors = fieldErrors(state, fields)
  if (properties.some(({ key, value }) => typeof key !== 'string' || value === undefined))
    errors['properties'] = 'A property needs a key and a value.'
  const { key, id } = (fields['project'] ?? {}) as { key?: string; id?: string }
  if (key !== PROJECT.key && id !== PROJECT.id) errors['project'] = 'valid project is required'
  if (fields['issuetype'] === undefined) errors['issuetype'] = 'Specify an issue type'
  if (fields['summary'] === undefined) errors['summary'] = 'You must specify a summary of the issue.'
  if (Object.keys(errors).length > 0) return refused(400, [], errors)
  const number = state.nextKey++
  const created = { id: String(10_000 + number), key: `${PROJECT.key}-${number}`, self: `${url}/${10_000 + number}` }
  state.issues.push({
    ...created,
    created: Date.now(),
    status: 'To Do',
    fields: { labels: [], ...fields },
    properties,
    comments: [],
  })
  return { status: 201, body: created }
}

function edit(state: State, issue: Issue, { fields = {}, update = {} }: Input): Reply {
  if (state.closedIsLocked && findStatus(state, issue.status).category === 'done')
    return refused(400, ['You do not have permission to edit issues in this project.'])
  const added = (update['labels'] ?? []).map(({ add }) => add)
  const errors = fieldErrors(state, fields)
  if ('labels' in fields && update['labels'])
    errors['labels'] = "Field 'labels' cannot appear in both 'fields' and 'update'"
  if (added.length > 0) Object.assign(errors, fieldErrors(state, { labels: added }))
  if (Object.keys(errors).length > 0) return refused(400, [], errors)
  Object.assign(issue.fields, fields)
  issue.fields['labels'] = [...new Set([...(issue.fields['labels'] as string[]), ...added])]
  return { status: 204 }
}

/** Supports only the queries of the providers. */
function search(state: State, query: URLSearchParams): object {
  const jql = query.get('jql') ?? ''
  const [, field, value = '', days = 'Infinity'] =
    /^(labels|project) = "?([\w-]+)"?(?: AND created >= -(\d+)d)?(?: ORDER BY (?:created|key) (?:ASC|DESC))?$/.exec(
      jql,
    ) ?? []
  if (!field) return refused(400, [`Error in the JQL Query: "${jql}" is not understood here.`])
  if (field === 'project' && ![PROJECT.key, PROJECT.id].includes(value))
    return refused(400, [`The value '${value}' does not exist for the field 'project'.`])
  const found = state.issues
    .filter(({ created }) => Date.now() - created >= state.indexLag)
    .filter(({ created }) => Date.now() - created <= Number(days) * 24 * 3_600_000)
    .filter(({ fields }) => field === 'project' || (fields['labels'] as string[]).includes(value))
  if (jql.endsWith('DESC')) found.reverse()
  const fields = query.get('fields')?.split(',') ?? []
  const issues = found
    .slice(0, Number(query.get('maxResults') ?? 50))
    .map((issue) => toResponse(state, issue, fields, query.get('properties')?.split(',')))
  return { issues, isLast: true }
}

function bulkFetch(state: State, body: Record<string, string[] | undefined>): object {
  const { issueIdsOrKeys = [], fields = [], properties = [] } = body
  if (issueIdsOrKeys.length === 0 || issueIdsOrKeys.length > 100) return refused(400, ['issueIdsOrKeys: 1 to 100'])
  const found = state.issues.filter(({ id, key }) => issueIdsOrKeys.includes(id) || issueIdsOrKeys.includes(key))
  const missing = issueIdsOrKeys.filter((idOrKey) => !found.some(({ id, key }) => id === idOrKey || key === idOrKey))
  return {
    issues: found.map((issue) => toResponse(state, issue, fields, properties)),
    issueErrors: missing.map((id) => ({ id, errorMessage: MISSING })),
  }
}

function toResponse(state: State, issue: Issue, names = ['*all'], keys: string[] = []) {
  const { id, key, self, properties } = issue
  const all = Object.entries({ ...issue.fields, status: statusResponse(state, issue.status) })
  const fields = Object.fromEntries(all.filter(([name]) => names.includes('*all') || names.includes(name)))
  if (keys.length === 0) return { id, key, self, fields }
  const shown = properties.filter((property) => keys.includes(property.key))
  return { id, key, self, fields, properties: Object.fromEntries(shown.map(({ key, value }) => [key, value])) }
}

function listComments({ expandsProperties }: State, { comments: all }: Issue, query: URLSearchParams) {
  const startAt = Number(query.get('startAt') ?? 0)
  const maxResults = Math.min(100, Number(query.get('maxResults') ?? 50))
  const ordered = query.get('orderBy') === '-created' ? all.toReversed() : all
  const isExpanded = expandsProperties && query.get('expand') === 'properties'
  const comments = ordered
    .slice(startAt, startAt + maxResults)
    .map(({ id, body, properties }) => (isExpanded ? { id, body, properties } : { id, body }))
  return { startAt, maxResults, total: all.length, comments }
}

function addComment({ issues }: State, issue: Issue, { body, properties = [] }: Partial<Comment>): Reply {
  if (adfErrors(body).length > 0) return refused(400, [], { comment: 'Comment body is not valid!' })
  const id = String(20_000 + issues.flatMap(({ comments }) => comments).length)
  issue.comments.push({ id, body, properties })
  return { status: 201, body: { id, body, self: `${issue.self}/comment/${id}` } }
}

function listUsers({ users }: State, query: string): User[] {
  const [name = query] = query.split('@')
  return users.filter(({ emailAddress, displayName }) =>
    emailAddress ? emailAddress.includes(query) : displayName.toLowerCase().startsWith(name),
  )
}
