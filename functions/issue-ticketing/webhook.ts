import { webhookHandler } from '../../shared/core/http/handler.ts'
import { issueTicketing } from './index.ts'

export const handler = webhookHandler(issueTicketing)
