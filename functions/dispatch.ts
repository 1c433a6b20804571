import { dispatchHandler } from '../shared/dispatch/handler.ts'

export const handler = dispatchHandler()
