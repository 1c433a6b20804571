import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'
import { alertInputs, playTickets, type TicketRow } from '../../../conformance/row.ts'

interface Alert {
  deduplication_key: string
  status: 'firing' | 'resolved'
  /** The accepted events of the alert. */
  events: Record<string, unknown>[]
}

const SOURCE = '01GW2G3V0S59R238FAHPDS1R66'
const TOKEN = 'a-token-of-an-alert-source'
const FIELDS = ['title', 'status', 'deduplication_key', 'description', 'source_url', 'metadata']

/**
 * A fake of an HTTP alert source of incident.io. It accepts events, and processes them later.
 *
 * @see https://api-docs.incident.io/tag/Alert-Events-V2
 */
const startIncidentIo = definePlatform({
  state: () => ({ alerts: [] as Alert[] }),
  refuses: requireHeader(
    'authorization',
    `Bearer ${TOKEN}`,
    refusedByIncidentIo(401, 'authentication_error', 'Invalid authorization token'),
  ),
  routes: {
    'POST /v2/alert_events/http/{source}': ({ state, params, body }) =>
      params.source === SOURCE ? accept(state.alerts, body) : undefined,
  },
  notFound: refusedByIncidentIo(404, 'not_found', 'Alert source config not found'),
  members: () => ({ source: SOURCE, token: TOKEN }),
})

/** Returns an error of incident.io. */
export function refusedByIncidentIo(status: number, type: string, message: string): Reply {
  const error = { code: type, message, source: { pointer: 'title' } }
  return { status, body: { type, status, request_id: '0ae2d2a7', errors: [error] } }
}

function accept(alerts: Alert[], event: Record<string, unknown>): Reply {
  const { title, status, deduplication_key: key = `made-up-${alerts.length}` } = event
  const invalid = (message: string) => refusedByIncidentIo(422, 'validation_error', message)
  const unknown = Object.keys(event).find((field) => !FIELDS.includes(field))
  if (unknown) return invalid(`${unknown} is not a field of an alert`)
  if (typeof title !== 'string' || title === '') return invalid('A title is required')
  if (status !== 'firing' && status !== 'resolved') return invalid('status must be firing or resolved')
  const alert = alerts.find(({ deduplication_key }) => deduplication_key === key)
  if (alert) Object.assign(alert, { status, events: [...alert.events, event] })
  else alerts.push({ deduplication_key: String(key), status, events: [event] })
  return { status: 202, body: { status: 'success', message: 'Event accepted for processing', deduplication_key: key } }
}

export const ticketRow = {
  writes: /^POST /,
  repeatable: 'an alert with the same deduplication_key is the same alert',
  start: playTickets(startIncidentIo, 'alerts', {}, ['source']),
  ...alertInputs,
} satisfies TicketRow
