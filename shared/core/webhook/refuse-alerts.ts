import { isRecord } from '../../record.ts'
import { invalidQuery } from './call-options.ts'

/**
 * Refuses the notification of a sender of alerts if its URL has a key. Each sender has one fixed URL, so the alert of tomorrow would be a
 * repeat of today's call, and an alert that has ended would be one, too.
 *
 * @throws Failure `invalid`
 */
export function refuseAlerts(body: Record<string, unknown>, key: string | undefined): void {
  if (key === undefined || !isOfAlertSender(body)) return
  throw invalidQuery(
    'key',
    'must be omitted: the body is a notification of an alert, and all alerts would be the same call. Declare the sender as a source in events.yaml, with a rule that makes this call, and send to /v1/events/<source>',
  )
}

/** Returns whether a body is that of Alertmanager or Grafana, PagerDuty, SNS or EventBridge. */
function isOfAlertSender(body: Record<string, unknown>): boolean {
  const { alerts, event } = body
  if (Array.isArray(alerts))
    return alerts.some((alert) => isRecord(alert) && ['firing', 'resolved'].includes(String(alert['status'])))
  if (isRecord(event)) return /^incident\./.test(String(event['event_type']))
  return (body['Type'] === 'Notification' && 'TopicArn' in body) || (isRecord(body['detail']) && 'detail-type' in body)
}
