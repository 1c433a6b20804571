import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Call, Reply } from '../../../../infra/testing/loopback-server.ts'
import { pageOf } from '../../../../infra/testing/page-of.ts'
import { basic } from '../../../../infra/testing/require-header.ts'
import { issueInputs, playTickets, type TicketRow } from '../../../conformance/row.ts'
import {
  agileTypes,
  COMMON_FIELDS,
  findType,
  type Operation,
  PRIORITY,
  PROJECT,
  patchItem,
  refuse,
  tagsOf,
  unknownType,
  type WorkItem,
} from './fields.ts'

type State = ReturnType<typeof initial>

const TOKEN = 'a-personal-access-token-of-azure-devops'
const ENTRA_TOKEN = 'eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiI0OTliODRhYyJ9.c2lnbmF0dXJl'
const ACCEPTED = [basic('', TOKEN), `Bearer ${ENTRA_TOKEN}`]

const initial = () => ({
  items: [] as WorkItem[],
  types: agileTypes(),
  /** The unique names of possible assignees. */
  users: ['mia@example.com', 'Mia Krystof'],
  /** An added tag replaces the existing ones. The documentation does not say. */
  addReplacesTags: true,
  /** The user may create a tag that the project does not have yet. */
  mayMakeTags: true,
  /** The response to an invalid token is the sign-in page with a status of success. */
  showsSignIn: false,
  /** The number of changes by another user, one before each of the next requests. */
  others: 0,
})

/**
 * A fake of the REST API 7.1 of Azure Boards, with one project.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/wit/
 */
const startAzureBoards = definePlatform({
  base: `/fabrikam/${PROJECT}/_apis/wit`,
  state: initial,
  refuses: (call, state) =>
    checkToken(call, state) ?? checkProject(call) ?? checkVersion(call) ?? checkContentType(call),
  routes: {
    'POST /wiql': ({ state, query, headers, body }) => runQuery(state, query, body.query ?? '', rootOf(headers)),
    'GET /workitemtypes/{type}/states': ({ state, params }) => {
      const type = findType(state, params.type)
      return type ? list(type.states.map((itemState) => ({ ...itemState, color: 'b2b2b2' }))) : unknownType(params.type)
    },
    'GET /workitemtypes/{type}/fields': ({ state, params, headers }) => {
      const type = findType(state, params.type)
      return type ? list(fieldResponses(type.fields, rootOf(headers))) : unknownType(params.type)
    },
    // The type has the prefix $.
    'POST /workitems/{type}': ({ state, params, headers, body }) =>
      create(state, params.type.slice(1), body, rootOf(headers)),
    'GET /workitems/{id}': ({ state, params, headers }) => {
      const item = findItem(state, params.id)
      return item && toResponse(item, rootOf(headers))
    },
    'PATCH /workitems/{id}': ({ state, params, headers, body }) => {
      const item = findItem(state, params.id)
      return item && update(state, item, body, rootOf(headers))
    },
    'GET /workItems/{id}/comments': ({ state, params, query }) => {
      const item = findItem(state, params.id)
      return item && listComments(item, query)
    },
    'POST /workItems/{id}/comments': ({ state, params, body }) => {
      const item = findItem(state, params.id)
      return item && addComment(item, body.text)
    },
  },
  notFound: ({ path }) => {
    const id = path.split('/')[6]
    const message = `TF401232: Work item ${id} does not exist, or you do not have permissions to read it.`
    return refuse(404, message, 'WorkItemUnauthorizedAccessException')
  },
  members: () => ({
    token: TOKEN,
    /** A token of Microsoft Entra. */
    entraToken: ENTRA_TOKEN,
  }),
})

function checkToken({ headers }: Call, { showsSignIn }: State): Reply | undefined {
  if (ACCEPTED.includes(String(headers.authorization))) return undefined
  const page = (title: string) => `<!DOCTYPE html><html><head><title>${title}</title></head><body></body></html>`
  if (showsSignIn) return { status: 203, body: page('Azure DevOps Services | Sign In') }
  if (headers['x-tfs-fedauthredirect'] === 'Suppress')
    return { status: 401, body: page('Access Denied: The Personal Access Token used has expired.') }
  return { status: 302, headers: { location: 'https://spsprodweu1.vssps.visualstudio.com/_signin' } }
}

function checkProject({ path }: Call): Reply | undefined {
  const [, organization, project] = path.split('/')
  if (organization !== 'fabrikam')
    return { status: 404, body: '<html><title>The resource cannot be found</title></html>' }
  if (project === PROJECT) return undefined
  const message = `TF200016: The following project does not exist: ${project}. Verify that the name of the project is correct and that the project exists on the specified Azure DevOps Server.`
  return refuse(404, message, 'ProjectDoesNotExistWithNameException')
}

