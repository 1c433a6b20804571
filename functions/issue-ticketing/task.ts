import { taskHandler } from '../../shared/core/task/handler.ts'
import { issueTicketing } from './index.ts'

export const handler = taskHandler(issueTicketing)
