import type * as z from 'zod/mini'
import type { Decision } from '../approvals/decision.ts'
import type { WebhookResponse } from '../core/http/responses.ts'
import type { CallEvent } from '../orchestrators/keptn/event.ts'
import type { Outcome } from '../outcome.ts'
import type { Message } from './message.ts'
import type { Client, Provider, ProviderKind } from './provider.ts'

/** Something that has begun at the platform and goes on there: a run, an approval, a deployment. */
export interface StartedJob {
  /** What is known at once; a silent call that does not wait answers this. */
  outcome: Outcome
  /** What it takes to look after it: JSON, kept in the task. */
  job: unknown
}

/** Taken by a platform that sends the `finished` event itself: a second one must never follow. */
export interface Delegated {
  outcome: Outcome
  delegatedTo: string
}

/** What one look at it shows: how it ended, or how it goes on. */
export type PollResult = { outcome: Outcome } | JobProgress

export interface JobProgress {
  /** The platform's own word for the state. */
  status: string
  /** How far it is, for people: `stage 2 of 4, deploy`. */
  progress?: string | undefined
  /** What it takes to look again, where that is something else now. */
  job?: unknown
  /** Whether to look again at once: the look itself has taken its time. */
  pollImmediately?: boolean | undefined
  /** Seconds after which it must be looked at again at the latest. */
  maxSeconds?: number | undefined
  /** Seconds before which there is nothing new to see. */
  minSeconds?: number | undefined
}

/** How what an action has begun is looked after until it ends. */
interface JobHandling<P extends Provider, Input> {
  /** Whether a silent call waits for the end for as long as it may, or answers at once. */
  silent: 'waits' | 'answers'
  /** @throws Failure; a fault that may go away by itself does not end the task. */
  getStatus(provider: P, client: Client, input: Input, pending: unknown): Promise<PollResult>
  /**
   * Asks the platform to end it.
   *
   * @returns false where the platform has no way to
   */
  stop(provider: P, client: Client, input: Input, pending: unknown): Promise<boolean>
  /** What becomes of it when the deadline passes. */
  onDeadline(input: Input): 'stop' | 'leave'
  /**
   * Ends what carries `client.key` and must not go on, since no task looks after it any more: a try that was given up, or
   * a task that Lambda has ended. There may be nothing.
   */
  cleanUp?(provider: P, client: Client & { idempotencyKey: string }, input: Input): Promise<void>
}

/** What people are asked, and who may answer. */
interface ApprovalRequest {
  message: Message
  approvers?: string[] | undefined
  /** Who may not, where that is asked for. */
  requester?: string | undefined
  /** Seconds before the deadline. */
  remindBefore?: number | undefined
}

/** How an action asks people, whose decision its task waits for. */
interface ApprovalHandling<P extends Provider, Input> {
  requestOf(input: Input): ApprovalRequest
  /** Loaded when used. */
  loadStore(): Promise<typeof import('../approvals/books.ts')>
  /** Whether people decide with buttons of the platform, and not on our page. */
  hasButtons(provider: P): boolean
  /**
   * How it is decided without anybody, by what the event says; undefined: people are asked.
   *
   * @see https://github.com/keptn/keptn/tree/master/approval-service the standard task `approval`
   */
  automatic(event: CallEvent): { result: 'pass' | 'fail'; message: string } | undefined
  remind(provider: P, client: Client, input: Input, posted: unknown): Promise<void>
  /** Shows the decision instead of the question; undefined: nobody has decided in time. */
  close(provider: P, client: Client, input: Input, posted: unknown, decision: Decision | undefined): Promise<void>
  outcome(input: Input, asked: Outcome, decision: Decision | undefined): Outcome
}

/** What an input is completed from. */
export interface CallContext<P extends Provider = Provider> {
  event: CallEvent
  connection: Record<string, unknown>
  provider: P
  /** Where people see the sequence of the event. */
  bridgeUrl?: string | undefined
  /** The caller's, by its name. */
  orchestrator?: string | undefined
  /** Whether the call is answered at once. */
  silent?: boolean
  /** Adds a sentence to the message of the outcome. */
  note?(sentence: string): void
}

