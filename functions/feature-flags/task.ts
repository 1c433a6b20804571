import { taskHandler } from '../../shared/core/task/handler.ts'
import { featureFlags } from './index.ts'

export const handler = taskHandler(featureFlags)
