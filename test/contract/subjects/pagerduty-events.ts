import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const title = 'Checkout is slow'
const description = 'Since 14:03\n\nhttps://example.com/problem/1'
const id = 'srv01/mysql'

const opens = casesOf('open-ticket', { title })
const updates = casesOf('update-ticket')
const closes = casesOf('close-ticket', { id })

export const pagerdutyEvents: Subject = {
  name: 'pagerduty-events',
  contract: 'pagerduty-events',
  cases: [
    { action: 'check', how: 'the integration key' },
    opens.passes('with a title alone', 'Opened'),
    opens.passes('with everything', 'Opened', {
      input: {
        ...{ description, type: 'disk', labels: ['sev 1'], priority: 'high', urgency: 'low', severity: 'medium' },
        fields: { images: [{ src: 'https://example.com/x.png' }], payload: { component: 'mysql', group: 'prod' } },
      },
    }),
    opens.passes('without an event id', 'Opened', { noKey: true }),
    opens.passes('again', 'Opened', { input: { description }, isRetry: true }),
    updates.passes('everything', '', { input: { id, title, description, severity: 'critical' } }),
    updates.passes('to acknowledged', '', { input: { id, state: 'acknowledged' } }),
    updates.passes('to closed', '', { input: { id, state: 'closed' } }),
    updates.fails('a comment', 'provider pagerduty', { input: { id, comment: 'x' } }),
    closes.passes('an alert', 'accepted the close'),
    closes.fails('refused', 'Event object format is unrecognized', {
      answers: {
        'POST /enqueue': [
          { status: 400, body: { status: 'Unrecognized object', message: 'Event object format is unrecognized' } },
        ],
      },
    }),
  ],
  run: driveProvider('incident-management', 'pagerduty-events', { token: 'e93facc04764012d7bfb002500d5d1a6' }),
}
