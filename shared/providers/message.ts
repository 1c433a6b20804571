import type * as z from 'zod/mini'
import type { CallEvent } from '../orchestrators/keptn/event.ts'
import type { Message, MessageButton } from '../text/message.ts'
import type { Client, NoOtherMembers, Provider } from './provider.ts'

export type { Field, Link, Message, MessageButton, Mood, Table } from '../text/message.ts'

/** Where a message went, and what it takes to change it: JSON. */
export interface PostedMessage {
  /** Undefined where the platform does not say. */
  id?: string | undefined
  url?: string | undefined
  providerState?: unknown
}

/** Who has clicked, as the platform names them. */
export interface Person {
  /** Shown: `Jane Doe`. */
  name: string
  /** Everything that approvers may be named by: the id first, then user name and e-mail address. */
  names: string[]
  /** A name that counts as it is written alone, since in other letters it could be somebody else's id. */
  exactName?: string | undefined
  /** A name that could be somebody else's id: it is theirs where it is about who must not decide, and no more. */
  ambiguousName?: string | undefined
}

/** A click on a button, as the platform sends it. */
export interface ButtonRequest {
  headers: Record<string, string | undefined>
  /** The body, byte for byte, as text. */
  body: string
  /** Epoch milliseconds. */
  now: number
}

export interface ButtonResponse {
  decision: MessageButton['decision']
  /** What the platform needs to tell the one who clicked: JSON. */
  responder: unknown
}

/** The buttons of a platform. */
interface Buttons<S extends z.ZodMiniObject = z.ZodMiniObject> {
  /** The reference in a click of which nothing is known yet: it says whose it is. Undefined where there is none. */
  readToken(request: ButtonRequest): string | undefined
  /**
   * What was clicked, once it is certain that the platform has sent it.
   *
   * @throws Failure `unauthenticated`
   */
  verify(connection: z.output<S>, request: ButtonRequest): Promise<ButtonResponse>
  /** Who has clicked. */
  getPerson(client: Client<z.output<S>>, click: ButtonResponse): Promise<Person>
  /** By what the platform can look a member up, for messages: `an id or an e-mail address`. */
  memberNameFormat: string
  /** Whether a text has the form of such a name. */
  isMemberName(text: string): boolean
  /** The id of a member; undefined if there is no such member, or if we may not look members up. */
  findMemberId(client: Client<z.output<S>>, name: string): Promise<string | undefined>
  /** Tells the one who clicked, and nobody else; what it returns is the answer to the click, if any. */
  replyTo(client: Client<z.output<S>>, click: ButtonResponse, text: string): Promise<unknown>
}

/** A platform that shows messages: vendor knowledge only. */
export interface MessageProvider<S extends z.ZodMiniObject = z.ZodMiniObject> extends Provider<S> {
  kind: 'message'
  /** What a channel is called here; undefined where the connection leads to one place only. */
  channel: string | undefined
  /** Throws Failure `invalid` for what this platform has nothing for. */
  checkMessage?(input: { channel: string | undefined; needsApproval: boolean }, connection: z.output<S>): void
  /** The message that carries `client.key`, if it can be found. Without it a message may come twice after a lost answer. */
  find?(
    client: Client<z.output<S>> & { idempotencyKey: string },
    channel: string | undefined,
  ): Promise<PostedMessage | undefined>
  post(client: Client<z.output<S>>, channel: string | undefined, message: Message): Promise<PostedMessage>
  /** Below an earlier message, where the platform can: else as a message of its own. */
  reply?(client: Client<z.output<S>>, posted: PostedMessage, message: Message): Promise<void>
  /** Puts another message in the place of one; absent where the platform can not. */
  replace?(client: Client<z.output<S>>, posted: PostedMessage, message: Message): Promise<void>
  /** Absent where people decide on a page of ours. */
  buttons?: Buttons<S>
}

/** Declares a message provider; the schema of its connection types the client of each of its functions. */
export function defineMessageProvider<S extends z.ZodMiniObject, P extends Omit<MessageProvider<S>, 'kind'>>(
  provider: P & { connection: S } & NoOtherMembers<P, MessageProvider>,
): P & { kind: 'message' } {
  return { kind: 'message', ...provider }
}

/** What a message is made of. */
export interface MessageContext {
  event: CallEvent
  /** Where the sequence can be seen, for people. */
  bridgeUrl: string | undefined
}
