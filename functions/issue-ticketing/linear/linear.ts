import * as z from 'zod/mini'
import { invalidInput, refused } from '../../../shared/errors.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { type Levels, platformLevel } from '../../../shared/providers/priority-level.ts'
import {
  defineTicketProvider,
  type Ticket,
  type TicketChanges,
  type TicketRef,
} from '../../../shared/providers/ticket.ts'
import { refuseUnsupported } from '../../../shared/providers/unsupported-input.ts'
import { clipSingleLine, clipTitle } from '../../../shared/text/single-line.ts'
import { uuidOf } from '../../../shared/text/uuid.ts'
import { errorReason, errorStatus, type Issue, operations, type State, send } from './api.ts'

/** Types of states, in the order in which an issue is reopened or closed. Linear may add others, which count as open. */
const OPEN_TYPES = ['unstarted', 'started', 'backlog', 'triage']
const CLOSED_TYPES = ['completed', 'canceled', 'duplicate']
const PRIORITIES: Levels = { critical: '1', high: '2', medium: '3', low: '4' }
const PRIORITY_NAMES: Record<string, number> = { none: 0, 'no priority': 0, urgent: 1, normal: 3 }
const MAX_TITLE = 255

/**
 * Issues in Linear. The id of an issue or comment is derived from the idempotency key, so Linear accepts it once.
 *
 * @see https://linear.app/developers/graphql
 */
export const linear = defineTicketProvider({
  title: 'Linear',
  noun: 'issue',
  connection: z.strictObject({
    baseUrl: z._default(url('URL of the API'), 'https://api.linear.app'),
    token: secret('Personal API key (lin_api_..) with the permissions Read and Write, or an OAuth access token'),
    project: optional(word('Key of the default team, such as ENG')),
  }),
  // Linear expects a personal API key without a scheme.
  headers: ({ token }) => ({ authorization: token.startsWith('lin_api_') ? token : `Bearer ${token}` }),
  errorStatus,
  errorReason,
  project: { pattern: /^[A-Z][A-Z0-9]{0,9}$/, example: 'ENG' },

  async check({ http, connection: { project } }) {
    await send(http, operations.viewer)
    if (project !== undefined) await teamOf(http, project)
  },

  checkRef({ id }) {
    if (/^[A-Z][A-Z0-9]{0,9}-\d{1,9}$/i.test(id) || UUID.test(id)) return
    throw invalidInput('input.id', 'must be the number of an issue, such as ENG-123')
  },

  checkInput({ type, priority }) {
    refuseUnsupported('Linear', { type })
    if (priority !== undefined) priorityOf(priority)
  },

  reservedFields: [{ path: ['id'], instead: 'omit it, because it contains the idempotency key' }],

  lookUp: { newest: 'all' },

  async find({ http, idempotencyKey }) {
    const [found] = (await send(http, operations.issueById, { id: uuidOf(idempotencyKey) })).issues.nodes
    return found && ticketOf(found)
  },

  async open({ http, idempotencyKey }, input) {
    const { project = '', labels = [], fields } = input
    const teamId = await teamOf(http, project)
    const content = {
      ...(idempotencyKey === undefined ? {} : { id: uuidOf(idempotencyKey) }),
      teamId,
      ...clipTitle(input, MAX_TITLE),
      ...(await commonFields(http, input)),
      ...(labels.length > 0 ? { labelIds: await labelIds(http, teamId, labels) } : {}),
      ...fields,
    }
    return ticketOf((await send(http, operations.open, { input: content })).issueCreate.issue)
  },

  async get({ http }, ref) {
    return ticketOf(await read(http, ref))
  },

  async update({ http }, ref, changes) {
    const { title, description, labels = [], state: wanted, fields } = changes
    const current = await read(http, ref)
    const stateId = wanted === undefined ? undefined : await stateFor(http, current, wanted)
    const input = {
      ...(title === undefined ? {} : { title: clipSingleLine(title, MAX_TITLE) }),
      ...(description === undefined ? {} : { description }),
      ...(await commonFields(http, changes)),
      ...(labels.length > 0 ? { addedLabelIds: await labelIds(http, current.team.id, labels) } : {}),
      ...(stateId === undefined ? {} : { stateId }),
      ...fields,
    }
    if (Object.keys(input).length > 0) await updateIssue(http, current, input)
  },

  async comment({ http, idempotencyKey }, ref, body) {
    const id = idempotencyKey === undefined ? {} : { id: uuidOf(idempotencyKey) }
    const input = { ...id, issueId: (await read(http, ref)).id, body }
    await send(http, operations.comment, { input })
  },

  async hasComment({ http, idempotencyKey }) {
    const { comments } = await send(http, operations.commentById, { id: uuidOf(idempotencyKey) })
    return comments.nodes.length > 0
  },

  async close({ http }, ref, { resolution }) {
    const current = await read(http, ref)
    const closing = inOrder(await statesOf(http, current), CLOSED_TYPES)
    const found = resolution === undefined ? closing[0] : closing.find((state) => isNamed(state, resolution))
    await updateIssue(http, current, { stateId: (found ?? refuseState(current, closing, resolution ?? 'closed')).id })
  },
})

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

