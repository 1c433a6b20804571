import { finisherHandler } from '../shared/core/task/finisher.ts'

export const handler = finisherHandler()
