import type { DurableContext } from '@aws/durable-execution-sdk-js'
import middy from '@middy/core'
import { executionModeDurableContext } from '@middy/core/DurableContext'
import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { log } from '../../log.ts'
import { finishedReply, startedReply } from '../../orchestrators/keptn/reply.ts'
import { errored } from '../../outcome.ts'
import { clearSecrets, redact } from '../../redact.ts'
import { itemKeys } from '../../state/item-keys.ts'
import { backoffSeconds } from '../backoff.ts'
import { canonical } from '../identity.ts'
import { sendAnswer } from './answer.ts'
import { CLEANUP_SUFFIX, type TaskPayload, taskPayload } from './payload.ts'

/**
 * What EventBridge sends when Lambda has ended a durable execution.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html
 */
const statusChange = z.object({
  detail: z.object({
    durableExecutionArn: z.string(),
    status: z.enum(['FAILED', 'TIMED_OUT', 'STOPPED']),
    /** By hand, after a finisher that has given up. */
    again: z.optional(z.boolean()),
  }),
})
type Status = z.output<typeof statusChange>['detail']['status']

/** What an ended execution leaves to be done. */
interface Found {
  task: TaskPayload
  /** Which of its events are known to have gone out. */
  sent: { started: boolean; finished: boolean }
  /** Whether it was ended in the middle of sending one. */
  sending: boolean
  /** Whether its action may have begun something. */
  acted: boolean
  /** Whether the platform has taken what was handed over to it, or may have. */
  handedOver: boolean
  error: string | undefined
}

/**
 * The finisher: answers for a task that Lambda itself failed, timed out or stopped, since such a task can not do it any
 * more. It looks in the history of the task's execution which events went out, and sends what is missing; an event that may
 * have gone out is read back first.
 *
 * It is a durable handler itself, so that it goes on trying for a day as a task does.
 */
export function finisherHandler() {
  return middy<unknown, { taskId: string; finished: boolean }, Error, DurableContext>({
    executionMode: executionModeDurableContext,
    timeoutEarlyInMillis: 0,
  }).handler((event, context) => finish(statusChange.parse(event).detail, context))
}

async function finish(
  { durableExecutionArn: arn, status, again = false }: z.output<typeof statusChange>['detail'],
  context: DurableContext,
) {
  clearSecrets()
  context.configureLogger({ customLogger: log, modeAware: true })
  const { task, sent, sending, acted, handedOver, error } = await context.step('look', () => look(arn), {
    retryStrategy: (failure, attempt) => ({
      shouldRetry: attempt < 100,
      delay: { seconds: backoffSeconds(failure, attempt, 2, 300) },
    }),
  })
  const { taskId, category, orchestrator, event } = task
  const { action, connection, provider } = task
  log.appendKeys({ taskId, action, connection, provider, keptnContext: event.shkeptncontext, lambdaStatus: status })
  // One that only ends what another has begun has nobody to answer.
  if (sent.finished || handedOver || task.only) return { taskId, finished: false }
  if (!(await claimed(arn, context, again))) {
    context.logger.info('another finisher answers for this task')
    return { taskId, finished: false }
  }
  // The last request of the task, or of the finisher before this one, may still be in flight. Until Keptn has recorded
  // its event, reading it back finds nothing.
  if (sending || again) await context.wait('last-request', { seconds: 60 })
  log.error('a task was ended by Lambda, and is finished in its stead', { reason: error })
  if (task.sendStarted && !sent.started) {
    await sendAnswer(context, 'send-started', orchestrator, startedReply(event, category), { doubtful: true })
  }
  const done =
    task.needsCleanup && acted ? await endWhatItBegan(arn, task, context) : 'Look at the platform for what it had done.'
  const outcome = errored(new Failure('unavailable', `${reasons[status]}${error ? ` (${error})` : ''}. ${done}`))
  await sendAnswer(context, 'send-finished', orchestrator, finishedReply(event, category, outcome, task.labels), {
    doubtful: true,
  })
  context.logger.info('task ended', {
    outcome: { status: outcome.status, result: outcome.result },
    detail: outcome.message,
  })
  return { taskId, finished: true }
}

/**
 * EventBridge may tell of an end twice. Where the table can not be used, the task is answered all the same: Keptn ignores a second
 * `finished`, and waits for ever for none.
 */
