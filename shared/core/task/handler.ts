import { type DurableContext, type DurableLambdaHandler, withDurableExecution } from '@aws/durable-execution-sdk-js'
import { auditedDecisions, type Decided, withDecisions } from '../../approvals/request/decided.ts'
import { audit, auditedCall, auditedTask } from '../../audit.ts'
import { formatDuration } from '../../duration.ts'
import { Failure, toSentence } from '../../errors.ts'
import { log } from '../../log.ts'
import type { Answer } from '../../orchestrators/orchestrator.ts'
import { errored, type Outcome, passed, verdictOf } from '../../outcome.ts'
import type { LimitRequirement } from '../../policy/kinds/at-most.ts'
import type { WindowRequirement } from '../../policy/kinds/window.ts'
import { conditionsIn, limitsIn, turnsIn } from '../../policy/requirements.ts'
import { stateOfWindow } from '../../policy/window.ts'
import {
  type Completed,
  completed,
  type Deadline,
  type Delegated,
  type RunApprovalTask,
} from '../../providers/action.ts'
import type { Category } from '../../providers/category.ts'
import { isRecord } from '../../record.ts'
import { clearSecrets, redactDeep } from '../../redact.ts'
import { settings } from '../../settings.ts'
import { setTraceparent } from '../../traceparent.ts'
import { stepSpans } from '../../tracing.ts'
import type { ApprovedRequest } from '../approved-request.ts'
import { sendAuditEventOf } from '../audit-event.ts'
import { deadlineOf, type Task } from '../call.ts'
import { finalOutcome, skippedOutcome } from '../final-outcome.ts'
import { signedLink, withClient } from '../run-action.ts'
import { startCheckOf } from '../start-gate.ts'
import { taskSchema } from '../task-schema.ts'
import { acceptInvocation } from './accept-invocation.ts'
import { deliver, sendAnswer, sendFinished, sendToObservers, type Unanswered } from './answer.ts'
import { cancelerOf } from './cancellation.ts'
import { cleanUp } from './cleanup.ts'
import { waitUntilReleased } from './hold.ts'
import { leaveTurns, leftBy } from './leave-turns.ts'
import { delegatedWithUnknownOutcome } from './not-started.ts'
import { checkSeal } from './payload.ts'
import type { Reports } from './poll.ts'
import { type AskedPeople, meetRequirements } from './require.ts'
import { type Held, runUntilDeadline, type StartOptions } from './retry-start.ts'
import { isNewExecution, startTimeOf, withStartTime } from './start-time.ts'
import { runInTurn } from './take-turns.ts'
import type { TaskResult } from './task-result.ts'
import { pollUntilDone } from './wait-for-job.ts'

/**
 * The task of a category: a durable handler that runs an interactive call and sends its one `finished` event.
 *
 * Every effect is a named step. Running executions replay this code, so steps are never renamed or reordered. New steps
 * depend on a new field of the payload.
 *
 * @example export const handler = taskHandler(issueTicketing)
 */
export function taskHandler(category: Category): DurableLambdaHandler {
  return withStartTime(
    withDurableExecution(
      async (payload: unknown, context) => {
        const task = await parsePayload(category, payload, context)
        // Nothing is loaded later: the SDK suspends a task with an open callback as soon as it awaits anything but an operation.
        return runTask(category, task, await loadAction(category, task), context)
      },
      { plugins: settings.isTraced ? [stepSpans] : [] },
    ),
  )
}

/** Runs the action of a task, and waits for the end of what it starts. */
type RunAction = (
  context: DurableContext,
  deadline: Deadline,
  options: StartOptions,
) => Promise<Completed | Delegated | Held>

/** Loads the code of an action that webhooks do not need. */
async function loadAction(category: Category, task: Task): Promise<RunAction> {
  const action = category.actions[task.action]
  const runApproval = action?.type === 'approval' ? await action.loadTask() : undefined
  return (context, deadline, options) => runTaskAction(category, task, runApproval, context, deadline, options)
}

