import { type Case, casesOf, key, type Subject } from '../cases.ts'
import type { Answer } from '../server.ts'
import { driveProvider } from './drive.ts'

const id = '9b251e07-73c9-4907-9996-8cb53a6a20d0-1704440650350'
const team = '0f2b6f2c-5d1a-4a3e-9b57-6f1c8f0f4f11'
const alerts = '/api/{cloudId}/v1/alerts'
const alert = `GET ${alerts}/{id}`
const alias = `GET ${alerts}/alias`
const closed: Answer = { body: (example: object) => ({ ...example, status: 'closed' }) }
const missing: Answer = { status: 404, body: { code: 404, message: 'Alert does not exist' } }

const opens = casesOf('open-ticket', { title: 'Checkout is slow' })
const updates = casesOf('update-ticket', { id })
const closes = casesOf('close-ticket', { id })
const isNew: Partial<Case> = { answers: { [alias]: [missing] } }

export const jsmOperations: Subject = {
  name: 'jsm-operations',
  contract: 'jsm-operations',
  answers: { [`GET ${alerts}/{id}/notes`]: { body: { values: [{ id: '1', note: 'Seen' }], links: {} } } },
  cases: [
    { action: 'check', how: 'the API token' },
    opens.passes('with a title alone', 'Opened alert 1234', isNew),
    opens.passes('with everything', 'Opened', {
      ...isNew,
      input: {
        ...{ description: 'Since 14:03', labels: ['sev 1'], priority: 'high', project: team, assignee: '5b10a2844c20' },
        fields: { entity: 'cart', extraProperties: { context: 'abc' } },
      },
    }),
    opens.passes('without an event id', 'Opened', { noKey: true }),
    opens.passes('again', 'Found alert 1234', { isRetry: true }),
    updates.passes('everything', '', {
      input: {
        title: 'Slow',
        description: 'All',
        priority: 'P5',
        labels: ['eu'],
        state: 'acked',
        comment: 'Still slow',
      },
    }),
    updates.passes('a comment again', '', {
      isRetry: true,
      input: { comment: 'Still slow' },
      answers: { [`GET ${alerts}/{id}/notes`]: [{ body: { values: [{ note: `Still slow\n\nRef: caw-${key}` }] } }] },
    }),
    updates.fails('to open, which is closed', 'cannot be reopened', {
      input: { state: 'open' },
      answers: { [alert]: [closed] },
    }),
    closes.passes('an open one', 'Closed', { answers: { [alert]: [{}, closed] } }),
    closes.passes('one that is closed', 'was closed already', { answers: { [alert]: [closed] } }),
  ],
  run: driveProvider('incident-management', 'jsm-operations', (url) => ({
    baseUrl: `${url}/jsm/ops`,
    cloudId: '11223344-a1b2-4c33-8def-1234567890ab',
    email: 'robot@example.com',
    token: 'a-token-of-atlassian',
  })),
}
