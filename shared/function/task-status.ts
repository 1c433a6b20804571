import { Failure } from '../errors.ts'
import type { Outcome } from '../outcome.ts'
import { settings } from '../settings.ts'

/** The state of a task, for callers that poll. */
export interface TaskStatus {
  taskId: string
  /** `failed`: Lambda ended it, and the finisher answers in its stead. */
  state: 'running' | 'finished' | 'failed'
  acceptedAt: string | undefined
  endedAt?: string
  outcome?: Outcome
}

/**
 * Looks a task up by its id.
 *
 * @throws Failure `unknown`, `unavailable`
 */
export async function readTaskStatus(taskId: string): Promise<TaskStatus> {
  if (!/^[0-9a-f]{40}$/.test(taskId)) throw unknownTask(taskId)
  const { GetDurableExecutionCommand, lambda } = await import('../aws/lambda.ts')
  try {
    const arn = await findExecution(taskId)
    if (arn === undefined) throw unknownTask(taskId)
    const execution = await lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn: arn }))
    const result =
      execution.Status === 'SUCCEEDED' && execution.Result
        ? (JSON.parse(execution.Result) as { outcome: Outcome })
        : undefined
    return {
      taskId,
      state: execution.Status === 'RUNNING' ? 'running' : result ? 'finished' : 'failed',
      acceptedAt: execution.StartTimestamp?.toISOString(),
      ...(execution.EndTimestamp ? { endedAt: execution.EndTimestamp.toISOString() } : {}),
      ...(result ? { outcome: result.outcome } : {}),
    }
  } catch (error) {
    if (error instanceof Failure) throw error
    throw new Failure('unavailable', 'The state of the task can not be read now: ask again.', {
      retryAfter: 5,
      cause: error,
    })
  }
}

/**
 * The ARN of a task's execution, if it was ever started.
 *
 * @param abortSignal gives up on it
 * @throws the SDK's own error
 */
export async function findExecution(taskId: string, abortSignal?: AbortSignal): Promise<string | undefined> {
  const { lambda, ListDurableExecutionsByFunctionCommand } = await import('../aws/lambda.ts')
  const { DurableExecutions: [found] = [] } = await lambda.send(
    new ListDurableExecutionsByFunctionCommand({
      // Without the alias: an execution belongs to the version that it was started on, and a name is looked up over all.
      FunctionName: settings.taskFunction.replace(/:[^:]+$/, ''),
      DurableExecutionName: taskId,
      MaxItems: 1,
    }),
    abortSignal && { abortSignal },
  )
  return found?.DurableExecutionArn
}

function unknownTask(taskId: string): Failure {
  return new Failure(
    'unknown',
    `There is no task "${taskId.slice(0, 64)}" here; it may have been forgotten after its retention.`,
  )
}
