import { type DurableContext, StepSemantics } from '@aws/durable-execution-sdk-js'
import middy from '@middy/core'
import { executionModeDurableContext } from '@middy/core/DurableContext'
import { inWords } from '../duration.ts'
import { Failure, isTransient, sentence } from '../errors.ts'
import { finishedReply, progressReply, startedReply } from '../event/reply.ts'
import { log } from '../log.ts'
import { loadOrchestrator } from '../orchestrators/orchestrator.ts'
import { asChosen, errored, type Outcome, passed } from '../outcome.ts'
import { maskDeep } from '../redact.ts'
import { backoff } from './backoff.ts'
import type { Begun, Category, HandedOver } from './category.ts'
import { type Deadline, follow } from './follow.ts'
import { perform, type Work } from './perform.ts'
import { sendEvent } from './send-event.ts'
import { takeBack } from './take-back.ts'
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
  if (task.only === 'take-back') return { taskId: task.taskId, outcome: await takenBack(category, task, context) }
  const deadlineAt = await context.step('accept', async () => Date.now() + task.deadline * 1_000)

  const started = startedReply(task.event, category.name)
  const announced =
    !task.sendStarted || (await sendEvent(context, 'send-started', task.orchestrator, started, { until: deadlineAt }))
  const ended = announced
    ? await act(category, task, context, deadlineAt)
    : errored(
        new Failure(
          'deadline',
          `The deadline of ${inWords(task.deadline)} passed before Keptn took the started event: nothing was done.`,
        ),
      )
  // Its finished comes from the platform, and a second one must never follow.
  if ('answeredBy' in ended) return { taskId: task.taskId, outcome: ended.outcome }
  const outcome = asChosen(ended, task.chosen, task.action)
  // A finished with no started would leave the task open.
  if (!announced) await sendEvent(context, 'send-started-late', task.orchestrator, started, { doubtful: true })
  const finished = finishedReply(task.event, category.name, outcome, task.labels)
  await sendEvent(context, 'send-finished', task.orchestrator, finished)
  return { taskId: task.taskId, outcome }
}

/** Does the action, and looks after what that begins until it ends. */
async function act(
  category: Category,
  task: TaskPayload,
  context: DurableContext,
  deadlineAt: number,
): Promise<Outcome | HandedOver> {
  if (task.skip) return passed(task.skip)
  const work = workOf(task)
  const { deadline } = task
  try {
    const result = await begin(category, work, context, { deadline, deadlineAt })
    if ('pending' in result) {
      const tell = task.progress ? (message: string) => sendProgress(category, task, message) : undefined
      return await follow(category, work, result, context, { deadline, deadlineAt }, tell)
    }
    if ('outcome' in result || result.status !== 'errored') return result
    return await abandon(category, work, context, result)
  } catch (error) {
    const outcome = maskDeep(errored(error))
    return work.handsOver ? handedOverInDoubt(outcome) : abandon(category, work, context, outcome)
  }
}

function workOf({ action, connection, input, dryRun, taskId, mustEnd, handsOver }: TaskPayload): Work {
  return { action, connection, input, dryRun, key: taskId, mustEnd, handsOver }
}

/** The platform may have taken it, and then it answers: nothing sent is better than two. */
function handedOverInDoubt(outcome: Outcome): HandedOver {
  log.error('it is in doubt whether the platform answers this task: nothing is sent', { reason: outcome.message })
  const message = `${sentence(outcome.message)} It may have been taken all the same, and is then answered by the platform: so no finished was sent.`
  return { outcome: { ...outcome, message }, answeredBy: 'in doubt' }
}

/** A start that was given up may have got through all the same. */
async function abandon(category: Category, work: Work, context: DurableContext, outcome: Outcome): Promise<Outcome> {
  const why = work.mustEnd ? await takeBack(category, work, context) : undefined
  if (why === undefined) return outcome
  return { ...outcome, message: `${sentence(outcome.message)} What may have begun could not be ended: ${why}` }
}

async function takenBack(category: Category, task: TaskPayload, context: DurableContext): Promise<Outcome> {
  const why = await takeBack(category, workOf(task), context)
  return why === undefined ? passed('What the task had begun is ended') : errored(new Failure('platform', why))
}

/** Once, and what does not get through is forgotten: there will be more to tell, and the end is told in any case. */
async function sendProgress(category: Category, task: TaskPayload, message: string): Promise<void> {
  try {
    const { send } = await loadOrchestrator(task.orchestrator)
    await send(maskDeep(progressReply(task.event, category.name, message)), false)
  } catch (error) {
    log.warn('a status.changed was not taken', error as Error)
  }
}

/**
 * Does the action, patiently: a platform that is down is asked again until the deadline.
 *
 * A try that certainly wrote nothing ends its step and is followed by another; one that may have, or of which nothing is
 * known since it died, is tried again within its step. So the second attempt of a step is always in doubt, and no other.
 */
async function begin(
  category: Category,
  work: Work,
  context: DurableContext,
  { deadline, deadlineAt }: Deadline,
): Promise<Outcome | Begun | HandedOver> {
  for (let tries = 1; ; tries++) {
    const tried = await context.step(
      work.action,
      async ({ attempt }): Promise<Outcome | Begun | HandedOver | { again: number }> => {
        const repeated = attempt > 1
        try {
          return await perform(category, work, deadlineAt, repeated)
        } catch (error) {
          const timeLeft = deadlineAt - Date.now()
          const inDoubt = repeated || (error instanceof Failure && (error.afterWrite || error.kind === 'doubtful'))
          if (!isTransient(error) || timeLeft <= lastTry) {
            const outcome = maskDeep(errored(isTransient(error) ? givenUp(error as Failure, deadline) : error))
            return work.handsOver && inDoubt ? handedOverInDoubt(outcome) : outcome
          }
          log.warn(`${work.action} did not succeed`, { tries, attempt, reason: (error as Failure).message })
          if (inDoubt) throw error
          return { again: pause(error as Failure, tries, deadline, deadlineAt) }
        }
      },
      {
        // So that a second run knows that it is one.
        semantics: StepSemantics.AtMostOncePerRetry,
        retryStrategy: (error, attempt) => ({
          shouldRetry: attempt < mostTries,
          delay: { seconds: pause(error, attempt, deadline, deadlineAt) },
        }),
      },
    )
    if (!('again' in tried)) return tried
    await context.wait('pause', { seconds: tried.again })
  }
}

/** Of the 3,000 operations that an execution may have. */
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
