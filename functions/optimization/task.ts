import { taskHandler } from '../../shared/core/task/handler.ts'
import { optimization } from './index.ts'

export const handler = taskHandler(optimization)