function checkVersion({ method, path, query }: Call): Reply | undefined {
  const version = query.get('api-version')
  if (version === null)
    return refuse(400, `No api-version was supplied for the "${method}" request.`, 'VssVersionNotSpecifiedException')
  if (!path.endsWith('/comments') || version.includes('-preview')) return undefined
  const message = `The requested version "${version}" of the resource is under preview. The -preview flag must be supplied in the api-version for such requests.`
  return refuse(400, message, 'VssInvalidPreviewVersionException')
}

function checkContentType({ method, path, headers }: Call): Reply | undefined {
  const isPatch = ['PATCH', 'POST'].includes(method) && /\/workitems\/[^/]+$/.test(path)
  if (!isPatch || headers['content-type'] === 'application/json-patch+json') return undefined
  const message = `The request indicated a Content-Type of "${headers['content-type']}" for method type "${method}" which is not supported. Valid content types for this method are: application/json-patch+json.`
  return refuse(415, message, 'VssRequestContentTypeNotSupportedException')
}

function findItem({ items }: State, id: string): WorkItem | undefined {
  return items.find((item) => String(item.id) === id)
}

/** Supports only the query that the provider sends. */
function runQuery({ items }: State, query: URLSearchParams, text: string, root: string): object {
  const [, tag] =
    /^SELECT \[System\.Id\] FROM WorkItems WHERE \[System\.TeamProject\] = @project AND \[System\.Tags\] CONTAINS '([\w-]+)' ORDER BY \[System\.Id\]$/.exec(
      text,
    ) ?? []
  if (tag === undefined)
    return refuse(400, `TF51006: The query statement is not understood: ${text}`, 'SyntaxException')
  const workItems = items
    .filter(({ fields }) => tagsOf(fields).includes(tag))
    .slice(0, Number(query.get('$top') ?? 20_000))
    .map(({ id }) => ({ id, url: urlOf(root, id) }))
  return { queryType: 'flat', asOf: new Date().toISOString(), workItems }
}

function create(state: State, typeName: string, operations: Operation[], root: string): object {
  const type = findType(state, typeName)
  if (!type) return unknownType(typeName)
  const fields = {
    'System.TeamProject': PROJECT,
    'System.WorkItemType': type.name,
    'System.State': type.states[0]?.name,
    [PRIORITY]: 2,
  }
  const item: WorkItem = { id: 297 + state.items.length, rev: 0, fields, comments: [] }
  const refusal = patchItem(state, item, operations)
  if (refusal) return refusal
  state.items.push(item)
  return toResponse(item, root)
}

function update(state: State, item: WorkItem, operations: Operation[], root: string): object {
  if (state.others > 0) {
    state.others--
    item.rev++
    item.fields['System.Tags'] = [...tagsOf(item.fields), `other ${item.rev}`].join('; ')
  }
  return patchItem(state, item, operations) ?? toResponse(item, root)
}

function addComment({ id, comments }: WorkItem, text: string | undefined): object {
  if (!text) return refuse(400, 'VS403676: Comment text must not be empty.', 'VssPropertyValidationException')
  const comment = { id: 50 + comments.length, text }
  comments.push(comment)
  return { ...comment, workItemId: id, version: 1 }
}

function listComments({ id, comments }: WorkItem, query: URLSearchParams): object {
  const all = query.get('order') === 'desc' ? comments.toReversed() : comments
  const size = Math.min(200, Number(query.get('$top') ?? 200))
  const { page, next: continuationToken } = pageOf(all, query.get('continuationToken'), size)
  const shown = page.map((comment) => ({ ...comment, workItemId: id, version: 1 }))
  return { totalCount: all.length, count: shown.length, comments: shown, continuationToken }
}

function list(value: object[]): object {
  return { count: value.length, value }
}

function fieldResponses(fields: string[], root: string): object[] {
  return [...COMMON_FIELDS, ...fields].map((referenceName) => ({
    alwaysRequired: referenceName === 'System.Title',
    referenceName,
    name: referenceName.split('.').at(-1),
    url: `${root}/fabrikam/_apis/wit/fields/${referenceName}`,
  }))
}

function toResponse({ id, rev, fields }: WorkItem, root: string): object {
  const url = urlOf(root, id)
  return { id, rev, fields, _links: { self: { href: url } }, url }
}

function rootOf({ host }: Call['headers']): string {
  return `http://${host}`
}

function urlOf(root: string, id: number): string {
  return `${root}/fabrikam/_apis/wit/workItems/${id}`
}

export const ticketRow = {
  writes: /^POST .*\/workitems\/\$/i,
  start: playTickets(startAzureBoards, 'items', { project: 'fabrikam/Fabrikam Fiber' }),
  unknownId: 'fabrikam/Fabrikam Fiber#424242',
  ...issueInputs,
} satisfies TicketRow
