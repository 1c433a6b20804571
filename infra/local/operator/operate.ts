import { Worker } from 'node:worker_threads'
import { refused } from '../../../shared/errors.ts'
import { EXTENSION } from '../../project/roots.ts'
import type { OperatedTask, TaskOperation } from './operate-on-task.ts'

/** The start parameters of the thread. */
export interface OperatorRequest extends Omit<OperatedTask, 'category'> {
  /** Its name. */
  category: string
  operation: TaskOperation
}

/** The message of the thread. */
export type OperatorReply = { result: object } | { reason: string }

/**
 * Changes a task as an operator, like `webhooks tasks --stack`. A user who may open the console may change the tasks of all callers.
 *
 * @param env the environment variables, with AWS credentials
 * @returns the status of the task, or the task that runs it again
 * @throws Failure `refused` with the reason
 */
export async function operate(workerData: OperatorRequest, env: NodeJS.ProcessEnv): Promise<object> {
  // The lines that a webhook logs are not for the terminal of the console.
  const options = { workerData, env, stdout: true }
  const thread = new Worker(new URL(`./thread${EXTENSION}`, import.meta.url), options)
  try {
    const reply = await new Promise<OperatorReply>((resolve, reject) => {
      thread.once('message', resolve)
      thread.once('error', reject)
      thread.once('exit', (code) => reject(new Error(`The thread of the operator ended with ${code}.`)))
    })
    if ('reason' in reply) throw refused(reply.reason)
    return reply.result
  } finally {
    await thread.terminate()
  }
}