/** What a call asks for, the same for every provider of the category. */
export interface Action<P extends Provider = Provider, Input = never, Asked = Input> {
  /** What its provider must offer: a category may have providers of several shapes. */
  kind: ProviderKind
  /** One sentence for `--help`, the README and the OpenAPI document. */
  summary: string
  input: z.ZodMiniObject
  /** Whether it tells of a task: of the properties of that only what it knows is its input, and only of a `triggered`. */
  isNotification?: true
  /** The names of what it answers in `data`: they come back in `data.<task>` and are no input there. */
  outputs: readonly string[]
  /** Seconds until an interactive call gives up, unless the caller sets `deadline`. */
  deadline: number
  /**
   * Reads what of the input takes its time to be read. Runs before `complete`.
   *
   * @throws Failure `invalid`
   */
  prepare?(input: never, from: CallContext<P>): Promise<Asked>
  /**
   * Fills what the input leaves out, from the event and the connection, and checks what only the provider can check.
   * Runs before the call is accepted.
   *
   * @throws Failure `invalid`
   */
  complete(input: Asked, from: CallContext<P>): Input
  /**
   * Does it. May run again after a crash or a fault with the same `client.key`, and must then find what the earlier try
   * made instead of making it twice.
   *
   * @throws Failure
   */
  run(provider: P, client: Client, input: Input): Promise<Outcome | StartedJob | Delegated>
  /** Whether doing it again changes nothing, as a setting that is set again: then it is retried after every unusable response. */
  idempotent?: true
  /** Whether its provider takes two of it with the same `client.key` for one: see `deduplicates` of Provider. */
  isDeduplicated?(provider: P): boolean
  /** For an action that asks people. */
  approval?: ApprovalHandling<P, Input>
  /** For an action that may begin something. */
  job?: JobHandling<P, Input>
  /** Whether it starts what some platforms need a task for: see `onlyInteractive` of Provider. */
  startsJob?: true
}

/** What an event asks for, in terms of the category. */
export interface MappedAction {
  /** One of the category's actions. */
  action: string
  /** Another connection than the one that chose. */
  connection?: string | undefined
  input: unknown
  /** What the orchestrator calls it. */
  name: string
}

/** An action that stands for the others: which one is meant is said by the event, through its connection. */
export interface ActionMapping {
  /** As in URLs: `run-action`. */
  name: string
  summary: string
  /** What an event must have for it, in words. */
  requirement: string
  /** What each connection of the category may hold for it, beside what its provider asks for. */
  connection: Record<string, z.ZodMiniType>
  /** Whether a connection chooses at all. */
  isConfigured(connection: Record<string, unknown>): boolean
  /**
   * @returns undefined where the event names nothing to choose by
   * @throws Failure `refused` for what the connection does not know, `invalid`
   */
  resolve(event: CallEvent, connection: Record<string, unknown>, actions: Category['actions']): MappedAction | undefined
}

/** A request that a category answers by itself, with no token of a caller: it says in its own way who sends it. */
export interface RouteRequest {
  method: string
  /** What follows in the path. */
  rest: string[]
  headers: Record<string, string | undefined>
  /** As it came, byte for byte, as text. */
  body: string
  /** Epoch milliseconds. */
  now: number
}

export type PublicRoute = (category: Category, request: RouteRequest) => Promise<WebhookResponse>

/** A task category: one folder, one function. */
export interface Category {
  /** As in URLs, folders and secrets: `issue-ticketing`. */
  name: string
  summary: string
  // biome-ignore lint/suspicious/noExplicitAny: its schema guards the input of each action at the door, its shape the provider.
  actions: Record<string, Action<any, any, any>>
  actionMapping?: ActionMapping
  /** Path -> who answers below it, loaded when used. */
  routes?: Record<string, () => Promise<PublicRoute>>
  /** Name -> module, loaded when used, so that a call pays for one provider only. */
  providers: Record<string, () => Promise<Provider>>
}

/** The names of what may be called, as in URLs. */
export function actionNames({ actions, actionMapping: choice }: Pick<Category, 'actions' | 'actionMapping'>): string[] {
  return [...(choice ? [choice.name] : []), ...Object.keys(actions)]
}

/**
 * The input as the action takes it: read, then completed.
 *
 * @param asked what the schema of the action made of what was sent
 * @throws Failure `invalid`, `misconfigured`
 */
export async function completeInput<P extends Provider, Input, Asked>(
  action: Pick<Action<P, Input, Asked>, 'prepare' | 'complete'>,
  asked: unknown,
  from: CallContext<P>,
): Promise<Input> {
  return action.complete((action.prepare ? await action.prepare(asked as never, from) : asked) as Asked, from)
}

/** Declares a category. Its file is a contents page: see `functions/issue-ticketing/index.ts`. */
export function defineCategory(category: Category): Category {
  return category
}
