import { taskHandler } from '../../shared/core/task/handler.ts'
import { notification } from './index.ts'

export const handler = taskHandler(notification)
