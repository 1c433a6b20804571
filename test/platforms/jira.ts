import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'
import { adfErrors } from './adf.ts'
import { fieldErrors, type Screen } from './jira-fields.ts'
import { defaultWorkflow, findStatus, listTransitions, move, statusResponse, type Workflow } from './jira-workflow.ts'

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
  created: number
  status: string
  fields: Record<string, unknown>
  properties: Property[]
  comments: Comment[]
}

/** The state of the fake. Tests read and change it. */
interface JiraState extends Screen, Workflow {
  issues: Issue[]
  /** Milliseconds until the search index knows a new issue. */
  indexLag: number
  /** The first key of a new issue. */
  nextKey: number
  /** Whether closed issues are read-only, as in many workflows. */
  closedIsLocked: boolean
  /** Whether a list of comments shows their properties when asked to. */
  expandsProperties: boolean
  /** Speaks as Jira did before 2025: `/search` and no `/search/jql`. */
  oldSearch: boolean
}

export interface JiraServer extends Served {
  email: string
  token: string
  state: JiraState
}

const project = { id: '10000', key: 'OPS' }
/**
 * Fakes the REST API v3 of Jira Cloud, with one project and one workflow: To Do, In Progress, Done and Won't Do.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/
 */
export async function startJira(): Promise<JiraServer> {
  const email = 'robot@example.com'
  const token = 'ATATT3xFfGF0-jira-token'
  const state: JiraState = {
    issues: [],
    ...defaultWorkflow(),
    users: [
      {
        accountId: '5b10ac8d82e05b22cc7d4ef5',
        emailAddress: 'mia@example.com',
        displayName: 'Mia Krystof',
        active: true,
      },
      { accountId: '5b109f2e9729b51b54dc274d', displayName: 'Noah Hidden', active: true },
    ],
    indexLag: 0,
    nextKey: 1,
    offScreen: [],
    closedIsLocked: false,
    expandsProperties: true,
    oldSearch: false,
  }
  const allowed = [`Basic ${Buffer.from(`${email}:${token}`).toString('base64')}`, `Bearer ${token}`]
  const served = await serve((call) => {
    if (!allowed.includes(String(call.headers['authorization']))) {
      return { status: 401, body: 'Client must be authenticated to access this resource.' }
    }
    return createJira(state, served.url).answer(call)
  })
  return { ...served, email, token, state }
}

const MISSING = 'Issue does not exist or you do not have permission to see it.'

function refused(status: number, errorMessages: string[], errors: Record<string, string> = {}): Reply {
  return { status, body: { errorMessages, errors } }
}

