import type { DurableContext, DurableLambdaHandler } from '@aws/durable-execution-sdk-js'
import type { Context } from 'aws-lambda'

interface Start {
  /** In epoch milliseconds. */
  time: number
  /** Whether the execution has no operations yet. */
  isNew: boolean
  /** The name of the first operation. */
  firstOperation: string | undefined
}

/** By the context of the invocation. */
const starts = new WeakMap<Context, Start>()

/**
 * Lets `startTimeOf` return when the execution was started. Lambda passes the time in each invocation, so that it needs no
 * durable step, which would be billed. The SDK does not pass it on.
 */
export function withStartTime(handler: DurableLambdaHandler): DurableLambdaHandler {
  return (event, context) => {
    const [execution, ...operations] = event.InitialExecutionState.Operations
    const startTime = new Date(execution?.StartTimestamp ?? Number.NaN).getTime()
    if (Number.isNaN(startTime)) throw new Error('Lambda does not report when the execution was started.')
    starts.set(context, { time: startTime, isNew: operations.length === 0, firstOperation: operations[0]?.Name })
    return handler(event, context)
  }
}

/** Returns when the execution was started, in epoch milliseconds. The same in all of its invocations. */
export function startTimeOf(context: DurableContext): number {
  return startOf(context).time
}

/** Whether the execution has done nothing yet. True again if Lambda repeats its first invocation. */
export function isNewExecution(context: DurableContext): boolean {
  return startOf(context).isNew
}

/** Returns the name of the first operation of an execution. Undefined if it has none yet. */
export function firstOperationOf(context: DurableContext): string | undefined {
  return startOf(context).firstOperation
}

function startOf({ lambdaContext }: DurableContext): Start {
  const start = starts.get(lambdaContext)
  if (start === undefined) throw new Error('The handler is not wrapped with withStartTime.')
  return start
}
