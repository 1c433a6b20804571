import { type DurableContext, type DurableLambdaHandler, withDurableExecution } from '@aws/durable-execution-sdk-js'
import * as z from 'zod/mini'
import { auditedDecisions, type Decided, withDecisions } from '../../approvals/request/decided.ts'
import { audit, auditedTask } from '../../audit.ts'
import { getExecution, historyOf, startExecution } from '../../aws/lambda.ts'
import { Failure } from '../../errors.ts'
import { log } from '../../log.ts'
import { errored, verdictOf } from '../../outcome.ts'
import type { TurnTicket } from '../../policy/turns.ts'
import { clearSecrets, redact } from '../../redact.ts'
import { settings } from '../../settings.ts'
import { ITS_TASK } from '../../state/approval-decision.ts'
import { itemKeys } from '../../state/item-keys.ts'
import { setTraceparent } from '../../traceparent.ts'
import { stepSpans } from '../../tracing.ts'
import { sendAuditEventOf } from '../audit-event.ts'
import { IN_FLIGHT_SECONDS } from '../backoff.ts'
import { CLEANUP_SUFFIX, type Task } from '../call.ts'
import { retriedStep } from '../retried-step.ts'
import { taskSchema } from '../task-schema.ts'
import { sendAnswer, sendFinished, sendToObservers } from './answer.ts'
import { leaveTurns, leftBy } from './leave-turns.ts'
import { NOT_SEALED, payloadOf } from './payload.ts'
import { type Operation, parseResult, policyProgressIn } from './policy-progress.ts'
import {
  ACCEPT_INVOCATION,
  isPolicyStep,
  isSendStarted,
  SEND_FINISHED,
  START,
  TURN_NUMBER,
  WAIT_FOR_PAUSE,
} from './steps.ts'

/**
 * EventBridge's event for an execution that Lambda ended.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html
 */
const statusChange = z.object({
  detail: z.object({
    durableExecutionArn: z.string(),
    status: z.enum(['FAILED', 'TIMED_OUT', 'STOPPED']),
    /** Set by an operator who runs the finisher again. */
    again: z.optional(z.boolean()),
  }),
})
type StatusChange = z.output<typeof statusChange>['detail']

/** The result of reading the history of an ended execution. */
interface EndedExecution {
  /** Undefined if another durable function invoked the task, and its call was not accepted. */
  task: Task | undefined
  /** In epoch milliseconds. */
  startedAt?: number | undefined
  hasSentStarted: boolean
  hasSentFinished: boolean
  /** Ended while it was sending an event. */
  wasSending: boolean
  /** The engine had paused for the result. Missing in steps of earlier versions. */
  hasPaused?: boolean
  hasStartedAction: boolean
  /** The last number of each turn that it has taken, or waited for. */
  tickets: TurnTicket[]
  /** When the task gives up waiting for people, in epoch milliseconds. Undefined if it has asked no one. */
  asksUntil: number | undefined
  /** The same for each requirement, by its number: a stop makes it later. Missing in steps of earlier versions. */
  asks?: Record<number, number>
  /** The decisions of people before the start. Missing in steps of earlier versions. */
  decisions?: Decided[] | undefined
  /** The platform has accepted, or may have accepted, a job whose finished event it sends itself. */
  mayBeDelegated: boolean
  error: string | undefined
}

const MAX_READ_ATTEMPTS = 100
const MAX_CLAIM_ATTEMPTS = 10
/** The orchestrator waits for the finished event, so this must not take long. */
const MAX_CLEANUP_START_ATTEMPTS = 8

/**
 * The finisher answers for a task that Lambda failed, timed out or stopped, because such a task can no longer answer. It
 * reads in the execution's history which events were sent, and sends the missing ones. Before it sends an event that may have
 * been sent, it reads it back from the orchestrator.
 *
 * It is a durable handler itself, so that it can retry for a day, like a task.
 *
 * @example export const handler = finisherHandler()
 */
export function finisherHandler(): DurableLambdaHandler {
  return withDurableExecution(async (event: unknown, context) => finish(statusChange.parse(event).detail, context), {
    plugins: settings.isTraced ? [stepSpans] : [],
  })
}