function createJira(state: JiraState, url: string) {
  function answer(call: Call): Reply {
    const { method, path, query } = call
    const at = `${method} ${path.replace(/^\/rest\/api\/3\//, '')}`
    if (at === 'GET myself') return ok({ accountId: '5b10a2844c20165700ede21g', active: true })
    if (at === 'POST issue') return create(call.body)
    if (at === 'POST issue/bulkfetch') return bulkFetch(call.body)
    if (at === 'GET user/search') return listUsers(query.get('query') ?? '')
    if (at === 'GET search/jql') return state.oldSearch ? gone('null for uri') : search(query)
    if (at === 'GET search') return state.oldSearch ? search(query) : removed
    const property = /^GET comment\/(\d+)\/properties\/(.+)$/.exec(at)
    if (property) return getCommentProperty(property[1], property[2])
    const [, id, rest = ''] = /^\w+ issue\/([^/]+)(?:\/(\w+))?$/.exec(at) ?? []
    const issue = state.issues.find((one) => one.id === id || one.key === id?.toUpperCase())
    if (id === undefined) return gone(`No such path: ${at}`)
    if (!issue) return refused(404, [MISSING])
    switch (`${method} ${rest}`) {
      case 'GET ':
        return ok(toResponse(issue, query.get('fields')?.split(',')))
      case 'PUT ':
        return edit(issue, call.body)
      case 'GET transitions':
        return ok({ transitions: listTransitions(state, issue, query.get('expand') === 'transitions.fields') })
      case 'POST transitions':
        return moveReply(move(state, issue, call.body))
      case 'GET comment':
        return listComments(issue, query)
      case 'POST comment':
        return addComment(issue, call.body)
      default:
        return { status: 405 }
    }
  }

  function create(body: unknown): Reply {
    const { fields = {}, properties = [] } = (body ?? {}) as {
      fields?: Record<string, unknown>
      properties?: Property[]
    }
    const errors = fieldErrors(state, fields)
    if (properties.some(({ key, value }) => typeof key !== 'string' || value === undefined)) {
      errors['properties'] = 'A property needs a key and a value.'
    }
    const { key, id } = (fields['project'] ?? {}) as { key?: string; id?: string }
    if (key !== project.key && id !== project.id) errors['project'] = 'valid project is required'
    if (fields['issuetype'] === undefined) errors['issuetype'] = 'Specify an issue type'
    if (fields['summary'] === undefined) errors['summary'] = 'You must specify a summary of the issue.'
    if (Object.keys(errors).length > 0) return refused(400, [], errors)
    const number = state.nextKey++
    const issue: Issue = {
      id: String(10_000 + number),
      key: `${project.key}-${number}`,
      created: Date.now(),
      status: 'To Do',
      fields: { labels: [], ...fields },
      properties,
      comments: [],
    }
    state.issues.push(issue)
    return { status: 201, body: { id: issue.id, key: issue.key, self: `${url}/rest/api/3/issue/${issue.id}` } }
  }

  function edit(issue: Issue, body: unknown): Reply {
    const { fields = {}, update = {} } = (body ?? {}) as {
      fields?: Record<string, unknown>
      update?: Record<string, { add?: string }[]>
    }
    if (state.closedIsLocked && findStatus(state, issue.status).category === 'done') {
      return refused(400, ['You do not have permission to edit issues in this project.'])
    }
    const added = (update['labels'] ?? []).map(({ add }) => add)
    const errors = fieldErrors(state, fields)
    if ('labels' in fields && update['labels']) {
      errors['labels'] = "Field 'labels' cannot appear in both 'fields' and 'update'"
    }
    Object.assign(errors, added.length > 0 ? fieldErrors(state, { labels: added }) : {})
    if (Object.keys(errors).length > 0) return refused(400, [], errors)
    Object.assign(issue.fields, fields)
    issue.fields['labels'] = [...new Set([...(issue.fields['labels'] as string[]), ...added])]
    return { status: 204 }
  }

  /** Supports only the queries of the providers. */
  function search(query: URLSearchParams): Reply {
    const jql = query.get('jql') ?? ''
    const [, field, value] =
      /^(labels|project) = "?([\w-]+)"?(?: ORDER BY (?:created|key) (?:ASC|DESC))?$/.exec(jql) ?? []
    if (!field) return refused(400, [`Error in the JQL Query: "${jql}" is not understood here.`])
    const indexed = state.issues.filter(({ created }) => Date.now() - created >= state.indexLag)
    const found = indexed.filter(({ fields }) =>
      field === 'labels'
        ? (fields['labels'] as string[]).includes(value ?? '')
        : [project.key, project.id].includes(value ?? ''),
    )
    if (field === 'project' && ![project.key, project.id].includes(value ?? '')) {
      return refused(400, [`The value '${value}' does not exist for the field 'project'.`])
    }
    if (jql.endsWith('DESC')) found.reverse()
    const fields = query.get('fields')?.split(',') ?? []
    const issues = found
      .slice(0, Number(query.get('maxResults') ?? 50))
      .map((issue) => toResponse(issue, fields, query.get('properties')))
    return ok({ issues, isLast: true })
  }

  function bulkFetch(body: unknown): Reply {
    const { issueIdsOrKeys = [], fields = [], properties = [] } = body as Record<string, string[] | undefined>
    if (issueIdsOrKeys.length === 0 || issueIdsOrKeys.length > 100) return refused(400, ['issueIdsOrKeys: 1 to 100'])
    const found = state.issues.filter(({ id, key }) => issueIdsOrKeys.includes(id) || issueIdsOrKeys.includes(key))
    const lost = issueIdsOrKeys.filter((asked) => !found.some(({ id, key }) => id === asked || key === asked))
    return ok({
      issues: found.map((issue) => toResponse(issue, fields, properties.join())),
      issueErrors: lost.map((id) => ({ id, errorMessage: MISSING })),
    })
  }

  function toResponse(issue: Issue, asked: string[] = ['*all'], properties?: string | null) {
    const all: Record<string, unknown> = { ...issue.fields, status: statusResponse(state, issue.status) }
    const fields = asked.includes('*all')
      ? all
      : Object.fromEntries(Object.entries(all).filter(([name]) => asked.includes(name)))
    const held = issue.properties.filter(({ key }) => properties?.split(',').includes(key))
    return {
      id: issue.id,
      key: issue.key,
      self: `${url}/rest/api/3/issue/${issue.id}`,
      fields,
      ...(properties ? { properties: Object.fromEntries(held.map(({ key, value }) => [key, value])) } : {}),
    }
  }

  function listComments(issue: Issue, query: URLSearchParams): Reply {
    const startAt = Number(query.get('startAt') ?? 0)
    const maxResults = Math.min(100, Number(query.get('maxResults') ?? 50))
    const ordered = query.get('orderBy') === '-created' ? [...issue.comments].reverse() : issue.comments
    const shows = state.expandsProperties && query.get('expand') === 'properties'
    const comments = ordered.slice(startAt, startAt + maxResults).map(({ id, body, properties }) => ({
      id,
      body,
      ...(shows ? { properties } : {}),
    }))
    return ok({ startAt, maxResults, total: issue.comments.length, comments })
  }

  function addComment(issue: Issue, asked: unknown): Reply {
    const { body, properties = [] } = (asked ?? {}) as { body?: unknown; properties?: Property[] }
    if (adfErrors(body).length > 0) return refused(400, [], { comment: 'Comment body is not valid!' })
    const id = String(20_000 + state.issues.flatMap(({ comments }) => comments).length)
    issue.comments.push({ id, body, properties })
    return { status: 201, body: { id, body, self: `${url}/rest/api/3/issue/${issue.id}/comment/${id}` } }
  }

  function getCommentProperty(id: string | undefined, key: string | undefined): Reply {
    const comment = state.issues.flatMap(({ comments }) => comments).find((one) => one.id === id)
    const property = comment?.properties.find((one) => one.key === key)
    return property ? ok(property) : refused(404, [`The property with key '${key}' does not exist.`])
  }

  function listUsers(asked: string): Reply {
    const found = state.users.filter(({ emailAddress, displayName }) =>
      emailAddress ? emailAddress.includes(asked) : displayName.toLowerCase().startsWith(asked.split('@')[0] ?? asked),
    )
    return ok(found)
  }

  return { answer }
}

const removed: Reply = refused(410, [
  'The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046',
])

function moveReply({ '': message, ...errors }: Record<string, string>): Reply {
  if (message) return refused(400, [message])
  return Object.keys(errors).length > 0 ? refused(400, [], errors) : { status: 204 }
}

function gone(message: string): Reply {
  return { status: 404, body: { message, 'status-code': 404 } }
}
