import { type DurableContext, InvokeError, withDurableExecution } from '@aws/durable-execution-sdk-js'

interface TaskResult {
  taskId: string
  outcome: { status: string; result: 'pass' | 'warning' | 'fail'; message: string; links: Record<string, string> }
}

/** Suspended, without compute, until the deployment ends. */
export const handler = withDurableExecution(async ({ target }: { target: string }, context: DurableContext) => {
  try {
    const { outcome } = await context.invoke<object, TaskResult>('deploy', process.env['CI_CD_TASK'] ?? '', {
      action: 'trigger-deployment',
      caller: 'releases',
      deadline: 'PT2H',
      input: { target },
    })
    return { deployed: outcome.result !== 'fail', reason: outcome.message }
  } catch (error) {
    // The call was not accepted, or Lambda ended the task. In the first case, `errorData` is the name of the error.
    if (error instanceof InvokeError) return { deployed: false, reason: error.message, error: error.errorData }
    throw error
  }
})
