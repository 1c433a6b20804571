import { adfErrors } from './adf.ts'
import { type Call, ok, type Reply, type Served, serve } from './loopback-server.ts'

interface Status {
  id: string
  name: string
  category: 'new' | 'indeterminate' | 'done'
}

interface Transition {
  id: string
  name: string
  to: string
  /** Resolutions of the transition screen, if it has the field. */
  resolutions?: string[]
  /** Fields that its screen requires and that have no default, with the values they allow. */
  required?: Record<string, { name: string; values?: unknown[] }>
}

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
interface JiraState {
  issues: Issue[]
  statuses: Status[]
  /** By the name of the status an issue is in. */
  transitions: Record<string, Transition[]>
  users: { accountId: string; emailAddress?: string; displayName: string; active: boolean }[]
  /** Milliseconds until the search index knows a new issue. */
  indexLag: number
  /** The first key of a new issue. */
  nextKey: number
  /** Fields that the project's screens do not have. */
  offScreen: string[]
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
const types = ['Task', 'Bug', 'Story', 'Incident', '[System] Incident', '[System] Service request']
/** An issue type may be named by its id too. */
const typeIds = types.map((_, at) => String(10_001 + at))
/** The options of the fields that Jira Service Management brings along. */
const options: Record<string, string[]> = {
  customfield_10043: ['Critical', 'High', 'Medium', 'Low'],
  customfield_10048: ['Sev-0', 'Sev-1', 'Sev-2', 'Sev-3'],
}
const priorities = ['Highest', 'High', 'Medium', 'Low', 'Lowest']

/**
 * Jira Cloud as its REST API v3 answers, with one project and one workflow: To Do, In Progress, Done and Won't Do.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/
 */
export async function startJira(): Promise<JiraServer> {
  const email = 'robot@example.com'
  const token = 'ATATT3xFfGF0-jira-token'
  const resolutions = ['Done', 'Duplicate', "Won't Do"]
  const state: JiraState = {
    issues: [],
    statuses: [
      { id: '10001', name: 'To Do', category: 'new' },
      { id: '3', name: 'In Progress', category: 'indeterminate' },
      { id: '10002', name: 'Done', category: 'done' },
      { id: '10003', name: "Won't Do", category: 'done' },
    ],
    transitions: {
      'To Do': [
        { id: '11', name: 'Start', to: 'In Progress' },
        { id: '21', name: 'Reject', to: "Won't Do" },
        { id: '31', name: 'Finish', to: 'Done', resolutions },
      ],
      'In Progress': [
        { id: '41', name: 'Stop', to: 'To Do' },
        { id: '21', name: 'Reject', to: "Won't Do" },
        { id: '31', name: 'Finish', to: 'Done', resolutions },
      ],
      Done: [{ id: '51', name: 'Reopen', to: 'In Progress' }],
      "Won't Do": [{ id: '51', name: 'Reopen', to: 'In Progress' }],
    },
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

const missing = () => refused(404, ['Issue does not exist or you do not have permission to see it.'])

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
    if (!issue) return missing()
    switch (`${method} ${rest}`) {
      case 'GET ':
        return ok(toResponse(issue, query.get('fields')?.split(',')))
      case 'PUT ':
        return edit(issue, call.body)
      case 'GET transitions':
        return listTransitions(issue, query.get('expand') === 'transitions.fields')
      case 'POST transitions':
        return move(issue, call.body)
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
    const errors = fieldErrors(fields, properties)
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
    if (state.closedIsLocked && findStatus(issue.status).category === 'done') {
      return refused(400, ['You do not have permission to edit issues in this project.'])
    }
    const added = (update['labels'] ?? []).map(({ add }) => add)
    const errors = fieldErrors(fields, [])
    if ('labels' in fields && update['labels']) {
      errors['labels'] = "Field 'labels' cannot appear in both 'fields' and 'update'"
    }
    Object.assign(errors, added.length > 0 ? fieldErrors({ labels: added }, []) : {})
    if (Object.keys(errors).length > 0) return refused(400, [], errors)
    Object.assign(issue.fields, fields)
    issue.fields['labels'] = [...new Set([...(issue.fields['labels'] as string[]), ...added])]
    return { status: 204 }
  }

  function fieldErrors(fields: Record<string, unknown>, properties: Property[]): Record<string, string> {
    const errors: Record<string, string> = {}
    const known = [
      'project',
      'issuetype',
      'summary',
      'description',
      'labels',
      'priority',
      'assignee',
      'customfield_10011',
      ...Object.keys(options),
    ]
    for (const field of Object.keys(fields)) {
      if (!known.includes(field) || state.offScreen.includes(field)) {
        errors[field] = `Field '${field}' cannot be set. It is not on the appropriate screen, or unknown.`
      }
    }
    const { summary, description, labels, priority, assignee, issuetype } = fields as {
      summary?: string
      description?: unknown
      labels?: unknown[]
      priority?: { name?: string }
      assignee?: { accountId?: string }
      issuetype?: { name?: string; id?: string }
    }
    if (summary?.trim() === '') errors['summary'] = 'You must specify a summary of the issue.'
    if (summary?.includes('\n')) errors['summary'] = 'The summary is invalid because it contains newline characters.'
    if (summary && summary.length > 255) errors['summary'] = "Summary can't exceed 255 characters."
    if (description !== undefined && adfErrors(description).length > 0) {
      errors['description'] = 'Operation value must be an Atlassian Document (see the Atlassian Document Format)'
    }
    const spaced = labels?.find((label) => typeof label !== 'string' || /\s/.test(label))
    if (spaced !== undefined) errors['labels'] ??= `The label '${spaced}' contains spaces which is invalid.`
    if (priority && !priorities.includes(priority.name ?? '')) errors['priority'] = 'The priority selected is invalid.'
    if (issuetype && !types.includes(issuetype.name ?? '') && !typeIds.includes(issuetype.id ?? '')) {
      errors['issuetype'] = 'Specify a valid issue type'
    }
    for (const [field, allowed] of Object.entries(options)) {
      const option = fields[field] as { value?: string } | undefined
      if (option && !allowed.includes(option.value ?? '')) errors[field] = `Option value '${option.value}' is not valid`
    }
    if (assignee && !state.users.some(({ accountId }) => accountId === assignee.accountId)) {
      errors['assignee'] = `User '${assignee.accountId}' does not exist.`
    }
    if (properties.some(({ key, value }) => typeof key !== 'string' || value === undefined)) {
      errors['properties'] = 'A property needs a key and a value.'
    }
    return errors
  }

  /** The three kinds of query that are asked here; anything else is refused, as Jira refuses what it does not know. */
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
    const {
      issueIdsOrKeys = [],
      fields = [],
      properties = [],
    } = body as {
      issueIdsOrKeys?: string[]
      fields?: string[]
      properties?: string[]
    }
    if (issueIdsOrKeys.length === 0 || issueIdsOrKeys.length > 100) return refused(400, ['issueIdsOrKeys: 1 to 100'])
    const found = state.issues.filter(({ id, key }) => issueIdsOrKeys.includes(id) || issueIdsOrKeys.includes(key))
    const lost = issueIdsOrKeys.filter((asked) => !found.some(({ id, key }) => id === asked || key === asked))
    return ok({
      issues: found.map((issue) => toResponse(issue, fields, properties.join())),
      issueErrors: lost.map((id) => ({
        id,
        errorMessage: 'Issue does not exist or you do not have permission to see it.',
      })),
    })
  }

  function toResponse(issue: Issue, asked: string[] = ['*all'], properties?: string | null) {
    const all: Record<string, unknown> = { ...issue.fields, status: statusResponse(issue.status) }
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

  function findStatus(name: string): Status {
    const status = state.statuses.find((one) => one.name === name)
    if (!status) throw new Error(`The workflow has no status ${name}`)
    return status
  }

  function statusResponse(name: string) {
    const { id, category } = findStatus(name)
    return { id, name, statusCategory: { key: category } }
  }

  function listTransitions(issue: Issue, expanded: boolean): Reply {
    const transitions = (state.transitions[issue.status] ?? []).map(({ id, name, to, resolutions, required = {} }) => ({
      id,
      name,
      to: statusResponse(to),
      hasScreen: resolutions !== undefined || Object.keys(required).length > 0,
      isAvailable: true,
      ...(expanded
        ? {
            fields: {
              // Of some fields the values are text.
              customfield_10011: { required: false, allowedValues: ['red', 'blue'] },
              ...(resolutions
                ? { resolution: { required: false, allowedValues: resolutions.map((name) => ({ name })) } }
                : {}),
              ...Object.fromEntries(Object.entries(required).map(([key, field]) => [key, requiredField(key, field)])),
            },
          }
        : {}),
    }))
    return ok({ expand: 'transitions', transitions })
  }

  function move(issue: Issue, body: unknown): Reply {
    const {
      transition,
      fields = {},
      update = {},
    } = body as {
      transition?: { id?: string }
      fields?: { resolution?: { name?: string }; [field: string]: unknown }
      update?: Record<string, { add?: string }[]>
    }
    const chosen = (state.transitions[issue.status] ?? []).find(({ id }) => id === transition?.id)
    if (!chosen) {
      return refused(400, [
        'It seems that you have tried to perform a workflow operation that is not valid for the current state of this issue.',
      ])
    }
    const { required = {} } = chosen
    const given = { ...issue.fields, ...fields, ...update }
    const missing = Object.entries(required).filter(([key]) => given[key] === undefined)
    if (missing.length > 0) {
      return refused(400, [], Object.fromEntries(missing.map(([key, { name }]) => [key, `${name} is required.`])))
    }
    for (const key of Object.keys({ ...fields, ...update }).filter((key) => key !== 'resolution')) {
      if (!(key in required)) return refused(400, [], { [key]: `Field '${key}' cannot be set.` })
      if (fields[key] !== undefined) issue.fields[key] = fields[key]
    }
    const added = (update['labels'] ?? []).map(({ add }) => String(add))
    issue.fields['labels'] = [...new Set([...(issue.fields['labels'] as string[]), ...added])]
    if (fields.resolution) {
      if (!chosen.resolutions && !required['resolution']) {
        return refused(400, [], {
          resolution: "Field 'resolution' cannot be set. It is not on the appropriate screen, or unknown.",
        })
      }
      const known =
        chosen.resolutions ?? required['resolution']?.values?.map((value) => (value as { name: string }).name)
      if (!known?.includes(fields.resolution.name ?? '')) {
        return refused(400, [], { resolution: `Resolution name '${fields.resolution.name}' is not valid` })
      }
      issue.fields['resolution'] = fields.resolution
    }
    issue.status = chosen.to
    return { status: 204 }
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

/** The metadata of a field of a screen. */
function requiredField(key: string, { name, values }: { name: string; values?: unknown[] }) {
  const allowed = values ? { allowedValues: values } : {}
  return {
    key,
    name,
    required: true,
    hasDefaultValue: false,
    operations: ['set'],
    schema: { type: 'string' },
    ...allowed,
  }
}

const removed: Reply = refused(410, [
  'The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046',
])

function gone(message: string): Reply {
  return { status: 404, body: { message, 'status-code': 404 } }
}
