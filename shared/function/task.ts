import { type DurableContext, StepSemantics } from '@aws/durable-execution-sdk-js'
import middy from '@middy/core'
import { executionModeDurableContext } from '@middy/core/DurableContext'
import { inWords } from '../duration.ts'
import { Failure, isTransient } from '../errors.ts'
import { finishedReply, type Reply, startedReply } from '../event/reply.ts'
import { log } from '../log.ts'
import { loadOrchestrator } from '../orchestrators/orchestrator.ts'
import { errored, type Outcome, passed } from '../outcome.ts'
import { maskDeep } from '../redact.ts'
import type { Category } from './category.ts'
import { perform } from './perform.ts'
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
  const announced = !task.sendStarted || (await send(context, 'send-started', task, started, { until: deadlineAt }))
  const outcome = announced
    ? await act(category, task, context, deadlineAt)
    : errored(
        new Failure(
          'deadline',
          `The deadline of ${inWords(task.deadline)} passed before Keptn took the started event: nothing was done.`,
        ),
      )
  // A finished with no started would leave the task open.
  if (!announced) await send(context, 'send-started-late', task, started, { doubtful: true })
  await send(context, 'send-finished', task, finishedReply(task.event, category.name, outcome, task.labels))
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

/** Nobody is left alone for longer than this because of a wish of theirs, in seconds. */
const longestWish = 3_600

/**
 * Doubles from `first` to `longest` seconds, or is what the other side asked for; up to a quarter more, so that hundreds of
 * tasks that failed together do not come again together.
 */
function backoff(error: Error, attempt: number, first: number, longest: number): number {
  const asked = error instanceof Failure ? Math.min(error.retryAfter ?? 0, longestWish) : 0
  const doubled = Math.min(longest, first * 2 ** Math.min(attempt - 1, 20))
  return Math.ceil(Math.max(asked, doubled) * (1 + Math.random() / 4))
}

function givenUp(error: Failure, deadline: number): Failure {
  return new Failure(error.kind, `${error.message} Gave up at the deadline of ${inWords(deadline)}.`)
}

/** Attempts over about a day. */
const mostSends = 300

interface SendOptions {
  /** Epoch milliseconds after which it is not sent any more; without, it must be sent. */
  until?: number
  /** Whether an earlier step may have sent it. */
  doubtful?: boolean
}

/**
 * Sends an event and does not give up for a day: whoever waits for it has no time-out of its own.
 *
 * @returns whether it was sent
 */
async function send(
  context: DurableContext,
  step: string,
  task: TaskPayload,
  reply: Reply,
  options: SendOptions = {},
): Promise<boolean> {
  const { until = Number.POSITIVE_INFINITY, doubtful = false } = options
  return context.step(
    step,
    async ({ attempt }) => {
      const repeated = attempt > 1
      if (repeated && Date.now() > until) return false
      const orchestrator = await loadOrchestrator(task.orchestrator, repeated)
      await orchestrator.send(maskDeep(reply), repeated || doubtful)
      return true
    },
    {
      semantics: StepSemantics.AtMostOncePerRetry,
      retryStrategy: (error, attempt) => {
        log.warn(`${step} did not succeed`, { attempt, reason: error.message })
        return { shouldRetry: attempt < mostSends, delay: { seconds: backoff(error, attempt, 5, 300) } }
      },
    },
  )
}
