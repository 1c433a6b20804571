import { redeliverHandler } from '../shared/core/redeliver.ts'

export const handler = redeliverHandler
