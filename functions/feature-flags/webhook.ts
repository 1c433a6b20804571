import { webhookHandler } from '../../shared/core/http/handler.ts'
import { featureFlags } from './index.ts'

export const handler = webhookHandler(featureFlags)
