// Runs in a thread of its own, because the code of a webhook reads its environment variables from `process.env`.
import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '../../../shared/errors.ts'
import type { Category } from '../../../shared/providers/category.ts'
import { categories } from '../../project/categories.ts'
import type { OperatorReply, OperatorRequest } from './operate.ts'
import { operateOnTask } from './operate-on-task.ts'

const { stack, category: name, taskId, operator, operation } = workerData as OperatorRequest
const category = (categories as readonly Category[]).find((known) => known.name === name)
const reply = category
  ? await operateOnTask({ stack, category, taskId, operator }, operation).then(
      (result): OperatorReply => ({ result }),
      (error: unknown): OperatorReply => ({ reason: messageOf(error) }),
    )
  : { reason: `This version does not know the category ${name}.` }
parentPort?.postMessage(reply)
