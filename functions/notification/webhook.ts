import { webhookHandler } from '../../shared/core/webhook/handler.ts'
import { notification } from './index.ts'

export const handler = webhookHandler(notification)
