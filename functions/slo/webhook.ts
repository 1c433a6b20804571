import { webhookHandler } from '../../shared/core/webhook/handler.ts'
import { slo } from './index.ts'

export const handler = webhookHandler(slo)
