import { taskHandler } from '../../shared/core/task/handler.ts'
import { incidentManagement } from './index.ts'

export const handler = taskHandler(incidentManagement)