function ticketOf({ identifier, url, state: { name, type } }: Issue): Ticket {
  return { id: identifier, number: identifier, url, state: name, isClosed: CLOSED_TYPES.includes(type) }
}

async function read(http: Http, { id }: TicketRef): Promise<Issue> {
  return (await send(http, operations.issue, { id })).issue
}

async function updateIssue(http: Http, { id }: Issue, input: object): Promise<void> {
  await send(http, operations.update, { id, input })
}

async function teamOf(http: Http, key: string): Promise<string> {
  const [team] = (await send(http, operations.team, { key })).teams.nodes
  if (team) return team.id
  throw refused(`Linear shows no team with the key ${key}. Check the key and the teams of the token.`)
}

async function statesOf(http: Http, { team }: Issue): Promise<State[]> {
  return (await send(http, operations.states, { id: team.id })).team.states.nodes
}

/** The id of the state to set; undefined if the issue is in it already. */
async function stateFor(http: Http, current: Issue, wanted: string): Promise<string | undefined> {
  const kind = { open: OPEN_TYPES, closed: CLOSED_TYPES }[wanted.toLowerCase()]
  const isClosed = CLOSED_TYPES.includes(current.state.type)
  if (kind ? isClosed === (kind === CLOSED_TYPES) : isNamed(current.state, wanted)) return undefined
  const states = await statesOf(http, current)
  const found = kind ? inOrder(states, kind)[0] : states.find((state) => isNamed(state, wanted))
  return (found ?? refuseState(current, states, wanted)).id
}

/** Returns the states of some types, sorted by type and then by their position in the team. */
function inOrder(states: State[], types: string[]): State[] {
  const sorted = states.toSorted((a, b) => a.position - b.position)
  return types.flatMap((type) => sorted.filter((state) => state.type === type))
}

function isNamed({ name }: { name: string }, text: string): boolean {
  return name.toLowerCase() === text.trim().toLowerCase()
}

function refuseState({ identifier }: Issue, states: State[], wanted: string): never {
  const names = states.map(({ name }) => name).join(', ') || 'none'
  throw refused(`The team of ${identifier} has no state "${wanted}". Its states: ${names}.`)
}

async function commonFields(http: Http, { priority, assignee }: Pick<TicketChanges, 'priority' | 'assignee'>) {
  return {
    ...(priority === undefined ? {} : { priority: priorityOf(priority) }),
    ...(assignee === undefined ? {} : { assigneeId: await userOf(http, assignee) }),
  }
}

function priorityOf(text: string): number {
  const value = platformLevel(PRIORITIES, text)
  const priority = PRIORITY_NAMES[value.trim().toLowerCase()] ?? (/^[0-4]$/.test(value) ? Number(value) : undefined)
  if (priority !== undefined) return priority
  throw invalidInput('input.priority', 'must be critical, urgent, high, medium, normal, low or none')
}

async function userOf(http: Http, who: string): Promise<string> {
  const eqIgnoreCase = { eqIgnoreCase: who.replace(/^@/, '') }
  const filter = { or: [{ email: eqIgnoreCase }, { displayName: eqIgnoreCase }, { name: eqIgnoreCase }] }
  const [found, ...others] = (await send(http, operations.users, { filter })).users.nodes
  if (found && others.length === 0) return found.id
  throw refused(`Linear has ${found ? 'several users' : 'no user'} "${who}". Send the e-mail address of one user.`)
}

/** Returns the ids of labels, and creates those that neither the team nor the workspace has. */
async function labelIds(http: Http, teamId: string, labels: string[]): Promise<string[]> {
  const isUsable = { or: [{ team: { id: { eq: teamId } } }, { team: { null: true } }] }
  const isWanted = { or: labels.map((name) => ({ name: { eqIgnoreCase: name } })) }
  const { issueLabels } = await send(http, operations.labels, { filter: { and: [isUsable, isWanted] } })
  const known = issueLabels.nodes
  const ids = new Set<string>()
  for (const name of labels) {
    const found = known.find((label) => isNamed(label, name))
    if (found?.isGroup) throw refused(`The label "${name}" is a group in Linear. Send a label of the group.`)
    const id = found?.id ?? (await createLabel(http, { teamId, name }))
    if (!found) known.push({ id, name, isGroup: false })
    ids.add(id)
  }
  return [...ids]
}

async function createLabel(http: Http, input: { teamId: string; name: string }): Promise<string> {
  return (await send(http, operations.createLabel, { input })).issueLabelCreate.issueLabel.id
}