async function claimed(arn: string, context: DurableContext, again: boolean): Promise<boolean> {
  const { durableExecutionArn: me } = context.executionContext
  return context.step(
    'claim',
    async ({ attempt }) => {
      try {
        const { claim } = await import('../../state/claim.ts')
        return await claim(itemKeys.finisher(arn), me, again)
      } catch (failure) {
        if (attempt < mostClaims) throw failure
        log.error('whether another finisher is at work is not known', failure as Error)
        return true
      }
    },
    {
      retryStrategy: (failure, attempt) => ({
        shouldRetry: attempt < mostClaims,
        delay: { seconds: backoffSeconds(failure, attempt, 1, 60) },
      }),
    },
  )
}

const mostClaims = 10

const reasons: Record<Status, string> = {
  FAILED: 'The task failed in itself',
  TIMED_OUT: 'The task ran longer than a task may',
  STOPPED: 'The task was stopped by an operator',
}

/** Has a task of its own for that: what it takes is known to the task's category, not to the finisher. */
async function endWhatItBegan(arn: string, task: TaskPayload, context: DurableContext): Promise<string> {
  const started = await context.step(
    'take-back',
    async ({ attempt }) => {
      try {
        await startTakeBack(arn, task)
        return true
      } catch (failure) {
        if (attempt < mostStarts) throw failure
        log.error('nothing ends what the task had begun', failure as Error)
        return false
      }
    },
    {
      retryStrategy: (failure, attempt) => ({
        shouldRetry: attempt < mostStarts,
        delay: { seconds: backoffSeconds(failure, attempt, 1, 30) },
      }),
    },
  )
  return started ? 'What it had begun is being ended.' : 'What it had begun goes on: end it at the platform.'
}

/** Whoever waits for the finished event waits for this, too. */
const mostStarts = 8

/** On the version that the task ran on, whose payload it takes. */
async function startTakeBack(arn: string, task: TaskPayload): Promise<void> {
  const { InvokeCommand, lambda } = await import('../../aws/lambda.ts')
  const only: TaskPayload = { ...task, only: 'take-back' }
  try {
    await lambda.send(
      new InvokeCommand({
        FunctionName: arn.split('/durable-execution')[0],
        InvocationType: 'Event',
        DurableExecutionName: `${task.taskId}${CLEANUP_SUFFIX}`,
        Payload: canonical(only),
      }),
    )
  } catch (error) {
    if ((error as Error).name !== 'DurableExecutionAlreadyStartedException') throw error
  }
}

/** Reads the task and its history from Lambda. */
async function look(arn: string): Promise<Found> {
  const {
    GetDurableExecutionCommand,
    lambda: client,
    paginateGetDurableExecutionHistory,
  } = await import('../../aws/lambda.ts')
  const { InputPayload, Error: ended } = await client.send(new GetDurableExecutionCommand({ DurableExecutionArn: arn }))
  const [begun, sent] = [new Set<string | undefined>(), new Set<string | undefined>()]
  const open = new Map<string | undefined, string | undefined>()
  let taken = false
  const query = { DurableExecutionArn: arn, IncludeExecutionData: true }
  for await (const { Events = [] } of paginateGetDurableExecutionHistory({ client }, query)) {
    for (const { EventType, Id, Name, StepSucceededDetails } of Events) {
      if (EventType === 'StepStarted') {
        begun.add(Name)
        open.set(Id, Name)
      }
      if (EventType !== 'StepSucceeded') continue
      const payload = StepSucceededDetails?.Result?.Payload
      open.delete(Id)
      // A step that found the deadline past succeeds too, but answers that it sent nothing.
      if (payload !== 'false') sent.add(Name)
      taken ||= payload?.includes('"delegatedTo"') ?? false
    }
  }
  const steps = ['send-started', 'send-started-late', 'send-finished']
  const task = taskPayload.parse(JSON.parse(InputPayload ?? '{}'))
  return {
    task,
    sent: { started: sent.has('send-started') || sent.has('send-started-late'), finished: sent.has('send-finished') },
    sending: steps.some((step) => begun.has(step) && !sent.has(step)),
    acted: begun.has(task.action),
    handedOver: task.delegates === true && (taken || [...open.values()].includes(task.action)),
    error: ended?.ErrorMessage === undefined ? undefined : redact(ended.ErrorMessage).slice(0, 500),
  }
}
