import { webhookHandler } from '../../shared/core/webhook/handler.ts'
import { issueTicketing } from './index.ts'

export const handler = webhookHandler(issueTicketing)
