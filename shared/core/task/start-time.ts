import type { DurableContext, DurableLambdaHandler } from '@aws/durable-execution-sdk-js'
import type { Context } from 'aws-lambda'

/** By the context of the invocation. */
const startTimes = new WeakMap<Context, number>()

/**
 * Lets `startTimeOf` return when the execution was started. Lambda passes the time in each invocation, so that it needs no
 * durable step, which would be billed. The SDK does not pass it on.
 */
export function withStartTime(handler: DurableLambdaHandler): DurableLambdaHandler {
  return (event, context) => {
    const [execution] = event.InitialExecutionState.Operations
    const startTime = new Date(execution?.StartTimestamp ?? Number.NaN).getTime()
    if (Number.isNaN(startTime)) throw new Error('Lambda does not report when the execution was started.')
    startTimes.set(context, startTime)
    return handler(event, context)
  }
}

/** Returns when the execution was started, in epoch milliseconds. The same in all of its invocations. */
export function startTimeOf({ lambdaContext }: DurableContext): number {
  const startTime = startTimes.get(lambdaContext)
  if (startTime === undefined) throw new Error('The handler is not wrapped with withStartTime.')
  return startTime
}
