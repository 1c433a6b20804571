import { randomUUID } from 'node:crypto'
import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'

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

/** The state of the fake. Tests read and change it. */
interface LinearState {
  issues: Issue[]
  comments: { id: string; issueId: string; body: string }[]
  labels: { id: string; name: string; isGroup: boolean }[]
  states: { id: string; name: string; type: string; position: number }[]
  users: { id: string; email: string; name: string; displayName: string }[]
}

export interface LinearServer extends Served {
  token: string
  state: LinearState
}

type Fields = Record<string, unknown>

const team = { id: '5d2c1c9e-0000-4000-8000-00000000e009', key: 'ENG', name: 'Engineering' }
const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/
const FIELDS = ['id', 'teamId', 'title', 'description', 'priority', 'assigneeId', 'labelIds', 'stateId', 'dueDate']
const CHANGES = ['title', 'description', 'priority', 'assigneeId', 'labelIds', 'addedLabelIds', 'stateId', 'dueDate']

/**
 * A fake of Linear's GraphQL API with the team ENG and the workflow of a new team.
 *
 * @see https://linear.app/developers/graphql
 * @see https://github.com/linear/linear/blob/master/packages/sdk/src/schema.graphql
 * @see https://linear.app/developers/rate-limiting
 */
export async function startLinear(): Promise<LinearServer> {
  const token = 'lin_api_a_key_of_linear'
  const states = ['Backlog', 'Todo', 'In Progress', 'Done', 'Canceled', 'Duplicate', 'Shipped', 'Ready']
  const types = ['backlog', 'unstarted', 'started', 'completed', 'canceled', 'duplicate', 'completed', 'unstarted']
  const state: LinearState = {
    issues: [],
    comments: [],
    labels: [
      { id: randomUUID(), name: 'Shop', isGroup: false },
      { id: randomUUID(), name: 'Severity', isGroup: true },
    ],
    states: states.map((name, at) => ({ id: randomUUID(), name, type: types[at] ?? '', position: at })).reverse(),
    users: [
      { id: randomUUID(), email: 'mia@example.com', name: 'Mia Krystof', displayName: 'mia' },
      { id: randomUUID(), email: 'mia.k@example.com', name: 'Mia Krystof', displayName: 'mia.k' },
    ],
  }
  const served = await serve((call) => {
    if (call.path !== '/graphql' || call.method !== 'POST') return { status: 404, body: 'Not Found' }
    if (call.headers['authorization'] !== token) {
      return refused('Authentication required, not authenticated', 'AUTHENTICATION_ERROR', 401)
    }
    return answer(state, call)
  })
  return { ...served, token, state }
}

/** An error as Linear reports it: the message is general, and the text for people says why. */
export function refused(reason: string, code = 'INPUT_ERROR', status = 200): Reply {
  return failed({ type: 'invalid input', code, userError: true, userPresentableMessage: reason }, status)
}

/** An error with the members that Linear gives it. */
export function failed(extensions: object, status = 200): Reply {
  return { status, body: { errors: [{ message: 'Argument Validation Error', path: ['x'], extensions }], data: null } }
}

