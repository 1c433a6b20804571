import type { DurableContext } from '@aws/durable-execution-sdk-js'
import middy from '@middy/core'
import { executionModeDurableContext } from '@middy/core/DurableContext'
import { formatDuration } from '../../duration.ts'
import { Failure, toSentence } from '../../errors.ts'
import { log } from '../../log.ts'
import { finishedReply, masked, progressReply, startedReply } from '../../orchestrators/keptn/reply.ts'
import { loadOrchestrator } from '../../orchestrators/orchestrator.ts'
import { errored, type Outcome, passed, sanitizeOutcome, withMappedName, withNotes } from '../../outcome.ts'
import type { Delegated } from '../../providers/action.ts'
import type { Category } from '../../providers/category.ts'
import { clearSecrets, redactDeep } from '../../redact.ts'
import type { ActionRequest } from '../run-action.ts'
import { sendAnswer } from './answer.ts'
import { cleanUp } from './cleanup.ts'
import { type TaskPayload, taskPayload } from './payload.ts'
import { pollUntilDone } from './poll.ts'
import { requestApproval } from './request-approval.ts'
import { delegatedWithUnknownOutcome, startJob } from './start-job.ts'

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
  clearSecrets()
  context.configureLogger({ customLogger: log, modeAware: true })
  log.appendKeys({
    taskId: task.taskId,
    action: task.action,
    connection: task.connection,
    provider: task.provider,
    eventId: task.event.id,
    keptnContext: task.event.shkeptncontext,
  })
  if (task.only === 'take-back') return { taskId: task.taskId, outcome: await runCleanup(category, task, context) }
  context.logger.info('task started', { deadline: task.deadline })
  const deadlineAt = await context.step('accept', async () => Date.now() + task.deadline * 1_000)

  const started = startedReply(task.event, category.name)
  const announced =
    !task.sendStarted || (await sendAnswer(context, 'send-started', task.orchestrator, started, { until: deadlineAt }))
  const ended = announced
    ? await runTaskAction(category, task, context, deadlineAt)
    : errored(
        new Failure(
          'deadline',
          `The deadline of ${formatDuration(task.deadline)} passed before Keptn took the started event: nothing was done.`,
        ),
      )
  // Its finished comes from the platform, and a second one must never follow.
  if ('delegatedTo' in ended) {
    logTaskEnded(task, ended.outcome, context, deadlineAt, ended.delegatedTo)
    return { taskId: task.taskId, outcome: ended.outcome }
  }
  const outcome = withNotes(sanitizeOutcome(withMappedName(ended, task.mappedName, task.action)), task.notes)
  // A finished with no started would leave the task open.
  if (!announced) await sendAnswer(context, 'send-started-late', task.orchestrator, started, { doubtful: true })
  const finished = finishedReply(task.event, category.name, outcome, task.labels)
  await sendAnswer(context, 'send-finished', task.orchestrator, finished)
  logTaskEnded(task, outcome, context, deadlineAt)
  return { taskId: task.taskId, outcome }
}

/** One line for each task that has ended, from which the dashboard counts. */
function logTaskEnded(
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
async function runTaskAction(
  category: Category,
  task: TaskPayload,
  context: DurableContext,
  deadlineAt: number,
): Promise<Outcome | Delegated> {
  if (task.skip) return { ...passed(task.skip), result: task.skipResult ?? 'pass' }
  const work = actionRequestOf(task)
  const { deadline } = task
  try {
    if (category.actions[work.action]?.type === 'approval')
      return await requestApproval(category, work, context, { deadline, deadlineAt })
    const result = await startJob(category, work, context, { deadline, deadlineAt })
    if ('job' in result) {
      const tell = task.progress ? (message: string) => sendProgress(category, task, message) : undefined
      return await pollUntilDone(category, work, result, context, { deadline, deadlineAt }, tell)
    }
    if ('outcome' in result || result.status !== 'errored') return result
    return await abandon(category, work, context, result)
  } catch (error) {
    log.error('internal error', error as Error)
    const outcome = redactDeep(errored(error))
    return work.delegates ? delegatedWithUnknownOutcome(outcome) : abandon(category, work, context, outcome)
  }
}

function actionRequestOf({ event, ...task }: TaskPayload): ActionRequest {
  const { action, connection, input, dryRun, taskId, needsCleanup, lastRunKey, delegates, apiUrl } = task
  const { id, shkeptncontext: context, project, stage, service, labels } = event
  const origin = { id, context, project, stage, service, labels }
  return {
    action,
    connection,
    input,
    dryRun,
    idempotencyKey: taskId,
    event: origin,
    needsCleanup,
    lastRunKey,
    delegates,
    apiUrl,
  }
}

/** A start that was given up may have got through all the same. */
async function abandon(
  category: Category,
  work: ActionRequest,
  context: DurableContext,
  outcome: Outcome,
): Promise<Outcome> {
  const why = work.needsCleanup ? await cleanUp(category, work, context) : undefined
  if (why === undefined) return outcome
  return { ...outcome, message: `${toSentence(outcome.message)} What may have begun could not be ended: ${why}` }
}

async function runCleanup(category: Category, task: TaskPayload, context: DurableContext): Promise<Outcome> {
  const why = await cleanUp(category, actionRequestOf(task), context)
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
