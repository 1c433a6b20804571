import { createHash } from 'node:crypto'
import { type DurableContext, DurableOperationError } from '@aws/durable-execution-sdk-js'
import { audit, auditedCall } from '../../audit.ts'
import { Failure, invalidInput, isTransient } from '../../errors.ts'
import { log } from '../../log.ts'
import type { Category } from '../../providers/category.ts'
import { clearSecrets } from '../../redact.ts'
import { setTraceparent } from '../../traceparent.ts'
import { sendAuditEvent } from '../audit-event.ts'
import { type Task, taskOf } from '../call.ts'
import { type DirectCall, describeError, readDirectCall } from '../direct/read-direct-call.ts'
import { retriedStep } from '../retried-step.ts'
import { taskSchema } from '../task-schema.ts'

const MAX_ATTEMPTS = 8

/** Fields of direct calls that an invocation of a task cannot have, and why. */
const UNSUPPORTED = {
  id: 'each invocation is a separate call, and the invoking function makes it once',
  key: 'each invocation is a separate call, and the invoking function makes it once',
  mode: 'the invocation waits for the outcome',
  taskToken: 'the invocation waits for the outcome',
}

/** A call that was not accepted. The SDK passes only `errorData` and the message to the invoking function. */
class InvocationError extends DurableOperationError {
  readonly errorType: string

  constructor({ name, message }: { name: string; message: string }) {
    super(message, undefined, name)
    this.name = name
    this.errorType = name
  }
}

/**
 * Accepts a call of another durable function, as a step, so that a replay continues the call that was accepted. The result
 * of the execution is the answer: no orchestrator gets one.
 *
 * @throws InvocationError
 */
export async function acceptInvocation(
  category: Category,
  payload: DirectCall,
  context: DurableContext,
): Promise<Task> {
  const { durableExecutionArn: arn } = context.executionContext
  clearSecrets()
  setTraceparent(undefined)
  context.configureLogger({ customLogger: log, modeAware: true })
  const accepted = await retriedStep<{ task: Task } | { error: { name: string; message: string } }>(
    context,
    'accept-invocation',
    async () => ({ task: await readInvocation(category, payload, arn) }),
    {
      maxAttempts: MAX_ATTEMPTS,
      backoff: { min: 1, max: 60 },
      isRetryable: isTransient,
      giveUp(error) {
        if (!(error instanceof Failure)) log.error('internal error', error as Error)
        return { error: describeError(error) }
      },
    },
  )
  if ('error' in accepted) throw new InvocationError(accepted.error)
  return taskSchema.parse(accepted.task)
}

async function readInvocation(category: Category, payload: DirectCall, arn: string): Promise<Task> {
  for (const [field, reason] of Object.entries(UNSUPPORTED))
    if (payload[field] !== undefined) throw invalidInput(field, `must be omitted: ${reason}`)
  // An ARN may be longer than an id.
  const id = createHash('sha256').update(arn).digest('hex')
  const call = await readDirectCall(category, { ...payload, id, mode: 'interactive' }, { hasOrchestrator: false })
  // Each invocation is a call of its own, and none is a repeat.
  if (call.refusal) {
    audit.start({ operation: 'call', ...auditedCall(call) })
    await sendAuditEvent(audit.write(undefined, call.refusal))
    throw call.refusal
  }
  return taskOf(call)
}
