import { webhookHandler } from '../../shared/core/webhook/handler.ts'
import { optimization } from './index.ts'

export const handler = webhookHandler(optimization)
