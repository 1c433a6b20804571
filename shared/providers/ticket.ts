import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import { createdId, name, optional, vendorFields, word, words } from '../fields.ts'
import { type Problem, problemOf } from '../orchestrators/keptn/problem.ts'
import { type Outcome, passed } from '../outcome.ts'
import { isRecord } from '../record.ts'
import { slug } from '../text/slug.ts'
import type { CallContext, ImmediateAction } from './action.ts'
import { cutText, cuttable, MAX_TEXT, MAX_TITLE } from './cut-text.ts'
import { type ProjectFormat, resolveProject } from './project.ts'
import { type Client, hasIdempotencyKey, type NoOtherMembers, type Provider } from './provider.ts'

/** A ticket as it stands at the platform. */
export interface Ticket {
  /** What update and close take as `id`, with no other help. */
  id: string
  /** What people say: `7`, `OPS-12`. */
  number: string
  /** Undefined where the platform does not say where it can be seen. */
  url: string | undefined
  /** The platform's own word for its state. */
  state: string
  isClosed: boolean
}

const described = {
  title: optional(cuttable(MAX_TITLE, 'One line; by default the title of the problem in the event', 1)),
  description: optional(cuttable(MAX_TEXT, 'Plain text or Markdown')),
  project: optional(
    name("Where, as the platform names it: owner/repo, a project key; the connection's default where left out"),
  ),
  type: optional(word('Issue type, tracker: as the platform names it')),
  labels: optional(words('A list, or text with commas')),
  priority: optional(word("critical, high, medium or low, or the platform's own name")),
  assignee: optional(word('User, as the platform names it')),
  fields: optional(vendorFields('What only this platform knows, sent as it is')),
}

const openInput = z.strictObject(described)
const updateInput = z.strictObject({
  id: createdId('`data.id` of what was opened'),
  ...described,
  comment: optional(cuttable(MAX_TEXT, 'Added as a comment')),
  state: optional(word("open or closed, or the platform's own name")),
})
const closeInput = z.strictObject({
  id: createdId('`data.id` of what was opened'),
  project: described.project,
  comment: optional(cuttable(MAX_TEXT, 'Added before it is closed')),
  resolution: optional(word('How it was resolved, as the platform names it')),
})

/** How bad it is, beside its priority: only incidents have these, each a level or the platform's own value. */
interface Scales {
  urgency?: string | undefined
  severity?: string | undefined
}
export type OpenTicket = z.output<typeof openInput> & Scales & { title: string }
export type UpdateTicket = z.output<typeof updateInput> & Scales
export type CloseTicket = z.output<typeof closeInput>
/** What an update changes; the comment is apart, since only it is no setting that can be repeated. */
export type TicketChanges = Omit<UpdateTicket, 'id' | 'comment'>
/** Which ticket is meant. */
export type TicketRef = Pick<UpdateTicket, 'id' | 'project'>

interface ReservedField {
  /** `['body']`; names are compared without case, as some platforms do. */
  path: readonly string[]
  /** `write input.description`. */
  instead: string
}

/** A platform that keeps tickets: vendor knowledge only, the promises are kept by the three actions below. */
export interface TicketProvider<S extends z.ZodMiniObject = z.ZodMiniObject> extends Provider<S> {
  kind: 'ticket'
  /** What a ticket is called here: `issue`. */
  noun: string
  /** Undefined where the platform has none. */
  project: ProjectFormat | undefined
  /** Throws Failure `invalid` where the id, with the project, names no ticket. */
  checkRef?(ref: TicketRef): void
  /**
   * What `input.fields` must not set, as paths below it, and what to write instead: the place of `client.key`, without which a
   * repeat would not find what the first attempt created, and text that every repeat would add again.
   */
  reservedFields?: readonly ReservedField[]
  /** Throws Failure `invalid` for an input that this platform has nothing for: it must not be dropped in silence. */
  checkInput?(input: Partial<UpdateTicket & CloseTicket>, connection: z.output<S>): void
  /** The ticket that carries `client.key`, if there is one. Must see what was made a second ago. */
  find(client: Client<z.output<S>> & { idempotencyKey: string }, input: OpenTicket): Promise<Ticket | undefined>
  /** Makes a ticket that carries `client.key`. */
  open(client: Client<z.output<S>>, input: OpenTicket): Promise<Ticket>
  /** Absent where the platform takes events and cannot be read: then what was sent is all that is known. */
  get?(client: Client<z.output<S>>, ref: TicketRef): Promise<Ticket>
  /**
   * Whether `change` fails unless the platform has set the state. Then a caller may also ask for it by something other than the
   * name that `Ticket.state` shows, such as a number or a transition.
   */
  confirmsState?: true
  /** Sets what is given and leaves the rest; labels are added. */
  update(client: Client<z.output<S>>, ref: TicketRef, changes: TicketChanges): Promise<void>
  /** Adds a comment that carries `client.key`. */
  comment(client: Client<z.output<S>>, ref: TicketRef, comment: string): Promise<void>
  /** Whether a comment of the ticket carries `client.key`. */
  hasComment(client: Client<z.output<S>> & { idempotencyKey: string }, ref: TicketRef): Promise<boolean>
  close(client: Client<z.output<S>>, ref: TicketRef, how: Pick<CloseTicket, 'resolution' | 'comment'>): Promise<void>
}

