import { webhookHandler } from '../../shared/core/webhook/handler.ts'
import { remediation } from './index.ts'

export const handler = webhookHandler(remediation)
