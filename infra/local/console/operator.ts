import { Worker } from 'node:worker_threads'
import { Failure } from '../../../shared/errors.ts'
import type { TaskOperation } from '../../cli/stack-task.ts'
import type { TaskName } from '../../cli/task-name.ts'
import { EXTENSION } from '../../tools/project/roots.ts'
import { awsVariables, type LocalCloud } from '../cloud/index.ts'
import { STACK } from '../functions.ts'

/** The start parameters of the thread. */
export interface OperatorRequest {
  stack: string
  task: TaskName
  operation: TaskOperation
}

/** The message of the thread. */
export type OperatorReply = { result: object } | { reason: string }

/**
 * Changes a task as an operator, like `webhooks tasks --stack`. A user who may open the console may change the tasks of all callers.
 *
 * @returns the status of the task, or the task that runs it again
 * @throws Failure `invalid` with the reason
 */
export async function operate(
  { endpoint, dynamodb, credentials }: Pick<LocalCloud, 'endpoint' | 'dynamodb' | 'credentials'>,
  task: TaskName,
  operation: TaskOperation,
): Promise<object> {
  const workerData: OperatorRequest = { stack: STACK, task, operation }
  const env = awsVariables({ lambda: endpoint, dynamodb }, credentials)
  const thread = new Worker(new URL(`./operator-thread${EXTENSION}`, import.meta.url), { workerData, env })
  try {
    const reply = await new Promise<OperatorReply>((resolve, reject) => {
      thread.once('message', resolve)
      thread.once('error', reject)
      thread.once('exit', (code) => reject(new Error(`The thread of the operator ended with ${code}.`)))
    })
    if ('reason' in reply) throw new Failure('invalid', reply.reason)
    return reply.result
  } finally {
    await thread.terminate()
  }
}