/** Declares a ticket provider; the schema of its connection types the client of each of its functions. */
export function defineTicketProvider<S extends z.ZodMiniObject, P extends Omit<TicketProvider<S>, 'kind'>>(
  provider: P & { connection: S } & NoOtherMembers<P, TicketProvider>,
): P & { kind: 'ticket' } {
  return { kind: 'ticket', ...provider }
}

/** A ticket is done with when it is answered: nothing goes on. */
interface TicketAction<Input> extends ImmediateAction<TicketProvider, Input> {
  run(provider: TicketProvider, client: Client, input: Input): Promise<Outcome>
}

/** States that stand for plain closing. A platform may also have others that close, such as `Rejected`: they must be named. */
export const CLOSED_STATE_NAMES = ['done', 'closed', 'resolved']

const hour = 3_600
const answers = ['id', 'number', 'url', 'state'] as const

/** Opens a ticket, once per event. */
export const openTicket: TicketAction<OpenTicket> = {
  type: 'immediate',
  kind: 'ticket',
  summary: 'Opens a ticket and answers its id, number and URL',
  input: openInput,
  outputs: answers,
  deadline: hour,
  complete(input, { event, connection, provider, note }) {
    const problem = problemOf(event)
    const wholeTitle = input.title ?? problem?.title ?? titleOf(event)
    const title = cutText('title', wholeTitle, MAX_TITLE, note)
    const described = input.description ?? (problem && descriptionOf(problem))
    const isTitleInside = title === wholeTitle || described?.startsWith(wholeTitle)
    const description = isTitleInside ? described : [wholeTitle, described].filter(Boolean).join('\n\n')
    const project = resolveProject(input.project, connection, provider, true)
    return checked(provider, connection, { ...input, ...cutTexts({ description }, note), title, project })
  },
  async run(provider, client, input) {
    const found = hasIdempotencyKey(client) ? await provider.find(client, input) : undefined
    const ticket = found ?? (await provider.open(client, input))
    const message = found
      ? `Found ${named(provider, ticket)}, which an earlier try had opened`
      : `Opened ${named(provider, ticket)}`
    return outcomeOf(provider, ticket, message)
  },
}

