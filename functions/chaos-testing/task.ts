import { taskHandler } from '../../shared/core/task/handler.ts'
import { chaosTesting } from './index.ts'

export const handler = taskHandler(chaosTesting)
