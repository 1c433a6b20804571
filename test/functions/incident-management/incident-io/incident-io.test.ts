import { expect, test } from '@jest/globals'
import { incidentIo } from '../../../../functions/incident-management/incident-io/incident-io.ts'
import { keyOf } from '../../helpers.ts'
import { testTickets } from '../../tickets.ts'
import { refusedByIncidentIo, ticketRow } from './fake.ts'

const description = 'Since 14:03.\n\nhttps://example.com/problem/1'

const { server, check, open, update, close } = testTickets(ticketRow, incidentIo, {
  tickets: ({ state }) => state.alerts,
  id: keyOf(1),
  checkWrites: true,
  refusal: (reason) => refusedByIncidentIo(400, 'validation_error', reason).body as object,
  defaults: { baseUrl: 'https://api.incident.io' },
  opened: () => ({ id: keyOf(1), number: keyOf(1), state: 'firing' }),
  opens: [
    {
      input: { description },
      stored: { status: 'firing', events: [{ title: 'Checkout fails', deduplication_key: keyOf(1) }] },
    },
    // The link of the problem.
    { input: { description }, stored: { events: [{ description, source_url: 'https://example.com/problem/1' }] } },
    {
      input: { severity: 'high', labels: ['eu'], fields: { metadata: { team: 'shop' } } },
      stored: { events: [{ metadata: { severity: 'high', labels: ['eu'], team: 'shop' } }] },
    },
  ],
  refusedOpens: [{ input: {}, reason: 'Alert source config not found', connection: { source: '01AAAA' } }],
  unsupported: [
    { input: { assignee: 'mia' }, message: 'input.assignee is not supported by alerts of incident.io' },
    { input: { comment: 'x' }, message: 'input.comment' },
    { input: { resolution: 'x' }, message: 'input.resolution' },
    { input: { id: 'x', title: 'x', state: 'acknowledged' }, message: 'must be open, firing, closed or resolved' },
    { input: { id: 'x', state: 'open' }, message: 'input.title is missing' },
    { input: { id: 'x', state: 'closed', severity: 'low' }, message: 'input.title is missing' },
  ],
})

test('incident.io: the connection test resolves an alert that never fired', async () => {
  await check()
  const deduplication_key = 'cloud-automation-webhooks-check'
  expect(server.state.alerts).toMatchObject([{ deduplication_key, status: 'resolved' }])
})

test.each([
  ['closed', 'resolved'],
  ['Resolved', 'resolved'],
  ['open', 'firing'],
  ['firing', 'firing'],
])('incident.io: an update to %s sends %s for the same alert', async (state, status) => {
  await open()
  await update({ title: 'Checkout is slow', state })
  expect(server.state.alerts).toMatchObject([{ status, events: [{}, { title: 'Checkout is slow', status }] }])
})

test('incident.io: close resolves the alert and claims no more than that', async () => {
  await open()
  expect(await close()).toMatchObject({ message: expect.stringContaining('cannot be read back') })
  expect(server.state.alerts).toMatchObject([{ status: 'resolved' }])
})

test.each([{ id: 'x' }, { id: 'x', state: 'closed' }])('incident.io: accepts %j, which only resolves', (input) => {
  expect(incidentIo.checkInput(input)).toBeUndefined()
})
