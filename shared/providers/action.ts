import type { DurableContext } from '@aws/durable-execution-sdk-js'
import type * as z from 'zod/mini'
import type { ActionEffect } from '../action-effect.ts'
import type { CallEvent } from '../orchestrators/event/event.ts'
import type { Outcome } from '../outcome.ts'
import type { Canceler } from '../state/save-cancellation.ts'
import type { Client, Provider, ProviderKind, SignedLink } from './provider.ts'

/**
 * An action of a category, the same for all of its providers. It either completes at once, starts a job that the task polls,
 * or requests an approval that the task waits for.
 */
export type Action<P extends Provider = Provider, Input = never, Asked = Input> =
  | ImmediateAction<P, Input, Asked>
  | JobAction<P, Input, Asked>
  | ApprovalAction<P, Input, Asked>

/** Completes with its first run. */
export interface ImmediateAction<P extends Provider = Provider, Input = never, Asked = Input>
  extends BaseAction<P, Input, Asked> {
  type: 'immediate'
  /** Runs the action. May run again: see `ActionResult`. */
  run(provider: P, client: Client, input: Input): Promise<Outcome>
}

/** May start a job at the platform. */
export interface JobAction<P extends Provider = Provider, Input = never, Asked = Input>
  extends BaseAction<P, Input, Asked> {
  type: 'job'
  /** Starts the job, or changes something at once. May run again: see `ActionResult`. */
  run(provider: P, client: Client, input: Input): Promise<ActionResult>
  job: JobHandling<P, Input>
  /** Starts a run of its own, instead of stopping or changing something. See `requiresTask` of `Provider`. */
  startsJob?: true
  /** Starts the rollback of its provider. */
  isRollback?: true
}

/** Requests an approval from people. */
export interface ApprovalAction<P extends Provider = Provider, Input = never, Asked = Input>
  extends BaseAction<P, Input, Asked> {
  type: 'approval'
  /** Posts the request. May run again: see `ActionResult`. */
  run(provider: P, client: Client, input: Input): Promise<StartedJob>
  /** Returns the decision if the event requires none of a person. */
  decideAutomatically(event: CallEvent): { result: 'pass' | 'fail'; message: string } | undefined
  /**
   * Returns the signed token of an approval, and the link with it.
   *
   * @param apiUrl of the category, if the call came through it
   * @param expiresAt epoch seconds
   * @throws Failure `misconfigured`, `unavailable`
   */
  signLink(taskId: string, apiUrl: string | undefined, expiresAt: number): Promise<Omit<SignedLink, 'deadlineAt'>>
  /**
   * Ends the wait for a decision, because the task was canceled.
   *
   * @throws Failure `unavailable`
   */
  cancel(category: string, taskId: string, canceler: Canceler): Promise<void>
  /** Loads the function that runs a task. Only tasks need it. */
  loadTask(): Promise<RunApprovalTask<P, Input>>
}

/** Posts the request and waits for the decision. Every effect is a step of the task. */
export type RunApprovalTask<P extends Provider, Input> = (
  task: ApprovalTask<P, Input>,
) => Promise<Completed | Delegated>

/** A resource that an action uses in addition to its provider. The stack grants access to it. */
export type Need =
  /** The secret that signs links, and the stored approvals. Deadlines may be weeks away. */
  | 'approvals'
  /** The id of the last run that a caller has started. */
  | 'last-runs'
  /** The states to which calls switch flags. */
  | 'toggles'

