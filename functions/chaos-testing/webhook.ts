import { webhookHandler } from '../../shared/core/webhook/handler.ts'
import { chaosTesting } from './index.ts'

export const handler = webhookHandler(chaosTesting)