async function finish({ durableExecutionArn: arn, status, again = false }: StatusChange, context: DurableContext) {
  clearSecrets()
  setTraceparent(undefined)
  context.configureLogger({ customLogger: log, modeAware: true })
  const execution = await retriedStep(context, 'read-execution', () => readEndedExecution(arn), {
    maxAttempts: MAX_READ_ATTEMPTS,
    backoff: { min: 2, max: 300 },
  })
  const { task, error } = execution
  if (task === undefined) return { taskId: undefined, finished: false }
  const { id: taskId, event, action, connection, provider } = task
  setTraceparent(task.traceparent)
  log.appendKeys({ taskId, action, connection, provider, context: event.context, lambdaStatus: status })
  if (error?.includes(NOT_SEALED)) {
    context.logger.error('execution refused', { reason: error })
    return { taskId, finished: false }
  }
  // A cleanup has no orchestrator to answer.
  if (execution.hasSentFinished || execution.mayBeDelegated || task.only) return { taskId, finished: false }
  if (!(await claimTask(arn, context, again))) {
    context.logger.info('another finisher answers for this task')
    return { taskId, finished: false }
  }
  // A cleanup gives up the turns at its end.
  const cleansUp = task.needsCleanup && execution.hasStartedAction
  if (!cleansUp && execution.tickets.length > 0) await releaseTurns(task, execution, context)
  // Until the orchestrator has recorded the last answer of the task, or of an earlier finisher, reading it back finds nothing.
  if (execution.wasSending || again) await context.wait('in-flight-grace', { seconds: IN_FLIGHT_SECONDS })
  log.error('task ended by Lambda', { reason: error })
  const at = task.isDetailed ? await context.step('end-time', async () => Date.now()) : undefined
  if (task.sendStarted && !execution.hasSentStarted)
    await sendAnswer(context, 'send-started', task, { kind: 'started', at }, { mayBeSent: true })
  const nextStep = cleansUp ? await startCleanup(arn, task, context) : 'Check the platform for the effects of the task.'
  const { decisions = [] } = execution
  const reason = `${REASONS[status]}${error ? ` (${error})` : ''}. ${nextStep}`
  const outcome = withDecisions(errored(new Failure('unavailable', reason)), decisions)
  await sendToObservers(context, task, outcome, at)
  const { hasPaused } = execution
  await sendFinished(context, task, { kind: 'finished', outcome, at }, { mayBeSent: true, hasPaused })
  if (task.approvalOf || execution.asksUntil) await endApprovals(context, task, execution, REASONS[status])
  audit.start({
    operation: 'task',
    ...auditedTask(task),
    decisions: auditedDecisions(decisions),
    outcome: verdictOf(outcome),
  })
  const record = audit.write(execution.startedAt === undefined ? undefined : Date.now() - execution.startedAt)
  context.logger.info('task ended', {
    outcome: { status: outcome.status, result: outcome.result },
    reason: outcome.message,
  })
  await sendAuditEventOf(task, record, context)
  return { taskId, finished: true }
}

const REASONS: Record<StatusChange['status'], string> = {
  FAILED: 'The execution of the task failed',
  TIMED_OUT: 'The task ran longer than its maximum time',
  STOPPED: 'An operator stopped the task',
}

/**
 * Claims the task, because EventBridge may deliver an event twice. If the table is not available, the task is answered
 * anyway: an orchestrator can ignore a second answer, but waits forever for a missing one.
 */
async function claimTask(arn: string, context: DurableContext, again: boolean): Promise<boolean> {
  const { durableExecutionArn: owner } = context.executionContext
  return retriedStep(
    context,
    'claim',
    async () => {
      const { claim } = await import('../../state/claim.ts')
      return claim(itemKeys.finisher(arn), owner, again)
    },
    {
      maxAttempts: MAX_CLAIM_ATTEMPTS,
      backoff: { min: 1, max: 60 },
      giveUp(error) {
        log.error('task not claimed: another finisher may answer for it, too', error as Error)
        return true
      },
    },
  )
}

/**
 * Starts an execution of the task's function that only cleans up: the finisher does not know the category's actions.
 *
 * @returns the sentence for the message of the outcome
 */
async function startCleanup(arn: string, task: Task, context: DurableContext): Promise<string> {
  const isStarted = await retriedStep(
    context,
    'start-cleanup',
    async () => {
      await invokeCleanup(arn, task)
      return true
    },
    {
      maxAttempts: MAX_CLEANUP_START_ATTEMPTS,
      backoff: { min: 1, max: 30 },
      giveUp(error) {
        log.error('cleanup not started', error as Error)
        return false
      },
    },
  )
  return isStarted
    ? 'A cleanup stops the job that the task had started.'
    : 'The job that the task had started may still be running: stop it at the platform.'
}

/** Gives up the turns of a task, and its place in a queue. */
async function releaseTurns(
  task: Task,
  { tickets, hasStartedAction }: EndedExecution,
  context: DurableContext,
): Promise<void> {
  await leaveTurns(context, task, tickets, hasStartedAction ? leftBy(task) : 'waited')
}

/** Invokes the version that the task ran on, because it accepts the task's payload. */
async function invokeCleanup(arn: string, task: Task): Promise<void> {
  const cleanup: Task = { ...task, only: 'cleanup' }
  try {
    await startExecution({
      functionName: arn.split('/durable-execution')[0] ?? arn,
      executionName: `${task.id}${CLEANUP_SUFFIX}`,
      payload: await payloadOf(cleanup),
    })
  } catch (error) {
    if ((error as Error).name !== 'DurableExecutionAlreadyStartedException') throw error
  }
}

/**
 * Ends the approvals that a task was waiting for, or notifies the task that was waiting for this one. Gives up after some hours: the
 * decisions have no effect, and the other task ends at its own time.
 */