interface BaseAction<P extends Provider, Input, Asked> {
  /** The kind of provider that it needs. A category may have providers of several kinds. */
  kind: ProviderKind
  needs?: readonly Need[]
  /** Whether a provider of the kind supports the action. Without it, all do. */
  isSupportedBy?(provider: P): boolean
  /** One sentence for `--help`, the README and the OpenAPI document. */
  summary: string
  input: z.ZodMiniObject
  /** Reports about a task: only fields that `input` knows are read from the task's properties, and only of a `triggered` event. */
  isNotification?: true
  /** The effect at the platform, for the rules of policies and for agents. A provider may say otherwise: see `effect` of `Provider`. */
  effect: ActionEffect
  /** Names of the fields of `outcome.data`. They return in `data.<task>` of later events and are not input there. */
  outputs: readonly string[]
  /** Default deadline of an interactive call, in seconds. */
  deadline: number
  /**
   * Reads the parts of the input that take time to read. Runs before `complete`.
   *
   * @throws Failure `invalid`
   */
  prepare?(input: never, context: CallContext<P>): Promise<Asked>
  /**
   * Adds defaults from the event and the connection, and checks what only the provider can check. Runs before the call
   * is accepted.
   *
   * @throws Failure `invalid`
   */
  complete(input: Asked, context: CallContext<P>): Input
  /** Running it again changes nothing, so it is retried after every unusable response. */
  idempotent?: true
  /** Returns whether the provider treats two runs with the same `client.idempotencyKey` as one. See `deduplicates` of `Provider`. */
  isDeduplicated?(provider: P): boolean
}

/**
 * The result of `run`, which may run again after a crash or a lost response. It then has the same `client.idempotencyKey`,
 * and must find what the first attempt created instead of creating it again. Throws a `Failure` if the platform refuses.
 */
export type ActionResult = Completed | StartedJob | Delegated

/** The action is done. */
export interface Completed {
  type: 'completed'
  outcome: Outcome
  /** A job that it has started may still be running. */
  mayStillRun?: true | undefined
  /** The caller or the operator who canceled the task, if its outcome says that. */
  canceler?: Canceler | undefined
}

/** A job that runs at the platform: a build, a deployment, an approval. */
export interface StartedJob {
  type: 'started'
  /** The outcome at the start. A silent call that does not wait returns it. */
  outcome: Outcome
  /** Opaque JSON that identifies the job to the provider. */
  job: unknown
  /** The id by which notifications of the platform name the job, if it sends any. */
  wakeId?: string | undefined
}

/** A job whose platform sends the `finished` event itself. The task must not send another. */
export interface Delegated {
  type: 'delegated'
  outcome: Outcome
  delegatedTo: string
  /** The caller or the operator who canceled the task, if its outcome says that. */
  canceler?: Canceler | undefined
}

/** The result of one poll: the outcome, or the progress of a running job. */
export type PollResult = { outcome: Outcome } | JobProgress

export interface JobProgress {
  /** The platform's own word for the state. */
  status: string
  /** Progress for people: `stage 2 of 4, deploy`. */
  progress?: string | undefined
  /** Replaces the job state for the next poll. */
  job?: unknown
  /** The new id by which notifications name the job. */
  wakeId?: string | undefined
  /** Poll again at once, because this poll already waited. */
  pollImmediately?: boolean | undefined
  /** Maximum seconds until the next poll. */
  maxSeconds?: number | undefined
  /** Minimum seconds until the next poll. */
  minSeconds?: number | undefined
}

/** How a started job is polled, stopped and cleaned up. */
interface JobHandling<P extends Provider, Input> {
  /** Whether a silent call waits for the end of the job as long as it can, or returns at once. */
  silent: 'waits' | 'answers'
  /** Its polls may change something that people have approved at the platform. Whether they may is checked as before a start. */
  changesInPolls?: true
  /** @throws Failure; a transient failure does not end the task */
  getStatus(provider: P, client: Client, input: Input, job: unknown): Promise<PollResult>
  /**
   * Asks the platform to stop the job.
   *
   * @returns false if the platform cannot stop it
   */
  stop(provider: P, client: Client, input: Input, job: unknown): Promise<boolean>
  /** Returns whether to stop the job at the deadline. */
  onDeadline(input: Input): 'stop' | 'leave'
  /**
   * Stops the job with `client.idempotencyKey`, if there is one, because no task polls it: its start was abandoned, or
   * Lambda ended the task.
   */
  cleanUp?(provider: P, client: Client & { idempotencyKey: string }, input: Input): Promise<void>
}

