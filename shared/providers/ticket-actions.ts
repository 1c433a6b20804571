import { Failure, invalidInput, refused } from '../errors.ts'
import { type Problem, problemIn } from '../orchestrators/event/problem.ts'
import { type Outcome, passed } from '../outcome.ts'
import { isRecord } from '../record.ts'
import { slug } from '../text/slug.ts'
import type { CallContext, ImmediateAction } from './action.ts'
import { cutText, MAX_TEXT, MAX_TITLE } from './cut-text.ts'
import { resolveProject } from './project.ts'
import { type Client, hasIdempotencyKey } from './provider.ts'
import { searchIncomplete } from './search-window.ts'
import {
  type CloseTicket,
  closeInput,
  type OpenTicket,
  openInput,
  type Ticket,
  type TicketProvider,
  type TicketRef,
  type UpdateTicket,
  updateInput,
} from './ticket.ts'

const DEADLINE_SECONDS = 3_600
const outputs = ['id', 'number', 'url', 'state'] as const

/** Opens a ticket, once per event. */
export const openTicket: ImmediateAction<TicketProvider, OpenTicket> = {
  type: 'immediate',
  kind: 'ticket',
  effect: 'reversible',
  summary: 'Opens a ticket and returns its id, number and URL',
  input: openInput,
  outputs,
  deadline: DEADLINE_SECONDS,
  complete(input, { event, connection, provider, note }) {
    const problem = problemIn(event)
    const fullTitle = input.title ?? problem?.title ?? defaultTitle(event)
    const title = cutText('title', fullTitle, MAX_TITLE, note)
    const details = input.description ?? (problem && describeProblem(problem))
    const hasFullTitle = title === fullTitle || details?.startsWith(fullTitle)
    const description = hasFullTitle ? details : [fullTitle, details].filter(Boolean).join('\n\n')
    const project = resolveProject(input.project, connection, provider, true)
    return checkInput(provider, connection, { ...input, ...cutTexts({ description }, note), title, project })
  },
  async run(provider, client, input) {
    const found = hasIdempotencyKey(client)
      ? known(provider, client, await provider.find(client, input), `opened the ${provider.noun}`)
      : undefined
    const ticket = found ?? (await provider.open(client, input))
    const name = describeTicket(provider, ticket)
    return ticketOutcome(provider, ticket, found ? `Found ${name}, opened by an earlier attempt` : `Opened ${name}`)
  },
}

/** Changes a ticket and adds a comment, once per event, and returns the state as read back. */
export const updateTicket: ImmediateAction<TicketProvider, UpdateTicket> = {
  type: 'immediate',
  kind: 'ticket',
  effect: 'reversible',
  summary: 'Changes a ticket or adds a comment, and returns its state as read back',
  input: updateInput,
  outputs,
  deadline: DEADLINE_SECONDS,
  // Setting fields again changes nothing, and an existing comment is not added again.
  idempotent: true,
  complete(input, { connection, provider, note }) {
    const { id: _, project: __, ...changes } = input
    if (Object.values(changes).every((value) => value === undefined)) {
      throw invalidInput(
        'input',
        'must have at least one of title, description, labels, priority, assignee, state, fields and comment',
      )
    }
    const { title, description, comment } = input
    return checkInput(provider, connection, {
      ...input,
      ...(title === undefined ? {} : { title: cutText('title', title, MAX_TITLE, note) }),
      ...cutTexts({ description, comment }, note),
      project: resolveProject(input.project, connection, provider, false),
    })
  },
  async run(provider, client, { id, project, comment, ...changes }) {
    const ref = { id, project }
    if (Object.values(changes).some((value) => value !== undefined)) await provider.update(client, ref, changes)
    if (comment) await commentOnce(provider, client, ref, comment)
    const { state } = changes
    if (!provider.get) return unconfirmedOutcome(provider, ref, state ?? 'updated', 'update')
    const ticket = await provider.get(client, ref)
    const name = describeTicket(provider, ticket)
    if (state && !isInState(provider, ticket, state)) {
      const actual = isStateKind(state)
        ? `${ticket.state}, which does not count as ${state}`
        : `${ticket.state}, not ${state}`
      throw unexpectedState(ticket, `${provider.title} accepted the update, but the ${name} is ${actual}.`)
    }
    return ticketOutcome(provider, ticket, `Updated ${name}, now ${ticket.state}`)
  },
}

function unexpectedState({ stateSource }: Ticket, message: string): Failure {
  return refused(stateSource === undefined ? message : `${message} ${stateSource}`)
}

/** Whether a state is `open` or `closed`, instead of a state of the platform. */
function isStateKind(state: string): boolean {
  return ['open', 'closed'].includes(state.toLowerCase())
}

function isInState({ confirmsState }: TicketProvider, { state, isClosed }: Ticket, wanted: string): boolean {
  if (isStateKind(wanted)) return isClosed === (wanted.toLowerCase() === 'closed')
  const normalize = (name: string) => name.toLowerCase().replace(/[\s_-]/g, '')
  return confirmsState === true || normalize(state) === normalize(wanted)
}

