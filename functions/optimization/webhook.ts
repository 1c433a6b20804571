import { webhookHandler } from '../../shared/core/http/handler.ts'
import { optimization } from './index.ts'

export const handler = webhookHandler(optimization)
