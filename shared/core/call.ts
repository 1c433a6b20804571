import type * as z from 'zod/mini'
import type { Failure } from '../errors.ts'
import type { CallOrigin } from '../orchestrators/event/event.ts'
import { DEFAULT_ORCHESTRATOR } from '../orchestrators/index.ts'
import type { actionFields, answerFields, callerFields, taskSchema, waitFields } from './task-schema.ts'

/** The category that asks people. */
export const NOTIFICATION = 'notification'
/** Suffix of the execution that cleans up for a task that Lambda ended. The prefix is the id of the task. */
export const CLEANUP_SUFFIX = '-cleanup'
/** Part of the name of an execution that only sends the answer of an ended task again. The id of the task precedes it. */
export const ANSWER_SUFFIX = '-answer'

/** The payload of a task. */
export type Task = z.output<typeof taskSchema>

/**
 * Returns when a task gives up, in epoch milliseconds. Its deadline counts from the moment when its requirements are met.
 *
 * @param metAt undefined while this is not known: the result is the latest time
 */
export function deadlineOf(
  { deadline, waitAtMost = 0, approvalOf }: Pick<Task, 'deadline' | 'waitAtMost' | 'approvalOf'>,
  startedAt: number,
  metAt = startedAt + waitAtMost * 1_000,
): number {
  return approvalOf?.until ?? metAt + deadline * 1_000
}

/** Returns whether a task runs the action of a call: that of an interactive call, or of a silent one whose job needs a task. */
export function hasTask({
  mode,
  needsCleanup,
  dryRun,
  skip,
}: Pick<Call, 'mode' | 'needsCleanup' | 'dryRun' | 'skip'>): boolean {
  return mode === 'interactive' || (needsCleanup === true && !dryRun && !skip)
}

/** The part of a call for the webhook alone: not in the payload. */
interface WebhookFields {
  /** The form of the response. Undefined if the call is not a gate. */
  gate?: GateOptions | undefined
  /**
   * Why the call may start nothing, such as a limit of its caller. Thrown only where something would start: a repeat of a call
   * that was accepted gets its result, even if the limit has changed since.
   */
  refusal?: Failure | undefined
  /** Why a repeat of the call gets no result: its caller has sent stored credentials several times, and guesses with repeats leave no trace. */
  repeatRefusal?: Failure | undefined
  /** Whether its caller is an agent, whose keys name one call each. */
  isOfAgent?: boolean | undefined
  /** Whether a repeat of the call may wait for an answer of its own. */
  answersRepeats?: boolean | undefined
}

/** The record of any call. A silent call may lack the fields that identify it and its orchestrator. */
export interface Call extends Omit<Task, 'id' | 'orchestrator' | 'event'>, WebhookFields {
  /** Undefined if the event has no id: a repeat of the call cannot be recognized. */
  id: string | undefined
  orchestrator: string | undefined
  event: CallOrigin
}

/** A field of the webhook in the payload does not compile. */
type NotInPayload = { [Name in keyof WebhookFields]?: never }

export type CallerFields = Pick<Call, keyof typeof callerFields | 'isOfAgent'>
export type ActionFields = Pick<Call, keyof typeof actionFields>
export type AnswerFields = Pick<Call, keyof typeof answerFields | 'gate' | 'answersRepeats'>
export type WaitFields = Pick<Call, keyof typeof waitFields>

export interface GateOptions {
  /** The part of the response that says whether the gate is open. */
  form: 'body' | 'status'
  /** Seconds for which an outcome is returned before the next call starts a new task. */
  hold: number
  /** `true`: opens on fail instead of on pass. `any`: on errored and aborted, too. Both start no task. */
  invert: 'false' | 'true' | 'any'
}

/** Returns the record of an interactive call as the payload of its task. */
export function taskOf({ gate, refusal, repeatRefusal, isOfAgent, answersRepeats, ...call }: Call): Task {
  const { id, orchestrator = DEFAULT_ORCHESTRATOR, event } = call
  const { id: eventId, labels = {} } = event
  if (id === undefined || eventId === undefined) throw new Error('An interactive call has an id.')
  return { ...call, id, orchestrator, event: { ...event, id: eventId, labels } } satisfies Task & NotInPayload
}