/** The task of an approval action, as the action sees it. */
export interface ApprovalTask<P extends Provider, Input> {
  taskId: string
  category: string
  /** The source that notifies us of a decision of the platform. */
  source: string | undefined
  connection: string
  input: Input
  /** The task that waits for the approval, if a policy requires it. */
  approvalOf?: WaitingForApproval | undefined
  deadline: Deadline
  context: DurableContext
  /** Returns who canceled the task, if anyone has. Does not throw. */
  readCanceler(): Promise<Canceler | undefined>
  /** Runs the action as a step, with retries until the deadline. */
  start(input?: Input): Promise<ActionResult>
  /**
   * Returns the link to the approval: the same one each time.
   *
   * @throws Failure `misconfigured`, `unavailable`
   */
  signedLink(): Promise<SignedLink>
  /** Runs a function with the connection's provider and a client. Throws a Failure. */
  withClient<T>(deadlineAt: number, run: (provider: P, client: Client) => Promise<T>): Promise<T>
}

/** A task that may start its action after an approval. */
export interface WaitingForApproval {
  category: string
  taskId: string
  /** How many people have to approve. */
  count: number
  /** When it gives up, in epoch milliseconds. */
  until: number
}

/** When a task gives up. */
export interface Deadline {
  /** Seconds from the start of the task. */
  seconds: number
  /** Epoch milliseconds. */
  at: number
}

/** The sources of default values for an input. */
export interface CallContext<P extends Provider = Provider> {
  event: CallEvent
  /** The name of the caller. */
  caller?: string | undefined
  connection: Record<string, unknown>
  provider: P
  /** URL of the sequence of the event, for people. */
  sequenceUrl?: string | undefined
  /** The name of the caller's orchestrator. Undefined if the caller polls. */
  orchestrator?: string | undefined
  /** Whether the response has to wait for the action. */
  silent?: boolean
  /** Adds a sentence to the message of the outcome. */
  note?(sentence: string): void
}

/** Runs an action of any type. */
export async function runWith<P extends Provider, Input>(
  action: Action<P, Input>,
  provider: P,
  client: Client,
  input: Input,
): Promise<ActionResult> {
  return action.type === 'immediate'
    ? completed(await action.run(provider, client, input))
    : action.run(provider, client, input)
}

/**
 * Returns the result of an action that is done.
 *
 * @example return completed(passed('Nothing to stop'))
 */
export function completed(outcome: Outcome): Completed {
  return { type: 'completed', outcome }
}

/** Whether an action only stops what another one has started, or only asks people. */
export function isFree(action: Pick<Action, 'kind' | 'type'>): boolean {
  return action.type === 'approval' || isStop(action)
}

/** Whether an action only stops what another one has started. */
export function isStop(action: Pick<Action, 'kind'>): boolean {
  return action.kind === 'job' && !('startsJob' in action && action.startsJob === true)
}

/** Returns the effect of an action at the platform of a provider. */
export function effectOf({ effect }: Pick<Action, 'effect'>, provider: Pick<Provider, 'effect'>): ActionEffect {
  return effect === 'reads' ? effect : (provider.effect ?? effect)
}

/** Whether an action of the category uses a resource. */
export function hasNeed({ actions }: { actions: Record<string, Pick<Action, 'needs'>> }, need: Need): boolean {
  return Object.values(actions).some(({ needs }) => needs?.includes(need))
}

/**
 * Returns the complete input of an action: with its defaults, checked.
 *
 * @param input the input that the caller sent, parsed by `action.input`
 * @throws Failure `invalid`, `misconfigured`
 */
export async function completeInput<P extends Provider, Input, Asked>(
  action: Pick<Action<P, Input, Asked>, 'prepare' | 'complete'>,
  input: unknown,
  context: CallContext<P>,
): Promise<Input> {
  return action.complete((action.prepare ? await action.prepare(input as never, context) : input) as Asked, context)
}
