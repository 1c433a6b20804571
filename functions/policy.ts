import { policyHandler } from '../shared/policy/handler.ts'

export const handler = policyHandler
