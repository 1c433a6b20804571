import { webhookHandler } from '../../shared/core/http/handler.ts'
import { loadTesting } from './index.ts'

export const handler = webhookHandler(loadTesting)
