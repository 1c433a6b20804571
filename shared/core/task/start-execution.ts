import { startExecution } from '../../aws/lambda.ts'
import { serviceUnavailable } from '../../errors.ts'
import { log } from '../../log.ts'
import { settings } from '../../settings.ts'
import { sleep } from '../../sleep.ts'
import { itemKeys } from '../../state/item-keys.ts'
import { expiresIn, putIfAbsent } from '../../state/table.ts'
import { type Call, type Task, taskOf } from '../call.ts'
import { executionOf, findExecution } from './execution.ts'
import { payloadOf } from './payload.ts'
import { startedStatus } from './task-status.ts'

const START_TIMEOUT_MS = 8_000
const LOOK_UP_TIMEOUT_MS = 5_000
const SAVE_TIMEOUT_MS = 2_000
/** With less time left, nothing is started. */
const MIN_TIME_LEFT_MS = 2_000
/** A start without a response is sent again. The pause grows with each attempt. */
const MAX_START_ATTEMPTS = 3
const START_PAUSE_MS = 500
/** Counted from the deadline. Lambda keeps an ended execution for as long. */
const TTL_SECONDS = 14 * 86_400

/** An execution that runs, or has run, under the name of the task. */
interface StartedExecution {
  /** Undefined if Lambda did not return it. */
  arn: string | undefined
}

/**
 * Starts the task of an interactive call. Once it is started, exactly one `finished` event follows.
 *
 * @param timeLeft returns the milliseconds until Lambda ends the webhook
 * @returns `duplicate`: the call had been accepted before, and nothing was started
 * @throws Failure the refusal of the call, `misconfigured`, `unavailable`: no event will ever follow
 */
export async function startTask(call: Call, timeLeft: () => number): Promise<{ taskId: string; duplicate: boolean }> {
  const task = taskOf(call)
  if (timeLeft() < MIN_TIME_LEFT_MS) {
    throw serviceUnavailable(
      'There is too little time left to start a task, so no event will follow. Send the call again.',
      { after: 5 },
    )
  }
  if (call.refusal && !(await mayBeAccepted(task))) throw call.refusal
  const started = await invoke(task.id, await payloadOf(task), timeLeft)
  return { taskId: task.id, duplicate: !started || !(await isFirst(task, started.arn, timeLeft)) }
}

/**
 * Looks for an earlier call that was accepted: its repeat is answered, and never refused. If this cannot be found out now, the call is
 * treated as a repeat. At worst, it exceeds a limit; a refusal could follow an acceptance.
 */
async function mayBeAccepted({ category, id }: Task): Promise<boolean> {
  try {
    return (await executionOf(category, id)) !== undefined
  } catch (error) {
    log.warn('earlier call not looked up', error as Error)
    return true
  }
}

/**
 * Starts the execution. Lambda starts one execution per name: the same name and payload again is the same execution.
 *
 * @returns undefined if an execution with another payload has the name: the name is the call's identity, so this is a repeat
 */
async function invoke(name: string, payload: string, timeLeft: () => number): Promise<StartedExecution | undefined> {
  for (let attempt = 1, mayHaveStarted = false; ; attempt++) {
    try {
      const arn = await startExecution(
        { functionName: settings.taskFunction, executionName: name, payload },
        { abortSignal: AbortSignal.timeout(timeoutFor(START_TIMEOUT_MS, timeLeft)) },
      )
      return { arn }
    } catch (error) {
      if ((error as Error).name === 'DurableExecutionAlreadyStartedException') return undefined
      const { httpStatusCode: status, attempts = 1 } = metadataOf(error)
      const isUnanswered = status === undefined || status >= 500
      // The error is that of the client's last attempt. An earlier one may have reached Lambda.
      mayHaveStarted ||= isUnanswered || attempts > 1
      // A look-up could come before the request reaches Lambda. Sending it again is safe: it is the same start.
      if (isUnanswered && attempt < MAX_START_ATTEMPTS && timeLeft() > 2 * MIN_TIME_LEFT_MS) {
        log.warn('start of the task unanswered, retrying', error as Error)
        await sleep(START_PAUSE_MS * attempt)
        continue
      }
      const arn = mayHaveStarted ? await arnIfStarted(name, timeLeft) : undefined
      if (arn !== undefined) return { arn }
      log.error('task not started', error as Error)
      throw serviceUnavailable('The task could not be started, so no event will follow. Send the call again.', {
        after: 5,
        cause: error,
      })
    }
  }
}

/** The response must be sent before Lambda ends the webhook, so half of the remaining time is left for what follows. */
function timeoutFor(max: number, timeLeft: () => number): number {
  return Math.max(1, Math.min(max, Math.floor(timeLeft() / 2)))
}

/** Returns the metadata of an error response. Empty if there was no response. */
function metadataOf(error: unknown): { httpStatusCode?: number; attempts?: number } {
  return (error as { $metadata?: { httpStatusCode?: number; attempts?: number } }).$metadata ?? {}
}

/** Looks up a start whose outcome is unknown, because the response promises that no event will follow. */
async function arnIfStarted(name: string, timeLeft: () => number): Promise<string | undefined> {
  try {
    return await findExecution(name, AbortSignal.timeout(timeoutFor(LOOK_UP_TIMEOUT_MS, timeLeft)))
  } catch (error) {
    // The call is refused. If the task runs anyway, the orchestrator ignores its late answer.
    log.error('outcome of the start unknown', error as Error)
    return undefined
  }
}

/**
 * Returns what those who wait for the end of a task need to know of it. A task whose platform sends the result does not mark its end.
 */
function startOf(task: Task): { caller?: string; started?: string } {
  if (task.delegates) return {}
  const { requirements: _, ...started } = startedStatus(task, task.id, Date.now())
  return { caller: task.caller, started: JSON.stringify(started) }
}

/**
 * Lambda does not report whether it started an execution or found it, so the first call that saves the execution is the
 * first one. If the table is not available, the call is reported as new: this only changes `duplicate` in the response. The
 * saved ARN is used to read the status of the task.
 */
async function isFirst(task: Task, arn: string | undefined, timeLeft: () => number): Promise<boolean> {
  try {
    return await putIfAbsent(
      itemKeys.task(task.category, task.id),
      { arn, ...startOf(task), ...expiresIn(task.deadline + (task.waitAtMost ?? 0) + TTL_SECONDS) },
      {
        // With another ARN, Lambda has deleted that execution and started this one.
        ...(arn === undefined ? {} : { condition: 'arn <> :arn', values: { arn } }),
        timeoutMs: timeoutFor(SAVE_TIMEOUT_MS, timeLeft),
      },
    )
  } catch (error) {
    log.warn('execution not saved', error as Error)
    return true
  }
}
