import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const id = 'srv01/mysql'
const opens = casesOf('open-ticket', { title: 'Checkout is slow' })
const updates = casesOf('update-ticket', { id })
const closes = casesOf('close-ticket', { id })

export const incidentIo: Subject = {
  name: 'incident-io',
  contract: 'incident-io',
  cases: [
    { action: 'check', how: 'the token of the alert source' },
    opens.passes('with a title alone', 'Opened'),
    opens.passes('with everything', 'Opened', {
      input: {
        description: 'Since 14:03\n\nhttps://example.com/problem/1',
        ...{ type: 'disk', labels: ['sev 1'], priority: 'high', urgency: 'low', severity: 'medium' },
        fields: { metadata: { service: 'checkout' } },
      },
    }),
    opens.passes('without an event id', 'Opened', { noKey: true }),
    updates.passes('everything', '', { input: { title: 'Checkout fails', severity: 'critical', state: 'firing' } }),
    updates.passes('to closed', '', { input: { state: 'closed' } }),
    closes.passes('an alert', 'accepted the close'),
  ],
  run: driveProvider('incident-management', 'incident-io', {
    source: '01GW2G3V0S59R238FAHPDS1R66',
    token: 'some-random-string',
  }),
}
