import { Failure } from '../../errors.ts'
import { log } from '../../log.ts'
import { loadOrchestrator } from '../../orchestrators/orchestrator.ts'
import { settings } from '../../settings.ts'
import { sleep } from '../../sleep.ts'
import { itemKeys } from '../../state/item-keys.ts'
import type { Call } from '../http/parse.ts'
import { canonical } from '../identity.ts'
import { findExecution } from './execution.ts'
import type { TaskPayload } from './payload.ts'

/** What each call to AWS may take at most, in milliseconds. */
const longestStart = 8_000
const longestLookUp = 5_000
const longestNote = 2_000
/** With less left than this nothing is started. */
const leastTime = 2_000
/** How often a start is sent whose answer is lost, each after a longer pause, in milliseconds. */
const mostStarts = 3
const pause = 500
/** How long after its deadline a task is known here, in seconds: as long as Lambda knows its execution. */
const remembered = 14 * 86_400

/** An execution that runs, or has run, under the name of the task. */
interface StartedExecution {
  /** Undefined only if Lambda did not say it. */
  arn: string | undefined
}

/**
 * Starts the task of an interactive call. Once it is started, exactly one `finished` follows.
 *
 * @param timeLeft until Lambda ends the webhook, in milliseconds
 * @returns whether this call had been accepted before; then nothing was started
 * @throws Failure `misconfigured` (nowhere to answer to), `unavailable`: then no event ever follows
 */
export async function startTask(
  category: string,
  call: Call,
  timeLeft: () => number,
): Promise<{ taskId: string; duplicate: boolean }> {
  const { caller, task, request, options } = call
  if (!task || !request.idempotencyKey) throw new Error('Only an interactive call starts a task.')
  if (!caller.orchestrator) {
    throw new Failure(
      'misconfigured',
      `The caller ${caller.name} has no orchestrator, so its calls can not be answered: add one to the secret callers, or call with mode=silent.`,
    )
  }
  await loadOrchestrator(caller.orchestrator)
  const payload: TaskPayload = {
    version: 1,
    taskId: request.idempotencyKey,
    category,
    caller: caller.name,
    orchestrator: caller.orchestrator,
    event: task,
    action: request.action,
    connection: request.connection,
    provider: call.provider,
    ...(request.mappedName === undefined ? {} : { mappedName: request.mappedName }),
    input: request.input,
    ...(request.notes && !call.skip ? { notes: request.notes } : {}),
    sendStarted: options.sendStarted,
    labels: options.labels,
    deadline: call.deadline,
    dryRun: request.dryRun,
    ...(options.progress ? { progress: true } : {}),
    ...(call.skip ? { skip: call.skip.message } : {}),
    ...(call.skip?.result === 'fail' ? { skipResult: 'fail' } : {}),
    ...(request.apiUrl === undefined ? {} : { apiUrl: request.apiUrl }),
    ...(request.lastRunKey === undefined ? {} : { lastRunKey: request.lastRunKey }),
    ...(request.needsCleanup ? { needsCleanup: true } : {}),
    ...(request.delegates ? { delegates: true } : {}),
  }
  if (timeLeft() < leastTime) {
    throw new Failure(
      'unavailable',
      'There is too little time left to start a task: no event will follow, send the call again.',
      {
        retryAfter: 5,
      },
    )
  }
  const started = await invoke(request.idempotencyKey, canonical(payload), timeLeft)
  return { taskId: request.idempotencyKey, duplicate: !started || !(await isFirst(payload, started.arn, timeLeft)) }
}

/**
 * Lambda starts one durable execution per name: the same name and payload again is the same execution.
 *
 * @returns undefined if another payload has taken the name: the id is the identity, so that is a repeat too
 */
async function invoke(name: string, payload: string, timeLeft: () => number): Promise<StartedExecution | undefined> {
  const { InvokeCommand, lambda } = await import('../../aws/lambda.ts')
  for (let attempt = 1, inDoubt = false; ; attempt++) {
    try {
      const { DurableExecutionArn: arn } = await lambda.send(
        new InvokeCommand({
          FunctionName: settings.taskFunction,
          InvocationType: 'Event',
          DurableExecutionName: name,
          Payload: payload,
        }),
        { abortSignal: inTime(longestStart, timeLeft) },
      )
      return { arn }
    } catch (error) {
      if ((error as Error).name === 'DurableExecutionAlreadyStartedException') return undefined
      const { httpStatusCode: status, attempts = 1 } = metadataOf(error)
      const isUnanswered = status === undefined || status >= 500
      // Of several attempts of the client only the last one is seen, and an earlier one may have got through.
      inDoubt ||= isUnanswered || attempts > 1
      // It may get through only after a look-up, so none could tell that it has not. Sent again, it is the same start.
      if (isUnanswered && attempt < mostStarts && timeLeft() > 2 * leastTime) {
        log.warn('it is in doubt whether the task was started: starting it again', error as Error)
        await sleep(pause * attempt)
        continue
      }
      const arn = inDoubt ? await arnIfStarted(name, timeLeft) : undefined
      if (arn !== undefined) return { arn }
      log.error('the task could not be started', error as Error)
      throw new Failure('unavailable', 'The task could not be started, so no event will follow: send the call again.', {
        retryAfter: 5,
        cause: error,
      })
    }
  }
}

/** The answer must be out before Lambda ends us, since it is what we promise: half of what is left is for what follows. */
function inTime(longest: number, timeLeft: () => number): AbortSignal {
  return AbortSignal.timeout(Math.max(1, Math.min(longest, Math.floor(timeLeft() / 2))))
}

/** What the SDK says of the answer; nothing where there was none. */
function metadataOf(error: unknown): { httpStatusCode?: number; attempts?: number } {
  return (error as { $metadata?: { httpStatusCode?: number; attempts?: number } }).$metadata ?? {}
}

/** Our word that no event will follow must hold, so a start in doubt is looked up. */
async function arnIfStarted(name: string, timeLeft: () => number): Promise<string | undefined> {
  try {
    return await findExecution(name, inTime(longestLookUp, timeLeft))
  } catch (error) {
    // Then we say no: should it run all the same, its finished event comes after the end, and Keptn ignores it.
    log.error('it is in doubt whether the task was started', error as Error)
    return undefined
  }
}

/**
 * Lambda does not say whether it started an execution or found it: the first call that notes the execution here is the first
 * one. If the table cannot tell, the call is reported as new, because this changes nothing but the word in the answer. The ARN
 * is kept for those who ask for the state of the task.
 */
async function isFirst(
  { category, taskId, deadline }: TaskPayload,
  arn: string | undefined,
  timeLeft: () => number,
): Promise<boolean> {
  const { dynamodb, PutItemCommand } = await import('../../aws/dynamodb.ts')
  try {
    await dynamodb.send(
      new PutItemCommand({
        TableName: settings.idempotencyTable,
        Item: {
          id: { S: itemKeys.task(category, taskId) },
          expiration: { N: String(Math.floor(Date.now() / 1_000) + deadline + remembered) },
          ...(arn === undefined ? {} : { arn: { S: arn } }),
        },
        // Another ARN: Lambda has forgotten that execution, and has started this one.
        ConditionExpression: `attribute_not_exists(id)${arn === undefined ? '' : ' OR arn <> :arn'}`,
        ...(arn === undefined ? {} : { ExpressionAttributeValues: { ':arn': { S: arn } } }),
      }),
      { abortSignal: inTime(longestNote, timeLeft) },
    )
    return true
  } catch (error) {
    if ((error as Error).name === 'ConditionalCheckFailedException') return false
    log.warn('the task is started, but was not noted', error as Error)
    return true
  }
}
