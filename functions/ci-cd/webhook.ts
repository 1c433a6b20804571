import { webhookHandler } from '../../shared/core/webhook/handler.ts'
import { ciCd } from './index.ts'

export const handler = webhookHandler(ciCd)
