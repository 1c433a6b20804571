import { webhookHandler } from '../../shared/core/http/handler.ts'
import { incidentManagement } from './index.ts'

export const handler = webhookHandler(incidentManagement)
