import { taskHandler } from '../../shared/core/task/handler.ts'
import { slo } from './index.ts'

export const handler = taskHandler(slo)
