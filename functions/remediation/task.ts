import { taskHandler } from '../../shared/core/task/handler.ts'
import { remediation } from './index.ts'

export const handler = taskHandler(remediation)