/** Closes a ticket and returns the state as read back. A ticket that is already closed passes. */
export const closeTicket: ImmediateAction<TicketProvider, CloseTicket> = {
  type: 'immediate',
  kind: 'ticket',
  effect: 'reversible',
  summary: 'Closes a ticket and returns its state as read back',
  input: closeInput,
  outputs,
  deadline: DEADLINE_SECONDS,
  idempotent: true,
  complete(input, { connection, provider, note }) {
    return checkInput(provider, connection, {
      ...input,
      ...cutTexts({ comment: input.comment }, note),
      project: resolveProject(input.project, connection, provider, false),
    })
  },
  async run(provider, client, { id, project, comment, resolution }) {
    const ref = { id, project }
    const before = await provider.get?.(client, ref)
    if (comment) await commentOnce(provider, client, ref, comment)
    if (before?.isClosed) {
      const message = `The ${describeTicket(provider, before)} was closed already (${before.state})`
      return ticketOutcome(provider, before, message)
    }
    await provider.close(client, ref, { resolution, comment })
    if (!provider.get) return unconfirmedOutcome(provider, ref, 'closed', 'close')
    const after = await provider.get(client, ref)
    const name = describeTicket(provider, after)
    if (!after.isClosed)
      throw unexpectedState(after, `${provider.title} accepted the close, but the ${name} is still ${after.state}.`)
    return ticketOutcome(provider, after, `Closed ${name} (${after.state})`)
  },
}

/**
 * Returns the checked reference of a ticket, with the project of the connection as default.
 *
 * @throws Failure `invalid`
 */
export function ticketOf(
  { id, project }: TicketRef,
  connection: Record<string, unknown>,
  provider: TicketProvider,
): TicketRef {
  const ref = { id, project: resolveProject(project, connection, provider, false) }
  provider.checkRef?.(ref)
  return ref
}

function cutTexts<T extends Record<string, string | undefined>>(texts: T, note: CallContext['note']): Partial<T> {
  const entries = Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return Object.fromEntries(entries.map(([name, text]) => [name, cutText(name, text, MAX_TEXT, note)])) as Partial<T>
}

function checkInput<I extends Partial<UpdateTicket & CloseTicket>>(
  provider: TicketProvider,
  connection: Record<string, unknown>,
  input: I,
): I {
  const { id, project } = input
  if (id !== undefined) provider.checkRef?.({ id, project })
  checkReservedFields(provider, input.fields)
  provider.checkInput?.(input, connection)
  return input
}

function checkReservedFields({ title, reservedFields = [] }: TicketProvider, fields: unknown): void {
  const errors = reservedFields.flatMap(({ path, instead }) => {
    const found = findPath(fields, path)
    return found
      ? [{ path: ['input.fields', ...found].join('.'), message: `is reserved for ${title}: ${instead}` }]
      : []
  })
  const [first] = errors
  if (first) throw new Failure('invalid', `${first.path} ${first.message}`, { errors })
}

/** Returns a path as the caller wrote it; undefined if the input does not contain it. */
function findPath(fields: unknown, [name, ...rest]: readonly string[]): string[] | undefined {
  if (name === undefined) return []
  if (!isRecord(fields)) return undefined
  for (const field of Object.keys(fields)) {
    const below = field.toLowerCase() === name.toLowerCase() ? findPath(fields[field], rest) : undefined
    if (below) return [field, ...below]
  }
  return undefined
}

/**
 * Returns the result of a search for what an earlier attempt wrote. Without an earlier attempt, an incomplete search has missed
 * nothing.
 *
 * @param effect of the earlier attempt: `opened the issue`
 * @throws Failure `unconfirmed` if the search of a retry was incomplete
 */
function known<T>({ title }: TicketProvider, { isRetry }: Client, found: T | 'unknown', effect: string): T | undefined {
  if (found !== 'unknown') return found
  if (!isRetry) return undefined
  throw searchIncomplete(title, effect)
}

async function commentOnce(provider: TicketProvider, client: Client, ref: TicketRef, comment: string): Promise<void> {
  if (hasIdempotencyKey(client)) {
    const effect = `added the comment to the ${provider.noun}`
    if (known(provider, client, await provider.hasComment(client, ref), effect)) return
  }
  await provider.comment(client, ref, comment)
}

function describeTicket({ noun }: TicketProvider, { number }: Ticket): string {
  return `${noun} ${number}`
}

function ticketOutcome(provider: TicketProvider, ticket: Ticket, message: string): Outcome {
  const { id, number, url, state } = ticket
  const link = `${slug(provider.title)} ${number}`
  return passed(message, { id, number, ...(url ? { url } : {}), state }, url ? { [link]: url } : {})
}

/** Returns the outcome for a platform that only accepts events: it claims no more than what was sent. */
function unconfirmedOutcome(
  { title, noun }: TicketProvider,
  { id }: TicketRef,
  state: string,
  operation: 'update' | 'close',
): Outcome {
  return passed(`${title} accepted the ${operation} of ${noun} ${id}. Its state cannot be read back`, {
    id,
    number: id,
    state,
  })
}

function describeProblem({ title, impacted, details, url }: Problem): string {
  const affected = impacted.length > 0 ? `Impacted: ${impacted.join(', ')}` : undefined
  return [title, affected, details, url].filter(Boolean).join('\n\n')
}

function defaultTitle({ task, data }: CallContext['event']): string {
  const { project, stage, service } = data
  if (project && service) return `${task ?? 'Task'}: ${service} in ${[project, stage].filter(Boolean).join('/')}`
  throw invalidInput(
    'input.title',
    'is required, because the event has no problem, and no data.project and data.service for a default title',
  )
}
