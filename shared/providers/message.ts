import type * as z from 'zod/mini'
import type { CallEvent } from '../orchestrators/event/event.ts'
import type { SourceTypeName } from '../sources/load-source-type.ts'
import type { Message, MessageButton } from '../text/message.ts'
import type { StatesLookUp } from './look-up.ts'
import type { Client, NoOtherMembers, Provider } from './provider.ts'

export type { Field, Link, Message, MessageButton, Mood, Table } from '../text/message.ts'

/** A posted message, as a later update finds it. */
export interface PostedMessage {
  /** Undefined if the platform does not return it. */
  id?: string | undefined
  url?: string | undefined
  /** Opaque JSON that the provider needs to change the message. */
  providerState?: unknown
}

/** The person who pressed a button. */
export interface Person {
  /** The name to show: `Jane Doe`. */
  name: string
  /** The names by which approvers are listed: first the id, then the user name and the e-mail address. */
  names: string[]
  /** A name that is compared case-sensitively, because in other letters it could be the id of another person. */
  exactName?: string | undefined
  /** A name that could be the id of another person. It can only exclude this person, never authorize. */
  ambiguousName?: string | undefined
}

/** The platform's request after a button was pressed. */
export interface ButtonRequest {
  headers: Record<string, string | undefined>
  /** The raw body, as text. */
  body: string
  /** Epoch milliseconds. */
  now: number
}

/** The response to a clicked button. */
export interface ButtonResponse {
  decision: MessageButton['decision']
  /** Opaque JSON that identifies the person to the provider. */
  responder: unknown
}

export interface Buttons<S extends z.ZodMiniObject = z.ZodMiniObject> {
  /**
   * Returns the response to a request with which the platform tests the URL, before there is an approval. Undefined for other
   * requests.
   *
   * @param rest the path segments after the route
   * @throws Failure `unauthenticated`
   */
  acceptTest?(request: ButtonRequest, rest: string[]): object | undefined
  /** Returns the token in a request that is not verified yet, to find its task. */
  readToken(request: ButtonRequest): string | undefined
  /**
   * Returns the response, if the platform has signed the request.
   *
   * @throws Failure `unauthenticated`
   */
  verify(connection: z.output<S>, request: ButtonRequest): Promise<ButtonResponse>
  getPerson(client: Client<z.output<S>>, response: ButtonResponse): Promise<Person>
  /** Describes the names that `findMemberId` accepts, for messages: `an id or an e-mail address`. */
  memberNameFormat: string
  /** Whether a text has that format. */
  isMemberName(text: string): boolean
  /** Returns the id of a member; undefined if there is none, or if the token may not look members up. */
  findMemberId(client: Client<z.output<S>>, name: string): Promise<string | undefined>
  /** Sends a text to the person only. Returns the response to the platform's request, if any. */
  replyTo(client: Client<z.output<S>>, response: ButtonResponse, text: string): Promise<unknown>
  /** Returns the response to the press that decided, if the platform shows or needs one. */
  confirm?(response: ButtonResponse, text: string): object
  /** The approvers that the platform can verify, if it verifies ids only. `format` is for messages: `user ids`. */
  approverIds?: { format: string; pattern: RegExp }
}

/** A decision that a platform has made by its own process. */
export interface PlatformDecision {
  /** `cancel`: the request was withdrawn at the platform. */
  decision: 'approve' | 'reject' | 'cancel'
  /** The names of the people, for people. */
  by: string
  reason?: string | undefined
  /** ISO 8601. */
  at: string
  /** A sentence that is added to the message of the outcome. */
  note?: string | undefined
}

/** The result of the work that was approved. */
export interface ApprovedWork {
  result: 'pass' | 'warning' | 'fail'
  comment: string | undefined
}

/** A process of the platform that decides approvals, such as change management. */
interface ApprovalProcess<S extends z.ZodMiniObject = z.ZodMiniObject> {
  /** Returns the decision, or undefined while there is none. Polled. */
  getDecision(client: Client<z.output<S>>, posted: PostedMessage): Promise<PlatformDecision | undefined>
  /** Withdraws a request that no one decided in time, or whose task was canceled. A repeat changes nothing. */
  withdraw(client: Client<z.output<S>>, posted: PostedMessage, reason: string): Promise<void>
  /** Closes a request with the result of the work, and returns its state. A repeat changes nothing. */
  close(client: Client<z.output<S>>, id: string, work: ApprovedWork): Promise<string>
}

/** A platform that shows messages. The actions `pushMessage` and `requestApproval` do everything else. */
export interface MessageProvider<S extends z.ZodMiniObject = z.ZodMiniObject> extends Provider<S> {
  kind: 'message'
  /** The platform's word for a channel. Undefined if a connection has only one. */
  channel: string | undefined
  /** How many bytes of a request for an approval its messages can show, if more than the 2,000 of each platform. */
  maxRequest?: number
  /** Throws Failure `invalid` for a message that the platform does not support. */
  checkMessage?(input: { channel: string | undefined; needsApproval: boolean }, connection: z.output<S>): void
  /**
   * Returns the message with `client.idempotencyKey`. Without it and without `showsOnce`, a message may be posted twice after a
   * lost response.
   */
  find?(
    client: Client<z.output<S>> & { idempotencyKey: string },
    channel: string | undefined,
  ): Promise<PostedMessage | undefined>
  post(client: Client<z.output<S>>, channel: string | undefined, message: Message): Promise<PostedMessage>
  /** Readers see two posts with one key as one: always, or for a time, for people: `some minutes`. A retry posts again. */
  showsOnce?: true | string
  /** Replies in the thread of a message, or posts a separate message if the platform has no threads. */
  reply?(client: Client<z.output<S>>, posted: PostedMessage, message: Message): Promise<void>
  /** Replaces a message. Omit it if the platform cannot. */
  replace?(client: Client<z.output<S>>, posted: PostedMessage, message: Message): Promise<void>
  /** Omit it if people decide on our approval page. */
  buttons?: Buttons<S>
  /** The platform decides approvals itself. `post` then starts its process. */
  process?: ApprovalProcess<S>
  /** The notifications of a decision of `process`. They wake its task. */
  notifiedBy?: {
    type: SourceTypeName
    /** Returns the id of the process in notifications. */
    wakeId(posted: PostedMessage): string | undefined
  }
}

/**
 * Declares a message provider. The schema of its connection types the client of each function.
 *
 * @example
 * export const acme = defineMessageProvider({
 *   title: 'Acme',
 *   connection: z.strictObject({ baseUrl: url('URL of the API'), token: secret('API token') }),
 *   headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
 *   check: ({ http }) => http.get('me'),
 *   channel: 'room',
 *   post: async ({ http }, room = '', { title, text }) =>
 *     (await http.post(`rooms/${segment(room)}/messages`, { title, text }, { schema: posted })).body,
 * })
 */
export function defineMessageProvider<S extends z.ZodMiniObject, P extends Omit<MessageProvider<S>, 'kind'>>(
  provider: P & { connection: S } & NoOtherMembers<P, MessageProvider> & StatesLookUp<P>,
): P & { kind: 'message' } {
  return { kind: 'message', ...provider }
}

/** The sources of a message. */
export interface MessageContext {
  event: CallEvent
  /** The page of the sequence, for people. */
  sequenceUrl: string | undefined
}
