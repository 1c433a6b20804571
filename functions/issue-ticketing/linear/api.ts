import * as z from 'zod/mini'
import type { Http } from '../../../shared/http/client.ts'

const state = z.object({ id: z.string(), name: z.string(), type: z.string(), position: z.number() })
export type State = z.output<typeof state>
const issue = z.object({
  id: z.string(),
  identifier: z.string(),
  url: z.string(),
  state: z.object({ name: z.string(), type: z.string() }),
  team: z.object({ id: z.string() }),
})
export type Issue = z.output<typeof issue>
const withId = z.object({ id: z.string() })
const success = z.literal(true)
const listOf = <T extends z.ZodMiniType>(item: T) => z.object({ nodes: z.array(item) })

interface Operation<T> {
  document: string
  /** The response's `data`. */
  schema: z.ZodMiniType<T>
}

function operation<S extends z.core.$ZodLooseShape>(
  document: string,
  data: S,
): Operation<z.output<z.ZodMiniObject<S>>> {
  return { document, schema: z.object(data) }
}

const ISSUE = 'id identifier url state { name type } team { id }'

/** GraphQL operations of Linear. */
export const operations = {
  viewer: operation('query viewer { viewer { id } }', { viewer: withId }),
  team: operation('query team($key: String!) { teams(filter: { key: { eq: $key } }) { nodes { id } } }', {
    teams: listOf(withId),
  }),
  states: operation('query states($id: String!) { team(id: $id) { states { nodes { id name type position } } } }', {
    team: z.object({ states: listOf(state) }),
  }),
  labels: operation(
    'query labels($filter: IssueLabelFilter!) { issueLabels(filter: $filter) { nodes { id name isGroup } } }',
    {
      issueLabels: listOf(z.object({ id: z.string(), name: z.string(), isGroup: z.boolean() })),
    },
  ),
  users: operation('query users($filter: UserFilter!) { users(filter: $filter) { nodes { id } } }', {
    users: listOf(withId),
  }),
  issue: operation(`query issue($id: String!) { issue(id: $id) { ${ISSUE} } }`, { issue }),
  issueById: operation(
    `query issues($id: ID!) { issues(filter: { id: { eq: $id } }, includeArchived: true) { nodes { ${ISSUE} } } }`,
    { issues: listOf(issue) },
  ),
  commentById: operation('query comments($id: ID!) { comments(filter: { id: { eq: $id } }) { nodes { id } } }', {
    comments: listOf(withId),
  }),
  open: operation(
    `mutation open($input: IssueCreateInput!) { issueCreate(input: $input) { success issue { ${ISSUE} } } }`,
    { issueCreate: z.object({ success, issue }) },
  ),
  update: operation(
    'mutation update($id: String!, $input: IssueUpdateInput!) { issueUpdate(id: $id, input: $input) { success } }',
    { issueUpdate: z.object({ success }) },
  ),
  comment: operation('mutation comment($input: CommentCreateInput!) { commentCreate(input: $input) { success } }', {
    commentCreate: z.object({ success }),
  }),
  createLabel: operation(
    'mutation label($input: IssueLabelCreateInput!) { issueLabelCreate(input: $input) { success issueLabel { id } } }',
    { issueLabelCreate: z.object({ success, issueLabel: withId }) },
  ),
}

/** Sends an operation and returns its data. */
export async function send<T>(http: Http, { document, schema }: Operation<T>, variables: object = {}): Promise<T> {
  const isRead = document.startsWith('query ')
  const { body } = await http.post(
    'graphql',
    { query: document, variables },
    { isRead, schema: z.object({ data: schema }) },
  )
  return body.data
}

/**
 * The statuses of types and codes of errors. Linear's own client knows errors by their type.
 *
 * @see https://github.com/linear/linear/blob/master/packages/sdk/src/error.ts
 */
const STATUSES: Record<string, number> = {
  'authentication error': 401,
  AUTHENTICATION_ERROR: 401,
  ratelimited: 429,
  RATELIMITED: 429,
  'internal error': 500,
  INTERNAL_SERVER_ERROR: 500,
  'network error': 502,
  'lock timeout': 503,
}

/** Linear reports errors, rate limits included, with the status 200 or 400. */
export function errorStatus(body: unknown): number | undefined {
  const [first] = errorsIn(body)
  if (!first) return undefined
  const { type = '', code = '', statusCode = 400 } = first.extensions ?? {}
  return STATUSES[type] ?? STATUSES[code] ?? Math.max(statusCode, 400)
}

export function errorReason(body: unknown): string | undefined {
  const reasons = errorsIn(body).map(({ message, extensions }) => extensions?.userPresentableMessage ?? message)
  return reasons.length > 0 ? reasons.join('; ') : undefined
}

interface GraphqlError {
  message?: string
  extensions?: { type?: string; code?: string; statusCode?: number; userPresentableMessage?: string }
}

function errorsIn(body: unknown): GraphqlError[] {
  const { errors } = (body ?? {}) as { errors?: unknown }
  return Array.isArray(errors) ? errors : []
}
