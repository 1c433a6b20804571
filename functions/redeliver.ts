import { redeliverHandler } from '../shared/orchestrators/github/redeliver.ts'

export const handler = redeliverHandler
