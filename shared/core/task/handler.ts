import type { DurableContext } from '@aws/durable-execution-sdk-js'
import middy from '@middy/core'
import { executionModeDurableContext } from '@middy/core/DurableContext'
import { inWords } from '../../duration.ts'
import { Failure, sentence } from '../../errors.ts'
import { log } from '../../log.ts'
import { finishedReply, masked, progressReply, startedReply } from '../../orchestrators/keptn/reply.ts'
import { loadOrchestrator } from '../../orchestrators/orchestrator.ts'
import { asChosen, errored, type Outcome, passed, presentable, withNotes } from '../../outcome.ts'
import type { Category, HandedOver } from '../../providers/category.ts'
import { forgetSecrets, maskDeep } from '../../redact.ts'
import type { Work } from '../run-action.ts'
import { sendEvent } from './answer.ts'
import { takeBack } from './cleanup.ts'
import { type TaskPayload, taskPayload } from './payload.ts'
import { follow } from './poll.ts'
import { askPeople } from './request-approval.ts'
import { begin, handedOverInDoubt } from './start-job.ts'

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
  forgetSecrets()
  context.configureLogger({ customLogger: log, modeAware: true })
  log.appendKeys({
    taskId: task.taskId,
    action: task.action,
    connection: task.connection,
    provider: task.provider,
    eventId: task.event.id,
    keptnContext: task.event.shkeptncontext,
  })
  if (task.only === 'take-back') return { taskId: task.taskId, outcome: await takenBack(category, task, context) }
  context.logger.info('task started', { deadline: task.deadline })
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
  if ('answeredBy' in ended) {
    logEnd(task, ended.outcome, context, deadlineAt, ended.answeredBy)
    return { taskId: task.taskId, outcome: ended.outcome }
  }
  const outcome = withNotes(presentable(asChosen(ended, task.chosen, task.action)), task.notes)
  // A finished with no started would leave the task open.
  if (!announced) await sendEvent(context, 'send-started-late', task.orchestrator, started, { doubtful: true })
  const finished = finishedReply(task.event, category.name, outcome, task.labels)
  await sendEvent(context, 'send-finished', task.orchestrator, finished)
  logEnd(task, outcome, context, deadlineAt)
  return { taskId: task.taskId, outcome }
}

/** One line for each task that has ended, from which the dashboard counts. */
function logEnd(
  { deadline }: TaskPayload,
  { status, result, message }: Outcome,
  context: DurableContext,
  deadlineAt: number,
  answeredBy?: string,
): void {
  context.logger.info('task ended', {
    outcome: { status, result },
    ms: Date.now() - (deadlineAt - deadline * 1_000),
    ...(answeredBy === undefined ? {} : { answeredBy }),
    ...(status === 'succeeded' ? {} : { detail: message }),
  })
}

/** Does the action, and looks after what that begins until it ends. */
async function act(
  category: Category,
  task: TaskPayload,
  context: DurableContext,
  deadlineAt: number,
): Promise<Outcome | HandedOver> {
  if (task.skip) return { ...passed(task.skip), result: task.skipResult ?? 'pass' }
  const work = workOf(task)
  const { deadline } = task
  try {
    if (category.actions[work.action]?.ask) return await askPeople(category, work, context, { deadline, deadlineAt })
    const result = await begin(category, work, context, { deadline, deadlineAt })
    if ('pending' in result) {
      const tell = task.progress ? (message: string) => sendProgress(category, task, message) : undefined
      return await follow(category, work, result, context, { deadline, deadlineAt }, tell)
    }
    if ('outcome' in result || result.status !== 'errored') return result
    return await abandon(category, work, context, result)
  } catch (error) {
    log.error('internal error', error as Error)
    const outcome = maskDeep(errored(error))
    return work.handsOver ? handedOverInDoubt(outcome) : abandon(category, work, context, outcome)
  }
}

function workOf({ event, ...task }: TaskPayload): Work {
  const { action, connection, input, dryRun, taskId, mustEnd, lastRun, handsOver, address } = task
  const { id, shkeptncontext: context, project, stage, service, labels } = event
  const origin = { id, context, project, stage, service, labels }
  return { action, connection, input, dryRun, key: taskId, event: origin, mustEnd, lastRun, handsOver, address }
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
    await send(masked(progressReply(task.event, category.name, message)), 0)
  } catch (error) {
    log.warn('a status.changed was not taken', error as Error)
  }
}
