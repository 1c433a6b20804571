import { taskHandler } from '../../shared/core/task/handler.ts'
import { loadTesting } from './index.ts'

export const handler = taskHandler(loadTesting)
