import { webhookHandler } from '../../shared/core/webhook/handler.ts'
import { incidentManagement } from './index.ts'

export const handler = webhookHandler(incidentManagement)
