import * as z from 'zod/mini'
import { createdId, name, optional, vendorFields, word, words } from '../fields.ts'
import { cuttable, MAX_TEXT, MAX_TITLE } from './cut-text.ts'
import type { LookUp, StatesLookUp } from './look-up.ts'
import type { ProjectFormat } from './project.ts'
import type { Client, NoOtherMembers, Provider } from './provider.ts'

/** A ticket, as the platform reports it. */
export interface Ticket {
  /** The id that `update-issue` and `close-issue` accept. */
  id: string
  /** The number that people use: `7`, `OPS-12`. */
  number: string
  /** Undefined if the platform does not return it. */
  url: string | undefined
  /** The platform's own word. */
  state: string
  isClosed: boolean
  /** A sentence that says where the state comes from, for messages about an unexpected state. */
  stateSource?: string
}

const details = {
  title: optional(cuttable(MAX_TITLE, 'One line. Defaults to the title of the problem in the event', 1)),
  description: optional(cuttable(MAX_TEXT, 'Plain text or Markdown')),
  project: optional(
    name("Project, by the platform's name: owner/repo, a project key. Defaults to the connection's project"),
  ),
  type: optional(word("Issue type or tracker, by the platform's name")),
  labels: optional(words('A list, or text with commas')),
  priority: optional(word("critical, high, medium, low, or the platform's own name")),
  assignee: optional(word("User, by the platform's name")),
  fields: optional(vendorFields('Fields of this platform only, sent unchanged')),
}

export const openInput = z.strictObject(details)
export const updateInput = z.strictObject({
  id: createdId('`data.id` of the opened ticket'),
  ...details,
  comment: optional(cuttable(MAX_TEXT, 'Added as a comment')),
  state: optional(word("open, closed, or the platform's own name")),
})
export const closeInput = z.strictObject({
  id: createdId('`data.id` of the opened ticket'),
  project: details.project,
  comment: optional(cuttable(MAX_TEXT, 'Comment to add before closing')),
  resolution: optional(word("Resolution, by the platform's name")),
})

/** Incidents have these in addition to a priority: a level, or the platform's own value. */
export interface Severities {
  urgency?: string | undefined
  severity?: string | undefined
}
/** The input of an action that opens a ticket. */
export type OpenTicket = z.output<typeof openInput> & Severities & { title: string }
/** The input of an action that updates a ticket. */
export type UpdateTicket = z.output<typeof updateInput> & Severities
/** The input of an action that closes a ticket. */
export type CloseTicket = z.output<typeof closeInput>
/** The changes of an update. The comment is separate, because adding it twice would duplicate it. */
export type TicketChanges = Omit<UpdateTicket, 'id' | 'comment'>
/** Identifies a ticket. */
export type TicketRef = Pick<UpdateTicket, 'id' | 'project'>

interface ReservedField {
  /** `['body']`. Compared without case, as some platforms do. */
  path: readonly string[]
  /** Advice for the caller: `write input.description`. */
  instead: string
}

/** A platform with tickets. The actions `openTicket`, `updateTicket` and `closeTicket` do everything else. */
export interface TicketProvider<S extends z.ZodMiniObject = z.ZodMiniObject> extends Provider<S> {
  kind: 'ticket'
  /** The platform's word for a ticket: `issue`. */
  noun: string
  /** Undefined if the platform has no projects. */
  project: ProjectFormat | undefined
  /** Throws Failure `invalid` for an id that is not valid in its project. */
  checkRef?(ref: TicketRef): void
  /**
   * Fields that `input.fields` must not contain: the field that stores `client.idempotencyKey`, which a retry needs, and
   * text that every retry would add again.
   */
  reservedFields?: readonly ReservedField[]
  /** Throws Failure `invalid` for input that the platform does not support. See `refuseUnsupported`. */
  checkInput?(input: Partial<UpdateTicket & CloseTicket>, connection: z.output<S>): void
  /**
   * Returns the ticket with `client.idempotencyKey`. Must find a ticket that was opened a second ago. `'unknown'` if the search
   * cannot reach all newer tickets: a retry then opens none.
   *
   * @see searchSince
   */
  find(
    client: Client<z.output<S>> & { idempotencyKey: string },
    input: OpenTicket,
  ): Promise<Ticket | undefined | 'unknown'>
  /** Opens a ticket and stores `client.idempotencyKey` on it. */
  open(client: Client<z.output<S>>, input: OpenTicket): Promise<Ticket>
  /** Omit it if the platform only accepts events: the result of an update is then unconfirmed. */
  get?(client: Client<z.output<S>>, ref: TicketRef): Promise<Ticket>
  /**
   * `update` fails unless the platform has set the state. Callers may then name a state by something other than
   * `Ticket.state`, such as a number or a transition.
   */
  confirmsState?: true
  /** Changes the given fields only. Labels are added. */
  update(client: Client<z.output<S>>, ref: TicketRef, changes: TicketChanges): Promise<void>
  /** Adds a comment with `client.idempotencyKey`. */
  comment(client: Client<z.output<S>>, ref: TicketRef, comment: string): Promise<void>
  /**
   * Whether the ticket has a comment with `client.idempotencyKey`. `'unknown'` if the search cannot reach all newer comments:
   * a retry then adds none.
   */
  hasComment(client: Client<z.output<S>> & { idempotencyKey: string }, ref: TicketRef): Promise<boolean | 'unknown'>
  /** The reach of `hasComment`, if it does not read every comment. */
  commentLookUp?: LookUp
  close(client: Client<z.output<S>>, ref: TicketRef, how: Pick<CloseTicket, 'resolution' | 'comment'>): Promise<void>
}

/**
 * Declares a ticket provider. The schema of its connection types the client of each function.
 *
 * @example See `functions/issue-ticketing/github/github.ts`.
 */
export function defineTicketProvider<S extends z.ZodMiniObject, P extends Omit<TicketProvider<S>, 'kind'>>(
  provider: P & { connection: S } & NoOtherMembers<P, TicketProvider> & StatesLookUp<P>,
): P & { kind: 'ticket' } {
  return { kind: 'ticket', ...provider }
}

/** Names of states that mean "closed". Other closing states of a platform, such as `Rejected`, must be named explicitly. */
export const CLOSED_STATE_NAMES = ['done', 'closed', 'resolved']