/** Reads the payload: the record of a call that a webhook has accepted, or the call of another durable function. */
async function parsePayload(category: Category, payload: unknown, context: DurableContext): Promise<Task> {
  const task = isRecord(payload) ? payload : {}
  if (!('version' in task)) return acceptInvocation(category, task, context)
  await checkSeal(task, context)
  return taskSchema.parse(task)
}

async function runTask(
  category: Category,
  task: Task,
  runAction: RunAction,
  context: DurableContext,
): Promise<TaskResult> {
  const { id: taskId, action, connection, provider, event } = task
  clearSecrets()
  setTraceparent(task.traceparent)
  context.configureLogger({ customLogger: log, modeAware: true })
  log.appendKeys({ taskId, action, connection, provider, eventId: event.id, context: event.context })
  if (task.operator !== undefined && isNewExecution(context)) auditOperator(task, task.operator)
  if (task.only === 'cleanup') return { taskId, outcome: await runCleanup(category, task, context) }
  if (task.only === 'answer' && task.outcome) return sendOutcomeAgain(task, task.outcome, context)
  context.logger.info('task started', { deadline: task.deadline, rerunOf: task.rerunOf })
  const startTime = startTimeOf(context)
  const deadline = { seconds: task.deadline, at: deadlineOf(task, startTime, startTime) }
  const until = deadlineOf(task, startTime)

  const started: Answer = { kind: 'started', at: startTime }
  const isAnnounced =
    !task.sendStarted || (await sendAnswer(context, 'send-started', task, started, { until })) !== false
  const run = isAnnounced
    ? await runWhenAllowed(category, task, runAction, context, deadline)
    : notRun(
        errored(
          new Failure(
            'deadline',
            `The orchestrator did not accept the started event before the deadline of ${formatDuration(task.deadline)}: the action did not run.`,
          ),
        ),
      )
  const { decisions } = run
  const result = { ...run.result, outcome: withDecisions(run.result.outcome, decisions) }
  if (result.type === 'delegated') {
    await logTaskEnded(task, { result, decisions }, result.outcome, context, deadline)
    return { taskId, outcome: result.outcome, ...canceledOf(result, result.outcome) }
  }
  const outcome = finalOutcome(result.outcome, task)
  // Without a started event, an orchestrator may ignore the finished event and wait forever.
  if (!isAnnounced) await sendAnswer(context, 'send-started-late', task, started, { mayBeSent: true })
  const endedAt = task.isDetailed ? await context.step('end-time', async () => Date.now()) : undefined
  await sendToObservers(context, task, outcome, endedAt)
  const delivery = await sendFinished(context, task, { kind: 'finished', outcome, at: endedAt })
  await logTaskEnded(task, { result, decisions }, outcome, context, deadline)
  const ended = { taskId, outcome, ...canceledOf(result, outcome), ...unansweredOf(delivery) }
  return endedAt === undefined ? ended : { ...ended, endedAt }
}

/** Sends the outcome of an ended task again. */
async function sendOutcomeAgain(task: Task, outcome: Outcome, context: DurableContext): Promise<TaskResult> {
  const answer: Answer = { kind: 'finished', outcome, at: task.endedAt }
  return {
    taskId: task.id,
    outcome,
    ...unansweredOf(await sendFinished(context, task, answer, { mayBeSent: true })),
  }
}

function canceledOf({ canceler }: Completed | Delegated, { status }: Outcome): Pick<TaskResult, 'isCanceled'> {
  return status === 'aborted' ? { isCanceled: canceler !== undefined } : {}
}

function unansweredOf(delivery: boolean | Unanswered): Pick<TaskResult, 'unanswered'> {
  return typeof delivery === 'string' ? { unanswered: delivery } : {}
}

/** Writes the audit line of an operator, whose request no webhook has received. */
function auditOperator(task: Task, by: string): void {
  const known =
    task.only === 'answer'
      ? { operation: 'answer' as const, taskId: task.id }
      : { operation: 'rerun' as const, taskId: task.rerunOf }
  audit.start({ ...auditedCall(task), ...known, outcome: 'accepted', by })
  audit.write(undefined)
}

