import { type Call, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface Alert {
  dedup_key: string
  status: 'triggered' | 'acknowledged' | 'resolved'
  /** Every event that was taken for it. */
  events: Record<string, unknown>[]
}

export interface PagerDutyEventsServer extends Served {
  token: string
  state: { alerts: Alert[] }
}

/**
 * PagerDuty's Events API v2. It accepts valid events and does not report their results.
 *
 * @see https://github.com/PagerDuty/api-schema/blob/main/reference/events-v2/openapiv3.json
 */
export async function startPagerDutyEvents(): Promise<PagerDutyEventsServer> {
  const token = 'e93facc04764012d7bfb002500d5d1a6'
  const state: PagerDutyEventsServer['state'] = { alerts: [] }
  const served = await serve((call) => take(call, token, state.alerts))
  return { ...served, token, state }
}

function take({ method, path, body }: Call, token: string, alerts: Alert[]): Reply {
  if (`${method} ${path}` !== 'POST /v2/enqueue') return { status: 404 }
  const event = (body ?? {}) as Record<string, unknown>
  const { routing_key: key, event_action: action, dedup_key: asked, payload } = event
  const errors = [
    ...(typeof key === 'string' && key.length === 32
      ? []
      : ["Length of 'routing_key' is incorrect (should be 32 characters)"]),
    ...(['trigger', 'acknowledge', 'resolve'].includes(String(action)) ? [] : ["'event_action' is invalid"]),
    ...(action === 'trigger' ? payloadErrors(payload) : asked ? [] : ["'dedup_key' is missing or blank"]),
    ...(String(asked ?? '').length > 255 ? ["'dedup_key' is too long (maximum is 255 characters)"] : []),
  ]
  if (errors.length > 0) return refused(errors)
  if (key !== token) return refused(['Invalid routing key'])
  const open = alerts.find((one) => one.dedup_key === asked && one.status !== 'resolved')
  if (action !== 'trigger') {
    // PagerDuty silently ignores events for unknown alerts.
    if (open) open.status = action === 'resolve' ? 'resolved' : 'acknowledged'
    open?.events.push(event)
    return accepted(String(asked))
  }
  if (open) open.events.push(event)
  const dedup_key = open?.dedup_key ?? String(asked ?? `made-up-${alerts.length}`)
  if (!open) alerts.push({ dedup_key, status: 'triggered', events: [event] })
  return accepted(dedup_key)
}

function payloadErrors(payload: unknown): string[] {
  const { summary, source, severity } = (payload ?? {}) as Record<string, unknown>
  return [
    ...(summary ? [] : ["'payload.summary' is missing or blank"]),
    ...(String(summary ?? '').length > 1_024 ? ["'payload.summary' is too long (maximum is 1024 characters)"] : []),
    ...(source ? [] : ["'payload.source' is missing or blank"]),
    ...(['critical', 'error', 'warning', 'info'].includes(String(severity))
      ? []
      : ["'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')"]),
  ]
}

function accepted(dedup_key: string): Reply {
  return { status: 202, body: { status: 'success', message: 'Event processed', dedup_key } }
}

function refused(errors: string[]): Reply {
  return { status: 400, body: { status: 'invalid event', message: 'Event object is invalid', errors } }
}
