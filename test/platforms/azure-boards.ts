import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'
import { issueInputs, playTickets, type TicketRow } from '../conformance/rows/row.ts'

interface State {
  name: string
  category: 'Proposed' | 'InProgress' | 'Resolved' | 'Completed' | 'Removed'
}

interface Type {
  name: string
  states: State[]
  /** Those that not every type has. */
  fields: string[]
}

interface Item {
  id: number
  rev: number
  fields: Record<string, unknown>
  comments: { id: number; text: string }[]
}

/** The state of the fake. Tests read and change it. */
interface BoardsState {
  items: Item[]
  types: Type[]
  /** Unique names of those who may be assigned. */
  users: string[]
  /** Whether an added tag replaces the existing ones: the documentation does not say. */
  addReplacesTags: boolean
  /** Whether the user may create a tag that the project does not have yet. */
  mayMakeTags: boolean
  /** Whether a token that is not valid is answered with the page to sign in, and a status of success. */
  showsSignIn: boolean
  /** The number of changes by another user before the next request. */
  others: number
}

export interface BoardsServer extends Served {
  token: string
  /** One of Microsoft Entra. */
  entraToken: string
  state: BoardsState
}

interface Operation {
  op?: string
  path?: string
  value?: unknown
}

const project = 'Fabrikam Fiber'
const priority = 'Microsoft.VSTS.Common.Priority'
const always = ['Title', 'Description', 'State', 'Reason', 'Tags', 'AssignedTo', 'WorkItemType', 'AreaPath'].map(
  (name) => `System.${name}`,
)
const agile: State[] = [
  { name: 'New', category: 'Proposed' },
  { name: 'Active', category: 'InProgress' },
  { name: 'Resolved', category: 'Resolved' },
  { name: 'Closed', category: 'Completed' },
  { name: 'Removed', category: 'Removed' },
]

/**
 * Azure Boards as the REST API 7.1 of Azure DevOps answers, with one project whose process is like Agile.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/wit/
 */
async function startAzureBoards(): Promise<BoardsServer> {
  const token = 'a-personal-access-token-of-azure-devops'
  const entraToken = 'eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiI0OTliODRhYyJ9.c2lnbmF0dXJl'
  const state: BoardsState = {
    items: [],
    types: [
      { name: 'Task', states: agile.filter(({ name }) => name !== 'Resolved'), fields: [priority] },
      {
        name: 'Bug',
        states: agile.filter(({ name }) => name !== 'Removed'),
        fields: [priority, 'Microsoft.VSTS.Common.Severity', 'Microsoft.VSTS.TCM.ReproSteps'],
      },
      { name: 'User Story', states: agile, fields: [priority, 'Microsoft.VSTS.Common.AcceptanceCriteria'] },
    ],
    users: ['mia@example.com', 'Mia Krystof'],
    addReplacesTags: true,
    mayMakeTags: true,
    showsSignIn: false,
    others: 0,
  }
  const allowed = [`Basic ${Buffer.from(`:${token}`).toString('base64')}`, `Bearer ${entraToken}`]
  const served = await serve((call) => {
    if (allowed.includes(String(call.headers['authorization']))) return createBoards(state, served.url).answer(call)
    const page = (title: string) => `<!DOCTYPE html><html><head><title>${title}</title></head><body></body></html>`
    if (state.showsSignIn) return { status: 203, body: page('Azure DevOps Services | Sign In') }
    if (call.headers['x-tfs-fedauthredirect'] === 'Suppress') {
      return { status: 401, body: page('Access Denied: The Personal Access Token used has expired.') }
    }
    return { status: 302, headers: { location: 'https://spsprodweu1.vssps.visualstudio.com/_signin' } }
  })
  return { ...served, token, entraToken, state }
}

function refused(status: number, message: string, typeKey: string): Reply {
  return { status, body: { $id: '1', innerException: null, message, typeKey, errorCode: 0, eventId: 3000 } }
}

function rule(message: string): Reply {
  return refused(400, message, 'RuleValidationException')
}

