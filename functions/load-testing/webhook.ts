import { webhookHandler } from '../../shared/core/webhook/handler.ts'
import { loadTesting } from './index.ts'

export const handler = webhookHandler(loadTesting)
