import { randomUUID } from 'node:crypto'
import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { graphqlOperation, newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'
import { issueInputs, playTickets, type TicketRow } from '../../../conformance/row.ts'

interface Issue {
  id: string
  number: number
  stateId: string
  labels: string[]
  title: string
  description: string
  priority: number
  assigneeId?: string
  [field: string]: unknown
}

type State = ReturnType<typeof initial>
type Fields = Record<string, unknown>

const TOKEN = 'lin_api_a_key_of_linear'
const team = { id: '5d2c1c9e-0000-4000-8000-00000000e009', key: 'ENG', name: 'Engineering' }
const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/
const FIELDS = ['id', 'teamId', 'title', 'description', 'priority', 'assigneeId', 'labelIds', 'stateId', 'dueDate']
const CHANGES = ['title', 'description', 'priority', 'assigneeId', 'labelIds', 'addedLabelIds', 'stateId', 'dueDate']
/** The workflow, the last state first. */
const STATES = [
  ['Ready', 'unstarted'],
  ['Shipped', 'completed'],
  ['Duplicate', 'duplicate'],
  ['Canceled', 'canceled'],
  ['Done', 'completed'],
  ['In Progress', 'started'],
  ['Todo', 'unstarted'],
  ['Backlog', 'backlog'],
] as const

const initial = () => ({
  issues: [] as Issue[],
  comments: [] as { id: string; issueId: string; body: string }[],
  labels: [
    { id: randomUUID(), name: 'Shop', isGroup: false },
    { id: randomUUID(), name: 'Severity', isGroup: true },
  ],
  states: STATES.map(([name, type], index): { id: string; name: string; type: string; position: number } => ({
    id: randomUUID(),
    name,
    type,
    position: STATES.length - 1 - index,
  })),
  users: [
    { id: randomUUID(), email: 'mia@example.com', name: 'Mia Krystof', displayName: 'mia' },
    { id: randomUUID(), email: 'mia.k@example.com', name: 'Mia Krystof', displayName: 'mia.k' },
  ],
})

/**
 * A fake of Linear's GraphQL API with the team ENG and the workflow of a new team.
 *
 * @see https://linear.app/developers/graphql
 * @see https://github.com/linear/linear/blob/master/packages/sdk/src/schema.graphql
 * @see https://linear.app/developers/rate-limiting
 */
const startLinear = definePlatform({
  state: initial,
  refuses: requireHeader(
    'authorization',
    TOKEN,
    refused('Authentication required, not authenticated', 'AUTHENTICATION_ERROR', 401),
  ),
  operation: (call) => (call.method === 'POST' && call.path === '/graphql' ? graphqlOperation(call) : undefined),
  envelope: (result, operation) => ({ data: { [operation.replace(/^\w+ /, '')]: result } }),
  routes: {
    'query viewer': () => ({ id: randomUUID() }),
    'query teams': ({ body }) => ({ nodes: body.variables.key === team.key ? [{ id: team.id }] : [] }),
    'query team': ({ state, body }) =>
      body.variables.id === team.id ? { states: { nodes: state.states } } : refused('Could not find referenced Team.'),
    'query issueLabels': ({ state, body }) => ({
      nodes: state.labels.filter(({ name }) => isIn(body.variables.filter, name)),
    }),
    'query users': ({ state, body }) => ({
      nodes: state.users.filter(({ email, name, displayName }) =>
        [email, name, displayName].some((text) => isIn(body.variables.filter, text)),
      ),
    }),
    'query issue': ({ state, body }) => {
      const issue = find(state, body.variables.id)
      return issue ? toResponse(state, issue) : refused('Could not find referenced Issue.')
    },
    'query issues': ({ state, body }) => ({
      nodes: state.issues.filter(({ id }) => id === body.variables.id).map((issue) => toResponse(state, issue)),
    }),
    'query comments': ({ state, body }) => ({ nodes: state.comments.filter(({ id }) => id === body.variables.id) }),
    'mutation issueCreate': ({ state, body }) => create(state, body.variables.input),
    'mutation issueUpdate': ({ state, body }) => {
      const { id, input } = body.variables
      const issue = find(state, id)
      if (!issue) return refused('Could not find referenced Issue.')
      const invalid = invalidField(state, input, CHANGES)
      if (invalid) return refused(invalid)
      const { addedLabelIds = [], ...changes } = input
      Object.assign(issue, changes, { labels: [...issue.labels, ...addedLabelIds] })
      return { success: true }
    },
    'mutation commentCreate': ({ state, body }) => {
      const { id = randomUUID(), issueId, body: text } = body.variables.input
      if (!UUID.test(id) || state.comments.some((comment) => comment.id === id))
        return refused('id must be a new UUID.')
      if (!text || !state.issues.some((issue) => issue.id === issueId))
        return refused('Could not find referenced Issue.')
      state.comments.push({ id, issueId, body: text })
      return { success: true }
    },
    'mutation issueLabelCreate': ({ state, body }) => {
      const { name, teamId } = body.variables.input
      const exists = state.labels.some((label) => label.name.toLowerCase() === name.toLowerCase())
      if (teamId !== team.id || exists) return refused('Duplicate label name.')
      const label = { id: randomUUID(), name, isGroup: false }
      state.labels.push(label)
      return { success: true, issueLabel: { id: label.id } }
    },
  },
  notFound: refused('Cannot query this field', 'GRAPHQL_VALIDATION_FAILED', 400),
  members: () => ({ token: TOKEN }),
})

/** Returns an error of Linear. The message is general, and `userPresentableMessage` has the reason. */
export function refused(reason: string, code = 'INPUT_ERROR', status = 200): Reply {
  return failed({ type: 'invalid input', code, userError: true, userPresentableMessage: reason }, status)
}

/** Returns an error with the extensions of Linear. */
export function failed(extensions: object, status = 200): Reply {
  return { status, body: { errors: [{ message: 'Argument Validation Error', path: ['x'], extensions }], data: null } }
}

function create(state: State, input: Fields): object | Reply {
  const { id = randomUUID(), teamId, labelIds = [], ...fields } = input
  const invalid = invalidField(state, input, FIELDS) ?? (teamId === team.id ? undefined : 'teamId must be a UUID.')
  if (invalid) return refused(invalid)
  if (typeof fields['title'] !== 'string' || fields['title'] === '') return refused('title should not be empty.')
  if (!UUID.test(String(id))) return refused('id must be a UUID.')
  if (state.issues.some((issue) => issue.id === id)) return refused('An entity with this id already exists.')
  const stateId = state.states.find(({ name }) => name === 'Backlog')?.id ?? ''
  const defaults = { title: '', description: '', priority: 0, stateId, labels: labelIds as string[] }
  state.issues.push({ ...defaults, ...fields, id: String(id), number: state.issues.length + 1 })
  return { success: true, issue: toResponse(state, newestOf(state.issues)) }
}

/** Evaluates a filter with eqIgnoreCase conditions on one text. */
function isIn(filter: unknown, text: string): boolean {
  return JSON.stringify(filter)
    .toLowerCase()
    .includes(`"eqignorecase":${JSON.stringify(text.toLowerCase())}`)
}

function invalidField(state: State, input: Fields, known: string[]): string | undefined {
  const unknown = Object.keys(input).find((field) => !known.includes(field))
  if (unknown) return `Field "${unknown}" is not defined by type "IssueInput".`
  const { priority = 0, stateId, assigneeId } = input
  if (![0, 1, 2, 3, 4].includes(Number(priority))) return 'priority must not be greater than 4.'
  if (stateId !== undefined && !state.states.some(({ id }) => id === stateId)) return 'stateId must be a UUID.'
  if (assigneeId !== undefined && !state.users.some(({ id }) => id === assigneeId)) return 'assigneeId must be a UUID.'
  return undefined
}

function find({ issues }: State, id: string): Issue | undefined {
  return issues.find((issue) => issue.id === id || `${team.key}-${issue.number}` === id.toUpperCase())
}

function toResponse({ states }: State, { id, number, stateId }: Issue): Fields {
  const identifier = `${team.key}-${number}`
  const { name, type } = states.find((state) => state.id === stateId) ?? {}
  const url = `https://linear.app/acme/issue/${identifier}/checkout`
  return { id, identifier, url, state: { name, type }, team: { id: team.id } }
}

export const ticketRow = {
  writes: /^POST .* issueCreate$/,
  start: playTickets(startLinear, 'issues', { project: 'ENG' }),
  unknownId: 'ENG-424242',
  ...issueInputs,
} satisfies TicketRow