async function endApprovals(
  context: DurableContext,
  task: Task,
  { asksUntil = 0, asks = {} }: EndedExecution,
  reason: string,
): Promise<void> {
  await retriedStep<null>(
    context,
    'end-approvals',
    async () => {
      const { endApprovals: end, failApproval } = await import('../../approvals/request/end.ts')
      if (task.approvalOf) {
        await failApproval(task.id, task.approvalOf, reason)
        return null
      }
      const { askingTasksOf } = await import('./ask.ts')
      const decision = { decision: 'cancel', by: ITS_TASK, reason, at: new Date().toISOString() } as const
      const asking = await askingTasksOf(task)
      await end(
        asking.map(({ id, number }) => ({ id, until: asks[number] ?? asksUntil })),
        decision,
      )
      return null
    },
    { maxAttempts: MAX_READ_ATTEMPTS, backoff: { min: 1, max: 300 }, giveUp: () => null },
  )
}

/** Reads the task and its history from Lambda. */
async function readEndedExecution(arn: string): Promise<EndedExecution> {
  const { InputPayload, Error: error, StartTimestamp } = await getExecution(arn)
  const started = new Set<string | undefined>()
  const succeeded = new Set<string | undefined>()
  const open = new Map<string | undefined, string | undefined>()
  /** Attempts that may have written. */
  const starts = new Set<string | undefined>()
  let isDelegated = false
  let isHeldAndMayHaveWritten = false
  let accepted: string | undefined
  const tickets = new Map<string, TurnTicket>()
  const asks: Record<number, number> = {}
  const policySteps: Operation[] = []
  for await (const { EventType, EventTimestamp, Id, Name, StepSucceededDetails } of historyOf(arn)) {
    if (EventType === 'StepStarted') {
      started.add(Name)
      open.set(Id, Name)
      if (Name === START) starts.add(Id)
    }
    if (EventType !== 'StepSucceeded') continue
    const payload = StepSucceededDetails?.Result?.Payload
    open.delete(Id)
    if (Name === START) isHeldAndMayHaveWritten = payload?.startsWith('{"type":"held","mayHaveWritten":true') ?? false
    if (Name === START && hasWrittenNothing(payload)) starts.delete(Id)
    // A send step that finds the deadline passed returns false: it sent nothing.
    if (payload !== 'false') succeeded.add(Name)
    if (Name === ACCEPT_INVOCATION) accepted = payload
    if (Name === TURN_NUMBER) {
      const ticket: TurnTicket = JSON.parse(payload ?? '')
      tickets.set(ticket.key, ticket)
    }
    if (isPolicyStep(Name)) {
      Object.assign(asks, asksIn(payload))
      policySteps.push({ name: Name, result: payload, startedAt: EventTimestamp?.getTime() ?? 0 })
    }
    isDelegated ||= payload?.includes('"delegatedTo"') ?? false
  }
  const task = taskIn(JSON.parse(InputPayload ?? '{}'), accepted)
  return {
    task,
    startedAt: StartTimestamp?.getTime(),
    hasSentStarted: [...succeeded].some(isSendStarted),
    hasSentFinished: succeeded.has(SEND_FINISHED),
    wasSending: [...started].some((step) => (isSendStarted(step) || step === SEND_FINISHED) && !succeeded.has(step)),
    hasPaused: succeeded.has(WAIT_FOR_PAUSE),
    hasStartedAction: starts.size > 0,
    tickets: [...tickets.values()],
    asksUntil: Object.values(asks)[0],
    asks,
    decisions: policyProgressIn(policySteps).decisions,
    mayBeDelegated:
      task?.delegates === true && (isDelegated || [...open.values()].includes(START) || isHeldAndMayHaveWritten),
    error: error?.ErrorMessage === undefined ? undefined : redact(error.ErrorMessage).slice(0, 500),
  }
}

/** Whether an attempt has ended without a write: the next one comes later. */
function hasWrittenNothing(payload = ''): boolean {
  return /^\{"type":"(?:retry|held","mayHaveWritten":false)/.test(payload)
}

/**
 * Returns the deadline of each approval that a step requests, by the number of the requirement. Lambda truncates long payloads, so this
 * reads the text instead of parsing JSON.
 */
function asksIn(payload = ''): Record<number, number> {
  const [, numbers, until] = /"toAsk":\[([\d,]+)\],"asksUntil":(\d+)/.exec(payload) ?? []
  return Object.fromEntries(numbers?.split(',').map((number) => [number, Number(until)]) ?? [])
}

/**
 * Returns the record of the call.
 *
 * @param accepted the result of the step that accepts the call of another durable function
 */
function taskIn(payload: object, accepted: string | undefined): Task | undefined {
  if ('version' in payload) return taskSchema.parse(payload)
  const { task } = parseResult(accepted)
  return task === undefined ? undefined : taskSchema.parse(task)
}
