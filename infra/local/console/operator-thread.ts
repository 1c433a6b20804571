// Runs in a thread of its own, because the code of a webhook reads its environment variables from `process.env`.
import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '../../../shared/errors.ts'
import { operateOnTask } from '../../cli/stack-task.ts'
import type { OperatorReply, OperatorRequest } from './operator.ts'

const { stack, task, operation } = workerData as OperatorRequest
parentPort?.postMessage(
  await operateOnTask(stack, task, operation).then(
    (result): OperatorReply => ({ result }),
    (error: unknown): OperatorReply => ({ reason: messageOf(error) }),
  ),
)