/** Logs one line per ended task, which the dashboard counts, and writes its audit record. */
async function logTaskEnded(
  task: Task,
  { result: ended, decisions }: Run,
  outcome: Outcome,
  context: DurableContext,
  { seconds, at }: Deadline,
): Promise<void> {
  const { status, result, message } = outcome
  const ms = Date.now() - (at - seconds * 1_000)
  const { canceler } = ended
  const by = status === 'aborted' ? (canceler?.operator ?? canceler?.by) : undefined
  audit.start({
    operation: 'task',
    ...auditedTask(task),
    decisions: auditedDecisions(decisions),
    outcome: verdictOf(outcome),
    ...(by && { by }),
  })
  const record = audit.write(ms)
  context.logger.info('task ended', {
    outcome: { status, result },
    ms,
    delegatedTo: ended.type === 'delegated' ? ended.delegatedTo : undefined,
    reason: status === 'succeeded' ? undefined : message,
  })
  await sendAuditEventOf(task, record, context)
}

/** The result of an action, and the decisions of people before its start. */
interface Run {
  result: Completed | Delegated
  decisions: readonly Decided[]
}

/** Runs the action when the requirements of the task are met, and people have not stopped it. Its deadline counts from then. */
async function runWhenAllowed(
  category: Category,
  task: Task,
  runAction: RunAction,
  context: DurableContext,
  deadline: Deadline,
): Promise<Run> {
  const { requirements, waitAtMost = 0 } = task
  if (task.skip) return notRun(skippedOutcome(task.skip))
  let until = startTimeOf(context) + waitAtMost * 1_000
  const reports = reportsOf(task)
  const [conditions, limits, turns] = [conditionsIn(requirements), limitsIn(requirements), turnsIn(requirements)]
  const asked: AskedPeople = {}
  let approved: ApprovedRequest | undefined
  let decisions: Decided[] = []
  let mayStartAt: number | undefined
  let mayHaveWritten = false
  for (;;) {
    let windows: WindowRequirement[] = []
    let opened: WindowRequirement[] = []
    let raised = new Set<string>()
    if (conditions.length > 0) {
      const met = await meetRequirements(context, category, task, conditions, until, reports, { asked, mayHaveWritten })
      const { metAt } = met
      if (met.decisions.length > 0) decisions = met.decisions
      if (metAt === undefined) return { result: met.ended, decisions }
      approved ??= met.approved
      mayStartAt = metAt
      // People have let the action start in spite of the others.
      windows = conditions.flatMap((condition) =>
        condition.type === 'window' && stateOfWindow(condition.window, metAt).isOpen ? [condition] : [],
      )
      opened = conditions.flatMap((condition) =>
        condition.type === 'window' && !windows.includes(condition) ? [condition] : [],
      )
      raised = new Set(limits.filter((limit) => isApproved(limit, decisions)).map(({ rule }) => rule))
    }
    const awaited = {
      windows,
      limits: limits.filter(({ rule }) => !raised.has(rule)),
      raisedLimits: limits.filter(({ rule }) => raised.has(rule)),
      opened,
      since: startTimeOf(context),
    }
    const mayStart = task.approvalOf ? undefined : startCheckOf(category, task, awaited)
    const run = (at: number | undefined) =>
      runAction(context, at === undefined ? deadline : { ...deadline, at: deadlineOf(task, at, at) }, {
        mayStart,
        approved,
        mayHaveWritten,
        hasTurn: turns.length > 0,
      })
    const isAllowed = (now: number) => windows.every(({ window }) => stateOfWindow(window, now).isOpen)
    const wait = { task, requirements: turns, until, isAllowed, reports }
    const result = turns.length === 0 ? await run(mayStartAt) : await runInTurn(context, wait, run)
    // It takes a new number when the windows are open again.
    if (result === 'closed') continue
    if (result.type !== 'held') return { result, decisions }
    mayHaveWritten = result.mayHaveWritten
    if (!mayStart || result.by === 'closed') continue
    const released = await waitUntilReleased(context, task, mayStart, result, until, reports)
    if (released.type !== 'released') return { result: released, decisions }
    mayStartAt = released.releasedAt
    // A stop does not use up the time in which the task waits for its turn, a limit or people.
    until += released.heldMs
  }
}

