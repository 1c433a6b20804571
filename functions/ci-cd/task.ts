import { taskHandler } from '../../shared/core/task/handler.ts'
import { ciCd } from './index.ts'

export const handler = taskHandler(ciCd)
