import { agentsHandler } from '../shared/agents/handler.ts'

export const handler = agentsHandler()