function answer(state: LinearState, { body }: Call): Reply {
  const { query = '', variables = {} } = (body ?? {}) as { query?: string; variables?: Fields }
  const [, kind, field = ''] = /^(query|mutation) [^{]*\{ (\w+)/.exec(query) ?? []
  const resolve = (kind === 'mutation' ? mutations : queries)[field]
  if (!resolve) return refused(`Cannot query field "${field}"`, 'GRAPHQL_VALIDATION_FAILED', 400)
  const result = resolve(state, variables)
  return typeof result === 'string' ? refused(result) : ok({ data: { [field]: result } })
}

/** A text is the reason of a refusal. */
type Resolve = (state: LinearState, variables: Fields) => Fields | string

const queries: Record<string, Resolve> = {
  viewer: () => ({ id: randomUUID() }),
  teams: (_, { key }) => ({ nodes: key === team.key ? [{ id: team.id }] : [] }),
  team: ({ states }, { id }) => (id === team.id ? { states: { nodes: states } } : 'Could not find referenced Team.'),
  issueLabels: ({ labels }, { filter }) => ({ nodes: labels.filter(({ name }) => isIn(filter, name)) }),
  users: ({ users }, { filter }) => ({
    nodes: users.filter(({ email, name, displayName }) =>
      [email, name, displayName].some((text) => isIn(filter, text)),
    ),
  }),
  issue: (state, { id }) => {
    const found = find(state, id)
    return found ? shown(state, found) : 'Could not find referenced Issue.'
  },
  issues: (state, { id }) => ({ nodes: state.issues.filter((one) => one.id === id).map((one) => shown(state, one)) }),
  comments: ({ comments }, { id }) => ({ nodes: comments.filter((one) => one.id === id) }),
}

const mutations: Record<string, Resolve> = {
  issueCreate(state, { input }) {
    const { id = randomUUID(), teamId, labelIds = [], ...fields } = input as Fields
    const error = wrong(state, input as Fields, FIELDS) ?? (teamId === team.id ? undefined : 'teamId must be a UUID.')
    if (error) return error
    if (typeof fields['title'] !== 'string' || fields['title'] === '') return 'title should not be empty.'
    if (!UUID.test(String(id))) return 'id must be a UUID.'
    if (state.issues.some((one) => one.id === id)) return 'An entity with this id already exists.'
    const stateId = idOf(state, 'Backlog')
    const defaults = { title: '', description: '', priority: 0, stateId, labels: labelIds as string[] }
    state.issues.push({ ...defaults, ...fields, id: String(id), number: state.issues.length + 1 })
    return { success: true, issue: shown(state, newestOf(state.issues)) }
  },
  issueUpdate(state, { id, input }) {
    const found = find(state, id)
    if (!found) return 'Could not find referenced Issue.'
    const error = wrong(state, input as Fields, CHANGES)
    if (error) return error
    const { addedLabelIds = [], ...changes } = input as Fields
    Object.assign(found, changes, { labels: [...found.labels, ...(addedLabelIds as string[])] })
    return { success: true }
  },
  commentCreate({ comments, issues }, { input }) {
    const { id = randomUUID(), issueId, body } = input as Record<string, string>
    if (!UUID.test(id ?? '') || comments.some((one) => one.id === id)) return 'id must be a new UUID.'
    if (!body || !issues.some((one) => one.id === issueId)) return 'Could not find referenced Issue.'
    comments.push({ id: String(id), issueId: String(issueId), body })
    return { success: true }
  },
  issueLabelCreate({ labels }, { input }) {
    const { name = '', teamId } = input as Record<string, string>
    if (teamId !== team.id || labels.some((one) => one.name.toLowerCase() === name.toLowerCase()))
      return 'Duplicate label name.'
    labels.push({ id: randomUUID(), name, isGroup: false })
    return { success: true, issueLabel: { id: newestOf(labels).id } }
  },
}

/** Evaluates a filter with eqIgnoreCase conditions on one text. */
function isIn(filter: unknown, text: string): boolean {
  return JSON.stringify(filter)
    .toLowerCase()
    .includes(`"eqignorecase":${JSON.stringify(text.toLowerCase())}`)
}

function wrong(state: LinearState, input: Fields, known: string[]): string | undefined {
  const unknown = Object.keys(input).find((field) => !known.includes(field))
  if (unknown) return `Field "${unknown}" is not defined by type "IssueInput".`
  const { priority = 0, stateId, assigneeId } = input
  if (![0, 1, 2, 3, 4].includes(Number(priority))) return 'priority must not be greater than 4.'
  if (stateId !== undefined && !state.states.some(({ id }) => id === stateId)) return 'stateId must be a UUID.'
  if (assigneeId !== undefined && !state.users.some(({ id }) => id === assigneeId)) return 'assigneeId must be a UUID.'
  return undefined
}

function find({ issues }: LinearState, id: unknown): Issue | undefined {
  return issues.find((one) => one.id === id || `${team.key}-${one.number}` === String(id).toUpperCase())
}

function idOf({ states }: LinearState, name: string): string {
  return states.find((one) => one.name === name)?.id ?? ''
}

function shown({ states }: LinearState, { id, number, stateId }: Issue): Fields {
  const identifier = `${team.key}-${number}`
  const { name, type } = states.find((one) => one.id === stateId) ?? {}
  const url = `https://linear.app/acme/issue/${identifier}/checkout`
  return { id, identifier, url, state: { name, type }, team: { id: team.id } }
}
