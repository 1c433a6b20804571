import { type DurableContext, StepSemantics } from '@aws/durable-execution-sdk-js'
import middy from '@middy/core'
import { executionModeDurableContext } from '@middy/core/DurableContext'
import { inWords } from '../duration.ts'
import { Failure, isTransient, sentence } from '../errors.ts'
import { finishedReply, startedReply } from '../event/reply.ts'
import { log } from '../log.ts'
import { errored, type Outcome, passed } from '../outcome.ts'
import { maskDeep } from '../redact.ts'
import { backoff } from './backoff.ts'
import type { Category } from './category.ts'
import { perform } from './perform.ts'
import { sendEvent } from './send-event.ts'
import { type TaskPayload, taskPayload } from './task-payload.ts'

/** What an ended task leaves behind; its status is read from here. */
export interface TaskResult {
  taskId: string
  outcome: Outcome
}

/**
 * The task of a category: a durable handler that carries an interactive call from `started` to its one `finished`.
 *
 * Every effect is a named step. Live executions replay this code: steps are never renamed or reordered, only added behind
 * a field of the payload.
 */
export function taskHandler(category: Category) {
  // Middy's own early time-out outlives a suspended invocation and would report a healthy wait as an error.
  return middy<unknown, TaskResult, Error, DurableContext>({
    executionMode: executionModeDurableContext,
    timeoutEarlyInMillis: 0,
  }).handler((event, context) => runTask(category, taskPayload.parse(event), context))
}

async function runTask(category: Category, task: TaskPayload, context: DurableContext): Promise<TaskResult> {
  context.configureLogger({ customLogger: log, modeAware: true })
  log.appendKeys({
    taskId: task.taskId,
    action: task.action,
    eventId: task.event.id,
    keptnContext: task.event.shkeptncontext,
  })
  const deadlineAt = await context.step('accept', async () => Date.now() + task.deadline * 1_000)

  const started = startedReply(task.event, category.name)
  const announced =
    !task.sendStarted || (await sendEvent(context, 'send-started', task.orchestrator, started, { until: deadlineAt }))
  const outcome = announced
    ? await act(category, task, context, deadlineAt)
    : errored(
        new Failure(
          'deadline',
          `The deadline of ${inWords(task.deadline)} passed before Keptn took the started event: nothing was done.`,
        ),
      )
  // A finished with no started would leave the task open.
  if (!announced) await sendEvent(context, 'send-started-late', task.orchestrator, started, { doubtful: true })
  const finished = finishedReply(task.event, category.name, outcome, task.labels)
  await sendEvent(context, 'send-finished', task.orchestrator, finished)
  return { taskId: task.taskId, outcome }
}

/** Does the action, patiently: a platform that is down is asked again until the deadline. */
async function act(
  category: Category,
  task: TaskPayload,
  context: DurableContext,
  deadlineAt: number,
): Promise<Outcome> {
  if (task.skip) return passed(task.skip)
  const { action, connection, input, dryRun, taskId: key } = task
  try {
    return await context.step(
      action,
      async ({ attempt }) => {
        try {
          return await perform(category, { action, connection, input, key, dryRun }, deadlineAt, attempt > 1)
        } catch (error) {
          const timeLeft = deadlineAt - Date.now()
          if (isTransient(error) && timeLeft > lastTry) throw error
          return maskDeep(errored(isTransient(error) ? givenUp(error as Failure, task.deadline) : error))
        }
      },
      {
        // So that a second run knows that it is one.
        semantics: StepSemantics.AtMostOncePerRetry,
        retryStrategy: (error, attempt) => ({
          shouldRetry: attempt < mostTries,
          delay: { seconds: pause(error, attempt, task.deadline, deadlineAt) },
        }),
      },
    )
  } catch (error) {
    return maskDeep(errored(error))
  }
}

const mostTries = 2_000
/** With less time left than this a try is the last one, in milliseconds. */
const lastTry = 1_500

/** Seconds until the next try of an action: doubling to a minute (longer for deadlines of days), before the deadline. */
function pause(error: Error, attempt: number, deadline: number, deadlineAt: number): number {
  const left = (deadlineAt - Date.now()) / 1_000 - 1
  return Math.max(1, Math.floor(Math.min(backoff(error, attempt, 1, Math.max(60, deadline / 1_000)), left)))
}

function givenUp(error: Failure, deadline: number): Failure {
  return new Failure(error.kind, `${sentence(error.message)} Gave up at the deadline of ${inWords(deadline)}.`)
}
