import type { Context } from 'aws-lambda'

/** The alias that the function for agents invokes. API Gateway and direct callers use others. */
export const FORWARDED_ALIAS = 'http'

/** Returns whether a request was forwarded by the function for agents. That function may not make calls of its own. */
export function isForwarded({ invokedFunctionArn }: Partial<Pick<Context, 'invokedFunctionArn'>>): boolean {
  return invokedFunctionArn?.endsWith(`:${FORWARDED_ALIAS}`) ?? false
}

/** The alias that the function for alerts invokes. It can only make calls of sources. */
export const EVENTS_ALIAS = 'events'

/** Returns whether an invocation is a call of a source. */
export function isOfSource({ invokedFunctionArn }: Partial<Pick<Context, 'invokedFunctionArn'>>): boolean {
  return invokedFunctionArn?.endsWith(`:${EVENTS_ALIAS}`) ?? false
}

/** Returns the id of a task for agents: a task can only be read at the webhook of its category. */
export function agentTaskId(category: string, taskId: string): string {
  return `${category}.${taskId}`
}
