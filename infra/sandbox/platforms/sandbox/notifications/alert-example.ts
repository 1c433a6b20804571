import type { AlertRule } from '../../../../../shared/sources/rules.ts'
import { type EngineHost, placeOf } from '../../../engines/place.ts'

/** The source of the sandbox that takes alerts from people, who send them with curl. */
export const ALERT_SOURCE = 'sandbox-alerts'

/** The rules of this source, as in the example of docs/alerts.md. */
export const ALERT_RULES: AlertRule[] = [
  {
    name: 'open',
    source: ALERT_SOURCE,
    call: 'issue-ticketing/open-issue',
    input: '{title: labels.alertname, description: annotations.description}',
  },
  {
    name: 'close',
    source: ALERT_SOURCE,
    call: 'issue-ticketing/close-issue',
    input: "{comment: 'The alert has ended.'}",
    closes: 'open',
  },
]

/** Returns the token of this source. */
export function alertToken(host: EngineHost): string {
  return placeOf({ name: 'alerts' }, host).credential('source')
}

/** Returns a notification about an alert with the fields that Alertmanager sends and rules need. */
export function alertBody(status: 'firing' | 'resolved', startsAt: string): object {
  return {
    status,
    alerts: [
      {
        status,
        fingerprint: 'c1b0c5a3',
        startsAt,
        labels: { alertname: 'DiskFull', severity: 'critical' },
        annotations: { description: 'The disk of db-1 is full.' },
      },
    ],
  }
}