/** Changes a ticket and adds a comment, once per event; answers the state read back. */
export const updateTicket: TicketAction<UpdateTicket> = {
  type: 'immediate',
  kind: 'ticket',
  summary: 'Changes a ticket or comments on it, and answers its state as read back',
  input: updateInput,
  outputs: answers,
  deadline: hour,
  // Settings; and a comment is looked for before it is added.
  idempotent: true,
  complete(input, { connection, provider, note }) {
    const { id: _, project: __, ...asked } = input
    if (Object.values(asked).every((value) => value === undefined)) {
      throw new Failure(
        'invalid',
        'input changes nothing: give title, description, labels, priority, assignee, state, fields or comment',
        {
          errors: [
            {
              path: 'input',
              message: 'give at least one of title, description, labels, priority, assignee, state, fields, comment',
            },
          ],
        },
      )
    }
    const { title, description, comment } = input
    return checked(provider, connection, {
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
    if (!provider.get) return unconfirmed(provider, ref, changes.state ?? 'updated', 'update')
    const ticket = await provider.get(client, ref)
    const { state } = changes
    if (state && !isInState(provider, ticket, state)) {
      const but = isNeutral(state)
        ? `${ticket.state}, which does not count as ${state}`
        : `${ticket.state}, not ${state}`
      throw new Failure('refused', `${provider.title} took the call, but the ${named(provider, ticket)} is ${but}.`)
    }
    return outcomeOf(provider, ticket, `Updated ${named(provider, ticket)}, now ${ticket.state}`)
  },
}

/** Whether it names a kind of state, and not a state of the platform. */
function isNeutral(state: string): boolean {
  return ['open', 'closed'].includes(state.toLowerCase())
}

function isInState({ confirmsState }: TicketProvider, { state, isClosed }: Ticket, asked: string): boolean {
  if (isNeutral(asked)) return isClosed === (asked.toLowerCase() === 'closed')
  const plain = (name: string) => name.toLowerCase().replace(/[\s_-]/g, '')
  return confirmsState === true || plain(state) === plain(asked)
}

/** Closes a ticket; what is closed already passes. The confirmation is the state read back. */
export const closeTicket: TicketAction<CloseTicket> = {
  type: 'immediate',
  kind: 'ticket',
  summary: 'Closes a ticket and answers its state as read back',
  input: closeInput,
  outputs: answers,
  deadline: hour,
  idempotent: true,
  complete(input, { connection, provider, note }) {
    return checked(provider, connection, {
      ...input,
      ...cutTexts({ comment: input.comment }, note),
      project: resolveProject(input.project, connection, provider, false),
    })
  },
  async run(provider, client, { id, project, comment, resolution }) {
    const ref = { id, project }
    const before = await provider.get?.(client, ref)
    if (comment) await commentOnce(provider, client, ref, comment)
    if (before?.isClosed)
      return outcomeOf(provider, before, `The ${named(provider, before)} was closed already (${before.state})`)
    await provider.close(client, ref, { resolution, comment })
    if (!provider.get) return unconfirmed(provider, ref, 'closed', 'close')
    const after = await provider.get(client, ref)
    if (!after.isClosed) {
      throw new Failure(
        'refused',
        `${provider.title} took the call, but the ${named(provider, after)} is still ${after.state}.`,
      )
    }
    return outcomeOf(provider, after, `Closed ${named(provider, after)} (${after.state})`)
  },
}

/**
 * Which ticket is meant, in which project.
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

/** The texts that are given, each cut to what a ticket takes. */
function cutTexts<T extends Record<string, string | undefined>>(texts: T, note: CallContext['note']): Partial<T> {
  const given = Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return Object.fromEntries(given.map(([name, text]) => [name, cutText(name, text, MAX_TEXT, note)])) as Partial<T>
}

function checked<I extends Partial<UpdateTicket & CloseTicket>>(
  provider: TicketProvider,
  connection: Record<string, unknown>,
  input: I,
): I {
  const { id, project } = input
  if (id !== undefined) provider.checkRef?.({ id, project })
  refuseReserved(provider, input.fields)
  provider.checkInput?.(input, connection)
  return input
}

function refuseReserved({ title, reservedFields = [] }: TicketProvider, fields: unknown): void {
  const errors = reservedFields.flatMap(({ path, instead }) => {
    const given = namesGiven(fields, path)
    return given
      ? [{ path: ['input.fields', ...given].join('.'), message: `is reserved for ${title}: ${instead}` }]
      : []
  })
  const [first] = errors
  if (first) throw new Failure('invalid', `${first.path} ${first.message}`, { errors })
}

/** The names that the caller wrote for a path; undefined if nothing is there. */
function namesGiven(fields: unknown, [name, ...rest]: readonly string[]): string[] | undefined {
  if (name === undefined) return []
  if (!isRecord(fields)) return undefined
  for (const given of Object.keys(fields)) {
    const below = given.toLowerCase() === name.toLowerCase() ? namesGiven(fields[given], rest) : undefined
    if (below) return [given, ...below]
  }
  return undefined
}

async function commentOnce(provider: TicketProvider, client: Client, ref: TicketRef, comment: string): Promise<void> {
  if (hasIdempotencyKey(client) && (await provider.hasComment(client, ref))) return
  await provider.comment(client, ref, comment)
}

function named({ noun }: TicketProvider, { number }: Ticket): string {
  return `${noun} ${number}`
}

function outcomeOf(provider: TicketProvider, ticket: Ticket, message: string): Outcome {
  const { id, number, url, state } = ticket
  const name = `${slug(provider.title)} ${number}`
  return passed(message, { id, number, ...(url ? { url } : {}), state }, url ? { [name]: url } : {})
}

/** What is sent to a platform that takes events can not be read back, and nothing else may be claimed. */
function unconfirmed(provider: TicketProvider, { id }: TicketRef, state: string, what: 'update' | 'close'): Outcome {
  return passed(
    `${provider.title} took the ${what} of ${provider.noun} ${id}; it does not let its state be read back`,
    { id, number: id, state },
  )
}

function descriptionOf({ title, impacted, details, url }: Problem): string {
  const affects = impacted.length > 0 ? `Impacted: ${impacted.join(', ')}` : undefined
  return [title, affects, details, url].filter(Boolean).join('\n\n')
}

function titleOf(event: { task?: string; data: { project?: string; stage?: string; service?: string } }): string {
  const { project, stage, service } = event.data
  if (!project || !service) {
    throw new Failure(
      'invalid',
      'input.title is missing, and the event carries neither a problem nor a project and service to make one of',
      {
        errors: [{ path: 'input.title', message: 'write a title, or send data.project and data.service' }],
      },
    )
  }
  return `${event.task ?? 'Task'}: ${service} in ${[project, stage].filter(Boolean).join('/')}`
}
