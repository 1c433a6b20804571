import { verifyHandler } from '../shared/verify/handler.ts'

export const handler = verifyHandler
