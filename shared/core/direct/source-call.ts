import type { Context } from 'aws-lambda'
import * as z from 'zod/mini'
import { callerOfSource } from '../../auth/source-caller.ts'
import { Failure, type FailureKind } from '../../errors.ts'
import { optional } from '../../fields.ts'
import { log } from '../../log.ts'
import type { Category } from '../../providers/category.ts'
import { clearSecrets } from '../../redact.ts'
import { validate } from '../../validate.ts'
import { logCause } from '../log-cause.ts'
import { readTaskStatus } from '../task/status.ts'
import type { TaskStatus } from '../task/task-status.ts'
import type { auditDirectCall } from './handler.ts'
import { describeError } from './read-direct-call.ts'

/** An interactive call of a rule, or a request for the status of its task. */
const payload = z.union([
  z.strictObject({ source: z.string(), taskId: z.string() }),
  z.strictObject({
    source: z.string(),
    action: z.string(),
    id: z.string(),
    connection: optional(z.string()),
    input: z.record(z.string(), z.unknown()),
  }),
])

export type SourceCall = z.output<typeof payload>

/** The result of a call of a source. A refusal is a value, because the error of an invocation has no retry time. */
export type SourceResult = { taskId: string } | { status: TaskStatus } | { refusal: SourceRefusal }

export interface SourceRefusal {
  message: string
  /** The same call may succeed later, or may have been accepted. */
  isTransient: boolean
  /** Seconds until the next attempt. */
  retryAfter?: number | undefined
}

/**
 * Handles an invocation by the function for alerts. It can only act as a source, with the limits in the secret of the source.
 *
 * @param sent untrusted
 * @param makeCall not imported, because the bundler would move it out of the file that each webhook loads
 */
export async function handleSourceCall(
  category: Category,
  sent: unknown,
  context: Context,
  makeCall: typeof auditDirectCall,
): Promise<SourceResult> {
  try {
    const { source, ...call } = validate(payload, sent, { what: 'The payload' })
    const readCaller = () => callerOfSource(source)
    if ('taskId' in call) {
      clearSecrets()
      return { status: await readTaskStatus(category.name, call.taskId, await readCaller(), 0) }
    }
    const started = await makeCall(category, { ...call, mode: 'interactive' }, context, readCaller)
    if ('taskId' in started) return { taskId: started.taskId }
    throw new Error('An interactive call returned no task.')
  } catch (error) {
    return { refusal: refusalOf(error) }
  } finally {
    log.resetKeys()
  }
}

/** Kinds that pass by themselves. A person who calls should not repeat them at once, a queue can. */
const PASSING: readonly FailureKind[] = ['limited', 'running', 'deadline', 'unconfirmed', 'stopped']

function refusalOf(error: unknown): SourceRefusal {
  const { message } = describeError(error)
  if (error instanceof Failure) {
    const isTransient = error.transient || error.mayHaveWritten || PASSING.includes(error.kind)
    return { message, isTransient, retryAfter: error.retryAfter }
  }
  logCause(error)
  return { message, isTransient: true }
}
