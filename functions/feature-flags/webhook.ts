import { webhookHandler } from '../../shared/core/webhook/handler.ts'
import { featureFlags } from './index.ts'

export const handler = webhookHandler(featureFlags)
