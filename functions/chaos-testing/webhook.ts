import { webhookHandler } from '../../shared/core/http/handler.ts'
import { chaosTesting } from './index.ts'

export const handler = webhookHandler(chaosTesting)
