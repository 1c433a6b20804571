import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../../infra/testing/loopback-server.ts'
import { alertInputs, playTickets, type TicketRow } from '../../../conformance/row.ts'
import { failedChecks } from '../../../platforms/pagerduty.ts'

type Event = Record<string, unknown>

interface Alert {
  dedup_key: string
  status: 'triggered' | 'acknowledged' | 'resolved'
  events: Event[]
}

const TOKEN = 'e93facc04764012d7bfb002500d5d1a6'

/**
 * A fake of PagerDuty's Events API v2. It accepts valid events and does not report their results.
 *
 * @see https://github.com/PagerDuty/api-schema/blob/main/reference/events-v2/openapiv3.json
 */
const startPagerDutyEvents = definePlatform({
  state: () => ({ alerts: [] as Alert[] }),
  routes: {
    'POST /v2/enqueue': ({ state, body }) => {
      const errors = errorsIn(body)
      if (errors.length > 0) return refused(errors)
      if (body.routing_key !== TOKEN) return refused(['Invalid routing key'])
      const dedup_key = accept(state.alerts, body)
      return { status: 202, body: { status: 'success', message: 'Event processed', dedup_key } }
    },
  },
  members: () => ({ token: TOKEN }),
})

/** Adds an event to its alert, and returns the key of the alert. */
function accept(alerts: Alert[], event: Event): string {
  const { event_action: action, dedup_key: key } = event
  const open = alerts.find(({ dedup_key, status }) => dedup_key === key && status !== 'resolved')
  open?.events.push(event)
  if (action !== 'trigger') {
    // PagerDuty silently ignores events for unknown alerts.
    if (open) open.status = action === 'resolve' ? 'resolved' : 'acknowledged'
    return String(key)
  }
  const dedup_key = open?.dedup_key ?? String(key ?? `made-up-${alerts.length}`)
  if (!open) alerts.push({ dedup_key, status: 'triggered', events: [event] })
  return dedup_key
}

function errorsIn({ routing_key: key, event_action: action, dedup_key: dedupKey, payload }: Event): string[] {
  const { summary, source, severity } = (payload ?? {}) as Event
  const triggers = action === 'trigger'
  return failedChecks({
    "Length of 'routing_key' is incorrect (should be 32 characters)": typeof key === 'string' && key.length === 32,
    "'event_action' is invalid": ['trigger', 'acknowledge', 'resolve'].includes(String(action)),
    "'payload.summary' is missing or blank": !triggers || summary,
    "'payload.summary' is too long (maximum is 1024 characters)": !triggers || String(summary).length <= 1_024,
    "'payload.source' is missing or blank": !triggers || source,
    "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')":
      !triggers || ['critical', 'error', 'warning', 'info'].includes(String(severity)),
    "'dedup_key' is missing or blank": triggers || dedupKey,
    "'dedup_key' is too long (maximum is 255 characters)": String(dedupKey).length <= 255,
  })
}

function refused(errors: string[]): Reply {
  return { status: 400, body: { status: 'invalid event', message: 'Event object is invalid', errors } }
}

export const ticketRow = {
  writes: /^POST /,
  repeatable: 'an alert with the same dedup_key is the same alert',
  start: playTickets(startPagerDutyEvents, 'alerts'),
  ...alertInputs,
} satisfies TicketRow
