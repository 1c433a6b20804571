import type * as z from 'zod/mini'
import type { UnverifiedRequest } from '../auth/caller-signatures.ts'
import type { PreviousEvaluation } from '../evaluation/previous-evaluations.ts'
import type { Outcome } from '../outcome.ts'
import type { CallEvent, CallOrigin, TaskOrigin } from './event/event.ts'

/** A kind of engine: one file, and one line in `index.ts`. */
export interface OrchestratorType<S extends z.ZodMiniObject = z.ZodMiniObject> {
  /**
   * The schema of the secret `orchestrators/<name>`. Its `type` names this type in `index.ts`. Undefined if the type needs no
   * secret: callers then use the name of the type.
   */
  secret?: S
  /** Returns the orchestrator with the settings of its secret. */
  connect(secret: z.output<S>): Orchestrator
}

/** Types of orchestrators by name, such as `acme`. Each is loaded when a call needs it. */
export type OrchestratorTypes = Record<string, () => Promise<OrchestratorType>>

/** The engine that calls the webhooks and gets the results of interactive calls, through its own API. */
export interface Orchestrator {
  /**
   * Reads a request of an engine that signs its requests and sends a body of its own. Verifies the signature before it parses
   * the body. Such a request names the orchestrator: `?orchestrator=<name>`.
   *
   * @returns undefined for a request that calls for nothing, such as a test of the URL
   * @throws Failure `unauthenticated`, `forbidden`, `invalid`
   */
  receive?(request: UnverifiedRequest): Promise<SignedCall | undefined>
  /**
   * Reads what the answer to an interactive call needs.
   *
   * @throws Failure `invalid` with all missing fields, in the words of the engine
   */
  parse(call: InteractiveCall): AnswerableCall
  /**
   * Checks with the engine that the call comes from what it names, if its request alone does not prove that. Runs in the webhook,
   * before something is started.
   *
   * @throws Failure
   */
  verify?(call: AnswerableCall): Promise<void>
  /**
   * Sends an answer. If earlier attempts may have delivered it, first finds out whether the engine has it.
   *
   * @param uncertainAttempts how many earlier attempts may have delivered it
   * @throws Failure; the task retries for a day
   */
  send(task: AnsweredTask, answer: Answer, uncertainAttempts: number): Promise<Delivery>
  /**
   * Returns whether the engine has paused for the result of a task that `needsPause`. False if it never will.
   *
   * @param endedAt when the task ended, in epoch milliseconds
   * @throws Failure if it has not paused yet; the task tries again
   */
  hasPaused?(task: AnsweredTask, endedAt: number): Promise<boolean>
  /**
   * Checks that the engine responds and accepts the credentials. Does not send an answer.
   *
   * @throws Failure
   */
  check(): Promise<void>
  /**
   * A call may end without running its action: because of `when`, or because its event decides an approval. The engine treats such an
   * answer as part of its own protocol. For all others, an answer without a result could open a gate, so these calls are refused.
   */
  acceptsSkips?: true
  /** A platform may send the finished event of the jobs that it runs, instead of the task. */
  acceptsPlatformAnswers?: true
  /** Returns the URL where people see what a call belongs to, if the engine has a page for it. */
  linkTo?(origin: CallOrigin): string | undefined
  /**
   * Returns the previous evaluations of a service, newest first. Only for engines that record them.
   *
   * @throws Failure
   */
  evaluations?(query: EvaluationsQuery): Promise<PreviousEvaluation[]>
}

/** A call that its engine has signed. */
export interface SignedCall {
  /** The entry of the secret `callers` with what the call may use. */
  caller: string
  /** The event and the input, as in the body of a call. */
  body: Record<string, unknown>
  /** The address for the answer. See `AnswerableCall`. */
  replyTo: string
  /** The maximum deadline in seconds. A call with a longer one is refused. */
  maxDeadline: number
  /** How long the engine waits for the response, in milliseconds. */
  maxResponseMs: number
}

/** An interactive call, before it is accepted. */
export interface InteractiveCall {
  event: CallEvent
  /** The parsed body and query, for fields that only one engine has. */
  body: Record<string, unknown>
  /** The headers of the request, with names in lower case. Empty for a call without HTTP. */
  headers: Record<string, string | undefined>
  /** The address for the answer, if `receive` has read the call. */
  replyTo?: string | undefined
  /** The request cancels the task of the call, and may lack the address for the answer. */
  isCancel?: boolean | undefined
}

/** A call that can be answered. */
export interface AnswerableCall extends TaskOrigin {
  /**
   * The address for the answer, if the call supplies one, such as a resume URL or a task token. Anyone who knows it can answer, so
   * the task contains it only encrypted.
   */
  replyTo?: string | undefined
  /** Whether the engine gives up unless it receives heartbeats while a job runs. */
  needsHeartbeat?: boolean | undefined
  /**
   * Whether a repeat of the call may wait for an answer of its own: its address may differ, or an answer that was sent may have
   * reached an earlier step of a workflow. The outcome is then sent to the address of the repeat, or the repeat is refused.
   */
  answersRepeats?: boolean | undefined
  /** Whether answers contain the URL of the task, and the time of what they report. */
  isDetailed?: boolean | undefined
  /** Whether those who only watch get the outcome, too, in a step of its own. Needs `isDetailed`. */
  hasObservers?: boolean | undefined
  /**
   * Whether the engine accepts the result only after it has paused. A step of its own waits for the pause: if the engine no longer
   * pauses afterwards, an earlier attempt to send the result has ended the pause.
   */
  needsPause?: boolean | undefined
  /** The maximum deadline in seconds, if the engine accepts answers only for a limited time. */
  maxDeadline?: number | undefined
  /** How many progress messages the engine accepts, if it limits them. */
  maxProgress?: number | undefined
}

/**
 * The result of sending an answer. `unwanted`: the engine no longer waits for it. `lost`: the engine no longer accepts the
 * credentials that the call supplied.
 */
export type Delivery = 'sent' | 'unwanted' | 'lost'

/** An accepted call. */
export interface AnsweredTask {
  id: string
  category: string
  action: string
  caller: string
  /** The origin of its call. Its id is that of the event. */
  origin: TaskOrigin
  /** The base URL of the category's API, if answers are detailed. */
  apiUrl?: string | undefined
  /** The address that the call supplied. Masked in logs, responses and events. */
  replyTo?: string | undefined
  /** Whether links are sent as labels, if the engine has labels. */
  linksAsLabels: boolean
  /** Whether the engine has paused for the result. */
  hasPaused?: boolean | undefined
}

/** A message about a task to its orchestrator. */
export type Answer = (
  | { kind: 'started' }
  | { kind: 'progress'; message: string }
  | { kind: 'heartbeat' }
  | { kind: 'finished'; outcome: Outcome; forObservers?: true }
) & {
  /** When it happened, in epoch milliseconds, if answers are detailed. The same for each attempt to send it. */
  at?: number | undefined
}

interface EvaluationsQuery {
  /** The task of the evaluations: `evaluation`. */
  task: string
  project: string
  stage: string
  service: string
  /** Only evaluations with one of these results. Empty for all. */
  results: readonly string[]
  limit: number
}

/**
 * Declares a type of orchestrator. The schema of its secret types `connect`.
 *
 * @example export const acmeType = defineOrchestrator({ secret: z.strictObject({ type: z.literal('acme'), token: secret('API token') }), connect: acme })
 */
export function defineOrchestrator<S extends z.ZodMiniObject>(type: OrchestratorType<S>): OrchestratorType<S> {
  return type
}
