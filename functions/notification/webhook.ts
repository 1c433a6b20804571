import { webhookHandler } from '../../shared/core/http/handler.ts'
import { notification } from './index.ts'

export const handler = webhookHandler(notification)