function createBoards(state: BoardsState, url: string) {
  function answer({ method, path, query, headers, body }: Call): Reply {
    const [, organization, name, rest = ''] = /^\/([^/]+)\/([^/]+)\/_apis\/wit\/(.+)$/.exec(path) ?? []
    if (organization !== 'fabrikam')
      return { status: 404, body: '<html><title>The resource cannot be found</title></html>' }
    if (name !== project) {
      const message = `TF200016: The following project does not exist: ${name}. Verify that the name of the project is correct and that the project exists on the specified Azure DevOps Server.`
      return refused(404, message, 'ProjectDoesNotExistWithNameException')
    }
    const commenting = /^workItems\/(\d+)\/comments$/.exec(rest)
    const version = query.get('api-version')
    if (version === null) {
      return refused(400, `No api-version was supplied for the "${method}" request.`, 'VssVersionNotSpecifiedException')
    }
    if (commenting && !version.includes('-preview')) {
      const message = `The requested version "${version}" of the resource is under preview. The -preview flag must be supplied in the api-version for such requests.`
      return refused(400, message, 'VssInvalidPreviewVersionException')
    }
    if (commenting) return withItem(commenting[1], (item) => listComments(item, method, query, body))
    if (`${method} ${rest}` === 'POST wiql') return runQuery(query, body)
    const typePath = /^workitemtypes\/([^/]+)\/(states|fields)$/.exec(rest)
    if (method === 'GET' && typePath) return typeReply(typePath[1], typePath[2])
    if (['PATCH', 'POST'].includes(method) && headers['content-type'] !== 'application/json-patch+json') {
      const message = `The request indicated a Content-Type of "${headers['content-type']}" for method type "${method}" which is not supported. Valid content types for this method are: application/json-patch+json.`
      return refused(415, message, 'VssRequestContentTypeNotSupportedException')
    }
    const made = /^workitems\/\$(.+)$/.exec(rest)
    if (method === 'POST' && made) return create(made[1] ?? '', body as Operation[])
    return withItem(/^workitems\/(\d+)$/.exec(rest)?.[1], (item) => {
      if (method === 'GET') return ok(toResponse(item))
      return method === 'PATCH' ? update(item, body as Operation[]) : { status: 405 }
    })
  }

  function withItem(id: string | undefined, answer: (item: Item) => Reply): Reply {
    const item = state.items.find((one) => String(one.id) === id)
    const message = `TF401232: Work item ${id} does not exist, or you do not have permissions to read it.`
    return item ? answer(item) : refused(404, message, 'WorkItemUnauthorizedAccessException')
  }

  function describeType(name: unknown): Type | undefined {
    return state.types.find((one) => one.name.toLowerCase() === String(name).toLowerCase())
  }

  function unknownType(name: unknown): Reply {
    const message = `VS402323: Work item type ${name} does not exist in project ${project} or you do not have permission to access it.`
    return refused(404, message, 'WorkItemTypeNotFoundException')
  }

  function typeReply(name: string | undefined, what: string | undefined): Reply {
    const type = describeType(name)
    if (!type) return unknownType(name)
    const fields = [...always, ...type.fields].map((referenceName) => ({
      alwaysRequired: referenceName === 'System.Title',
      referenceName,
      name: referenceName.split('.').at(-1),
      url: `${url}/fabrikam/_apis/wit/fields/${referenceName}`,
    }))
    const value = what === 'fields' ? fields : type.states.map((state) => ({ ...state, color: 'b2b2b2' }))
    return ok({ count: value.length, value })
  }

  /** Supports only the query that the provider sends. */
  function runQuery(query: URLSearchParams, body: unknown): Reply {
    const text = (body as { query?: string }).query ?? ''
    const [, tag] =
      /^SELECT \[System\.Id\] FROM WorkItems WHERE \[System\.TeamProject\] = @project AND \[System\.Tags\] CONTAINS '([\w-]+)' ORDER BY \[System\.Id\]$/.exec(
        text,
      ) ?? []
    if (tag === undefined)
      return refused(400, `TF51006: The query statement is not understood: ${text}`, 'SyntaxException')
    const found = state.items.filter(({ fields }) => tagsOf(fields).includes(tag))
    const workItems = found.slice(0, Number(query.get('$top') ?? 20_000)).map(({ id }) => ({
      id,
      url: `${url}/fabrikam/_apis/wit/workItems/${id}`,
    }))
    return ok({ queryType: 'flat', asOf: new Date().toISOString(), workItems })
  }

  function create(name: string, operations: Operation[]): Reply {
    const type = describeType(name)
    if (!type) return unknownType(name)
    const fields: Record<string, unknown> = {
      'System.TeamProject': project,
      'System.WorkItemType': type.name,
      'System.State': type.states[0]?.name,
      [priority]: 2,
    }
    const item: Item = { id: 297 + state.items.length, rev: 0, fields, comments: [] }
    const wrong = apply(item, operations)
    if (wrong) return wrong
    state.items.push(item)
    return ok(toResponse(item))
  }

  function update(item: Item, operations: Operation[]): Reply {
    if (state.others > 0) {
      state.others--
      item.rev++
      item.fields['System.Tags'] = [...tagsOf(item.fields), `other ${item.rev}`].join('; ')
    }
    const wrong = apply(item, operations)
    return wrong ?? ok(toResponse(item))
  }

  function apply(item: Item, operations: Operation[]): Reply | undefined {
    const fields = { ...item.fields }
    for (const { op, path = '', value } of operations) {
      if (op === 'test' && path === '/rev') {
        if (value === item.rev) continue
        const message = `VS403351: Test Operation for path /rev failed, value ${item.rev} was not equal to test value ${value}.`
        return refused(412, message, 'TestPatchOperationFailedException')
      }
      const [, name = ''] = /^\/fields\/(.+)$/.exec(path) ?? []
      const known = [...always, ...state.types.flatMap((type) => type.fields)]
      if (op !== 'add' || !known.includes(name)) return rule(`TF51535: Cannot find field ${name}.`)
      const tags = name === 'System.Tags' && !state.addReplacesTags ? tagsOf(fields) : []
      fields[name] = name === 'System.Tags' ? joined([...tags, ...tagsOf({ [name]: value })]) : value
    }
    const wrong = findError(fields, item)
    if (wrong) return wrong
    item.rev++
    item.fields = fields
    return undefined
  }

  function findError(fields: Record<string, unknown>, before: Item): Reply | undefined {
    const type = describeType(fields['System.WorkItemType'])
    if (!type) return unknownType(fields['System.WorkItemType'])
    const unsupported = (field: string, value: unknown) =>
      rule(`The field '${field}' contains the value '${value}' that is not in the list of supported values`)
    const title = String(fields['System.Title'] ?? '')
    if (title === '') return rule('TF401320: Rule Error for field Title. Error code: Required, InvalidEmpty.')
    if (title.length > 255) return rule('TF401324: The value of the field Title is too long.')
    if (title.includes('\n')) return rule('TF401320: Rule Error for field Title. Error code: InvalidCharacters.')
    const itemState = fields['System.State']
    if (!type.states.some(({ name }) => name === itemState)) return unsupported('State', itemState)
    if (![1, 2, 3, 4].includes(fields[priority] as number)) return unsupported('Priority', fields[priority])
    const assignee = fields['System.AssignedTo']
    if (typeof assignee === 'string' && !state.users.includes(assignee)) {
      return rule(`The identity value '${assignee}' for field 'Assigned To' is an unknown identity.`)
    }
    const reason = fields['System.Reason']
    if (reason !== before.fields['System.Reason'] && itemState === before.fields['System.State']) {
      return rule('TF401320: Rule Error for field Reason. Error code: ReadOnly.')
    }
    const known = state.items.flatMap((one) => tagsOf(one.fields))
    if (!state.mayMakeTags && tagsOf(fields).some((tag) => !known.includes(tag))) {
      const message = 'TF401289: The current user does not have permissions to create tags.'
      return refused(403, message, 'CreateTagDefinitionPermissionException')
    }
    return undefined
  }

  function listComments(item: Item, method: string, query: URLSearchParams, body: unknown): Reply {
    if (method === 'POST') {
      const { text } = (body ?? {}) as { text?: string }
      if (!text) return refused(400, 'VS403676: Comment text must not be empty.', 'VssPropertyValidationException')
      const comment = { id: 50 + item.comments.length, text }
      item.comments.push(comment)
      return ok({ ...comment, workItemId: item.id, version: 1 })
    }
    const all = query.get('order') === 'desc' ? [...item.comments].reverse() : item.comments
    const start = Number(query.get('continuationToken') ?? 0)
    const end = start + Math.min(200, Number(query.get('$top') ?? 200))
    const comments = all.slice(start, end).map((one) => ({ ...one, workItemId: item.id, version: 1 }))
    const more = end < all.length ? { continuationToken: String(end) } : {}
    return ok({ totalCount: all.length, count: comments.length, comments, ...more })
  }

  function toResponse({ id, rev, fields }: Item) {
    const href = `${url}/fabrikam/_apis/wit/workItems/${id}`
    return { id, rev, fields, _links: { self: { href } }, url: href }
  }

  return { answer }
}

function tagsOf(fields: Record<string, unknown>): string[] {
  const tags = String(fields['System.Tags'] ?? '').split(/[;,]/)
  return tags.map((tag) => tag.trim()).filter(Boolean)
}

function joined(tags: string[]): string {
  return [...new Set(tags)].join('; ')
}

export const azureBoardsIssues = {
  writes: /^POST .*\/workitems\/\$/i,
  start: playTickets(startAzureBoards, 'items', { project: 'fabrikam/Fabrikam Fiber' }),
  unknownId: 'fabrikam/Fabrikam Fiber#424242',
  ...issueInputs,
} satisfies TicketRow
