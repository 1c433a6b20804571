import { eventsHandler } from '../shared/events/handler.ts'

export const handler = eventsHandler()
