import { webhookHandler } from '../../shared/core/http/handler.ts'
import { ciCd } from './index.ts'

export const handler = webhookHandler(ciCd)
