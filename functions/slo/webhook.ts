import { webhookHandler } from '../../shared/core/http/handler.ts'
import { slo } from './index.ts'

export const handler = webhookHandler(slo)
