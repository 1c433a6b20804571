import { stopsHandler } from '../shared/core/operate-stops.ts'

export const handler = stopsHandler
