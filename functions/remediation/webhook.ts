import { webhookHandler } from '../../shared/core/http/handler.ts'
import { remediation } from './index.ts'

export const handler = webhookHandler(remediation)