/** The limit may also have opened by itself, before all of the people have approved. */
function isApproved({ rule, ask }: LimitRequirement, decisions: readonly Decided[]): boolean {
  const votes = decisions.filter((decided) => decided.rule === rule && decided.decision === 'approve')
  return ask !== undefined && votes.length >= ask.count
}

function notRun(outcome: Outcome): Run {
  return { result: completed(outcome), decisions: [] }
}

function reportsOf(task: Task): Reports {
  return {
    progress: task.progress ? (message) => sendOnce(task, { kind: 'progress', message }) : undefined,
    progressIntervalMs: task.maxProgress && (task.deadline * 1_000) / task.maxProgress,
    heartbeat: task.needsHeartbeat ? () => sendOnce(task, { kind: 'heartbeat' }) : undefined,
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the input was checked by the action's own schema.
type RunApproval = RunApprovalTask<any, any>

async function runTaskAction(
  category: Category,
  task: Task,
  runApproval: RunApproval | undefined,
  context: DurableContext,
  deadline: Deadline,
  options: StartOptions,
): Promise<Completed | Delegated | Held> {
  const action = category.actions[task.action]
  try {
    if (action?.type === 'approval' && runApproval)
      return await runApproval({
        taskId: task.id,
        category: task.category,
        source: task.source,
        connection: task.connection,
        input: task.input,
        deadline,
        context,
        readCanceler: () => cancelerOf(task),
        approvalOf: task.approvalOf,
        start: (input = task.input) =>
          runUntilDeadline(category, { ...task, input }, context, deadline, { approved: options.approved }),
        signedLink: () => signedLink(action, task, deadline.at),
        withClient: (deadlineAt, run) => withClient(category, task, deadlineAt, run),
      })
    const result = await runUntilDeadline(category, task, context, deadline, options)
    if (result.type === 'started')
      return await pollUntilDone(category, task, result, context, deadline, {
        reports: reportsOf(task),
        mayStart: options.mayStart,
      })
    if (result.type !== 'completed' || result.outcome.status === 'succeeded') return result
    return await abandon(category, task, context, result)
  } catch (error) {
    log.error('internal error', error as Error)
    const outcome = redactDeep(errored(error))
    return task.delegates
      ? delegatedWithUnknownOutcome(outcome)
      : await abandon(category, task, context, { ...completed(outcome), mayStillRun: true })
  }
}

/** Cleans up after a start that failed: its request may still have reached the platform. */
async function abandon(category: Category, task: Task, context: DurableContext, result: Completed): Promise<Completed> {
  const { outcome } = result
  const ended = { ...result, mayStillRun: undefined }
  if (category.actions[task.action]?.type !== 'job') return ended
  if (!task.needsCleanup) return result
  const reason = await cleanUp(category, task, context)
  if (reason === undefined) return ended
  const message = `${toSentence(outcome.message)} The cleanup failed, so something may still be running: ${reason}`
  return { ...ended, outcome: { ...outcome, message }, mayStillRun: true }
}

async function runCleanup(category: Category, task: Task, context: DurableContext): Promise<Outcome> {
  const reason = await cleanUp(category, task, context)
  const turns = turnsIn(task.requirements)
  if (turns.length > 0) await leaveTurns(context, task, turns, reason === undefined ? 'ended' : leftBy(task))
  return reason === undefined ? passed('Cleaned up after the task') : errored(new Failure('platform', reason))
}

/** Sends an answer once, without retries: later ones report newer progress. Does not throw. */
async function sendOnce(task: Task, answer: Answer): Promise<void> {
  try {
    await deliver(task, answer)
  } catch (error) {
    log.warn(`${answer.kind} not sent`, error as Error)
  }
}
