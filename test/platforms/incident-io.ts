import { type Call, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface Alert {
  deduplication_key: string
  status: 'firing' | 'resolved'
  /** Every event that was accepted for it. */
  events: Record<string, unknown>[]
}

export interface IncidentIoServer extends Served {
  source: string
  token: string
  state: { alerts: Alert[] }
}

const FIELDS = ['title', 'status', 'deduplication_key', 'description', 'source_url', 'metadata']

/**
 * A fake of an HTTP alert source of incident.io. It accepts events, and processes them later.
 *
 * @see https://api-docs.incident.io/tag/Alert-Events-V2
 */
export async function startIncidentIo(): Promise<IncidentIoServer> {
  const source = '01GW2G3V0S59R238FAHPDS1R66'
  const token = 'a-token-of-an-alert-source'
  const state: IncidentIoServer['state'] = { alerts: [] }
  const served = await serve((call) => {
    if (call.headers['authorization'] !== `Bearer ${token}`) {
      return refusedByIncidentIo(401, 'authentication_error', 'Invalid authorization token')
    }
    if (call.method !== 'POST' || call.path !== `/v2/alert_events/http/${source}`) {
      return refusedByIncidentIo(404, 'not_found', 'Alert source config not found')
    }
    return take(call, state.alerts)
  })
  return { ...served, source, token, state }
}

export function refusedByIncidentIo(status: number, type: string, message: string): Reply {
  const error = { code: type, message, source: { pointer: 'title' } }
  return { status, body: { type, status, request_id: '0ae2d2a7', errors: [error] } }
}

function take({ body }: Call, alerts: Alert[]): Reply {
  const event = (body ?? {}) as Record<string, unknown>
  const { title, status, deduplication_key: key = `made-up-${alerts.length}` } = event
  const unknown = Object.keys(event).find((field) => !FIELDS.includes(field))
  if (unknown) return refusedByIncidentIo(422, 'validation_error', `${unknown} is not a field of an alert`)
  if (typeof title !== 'string' || title === '') {
    return refusedByIncidentIo(422, 'validation_error', 'A title is required')
  }
  if (status !== 'firing' && status !== 'resolved') {
    return refusedByIncidentIo(422, 'validation_error', 'status must be firing or resolved')
  }
  const alert = alerts.find((one) => one.deduplication_key === key)
  if (alert) Object.assign(alert, { status, events: [...alert.events, event] })
  else alerts.push({ deduplication_key: String(key), status, events: [event] })
  return { status: 202, body: { status: 'success', message: 'Event accepted for processing', deduplication_key: key } }
}
