import { describe, expect, test } from '@jest/globals'
import { incidentIo } from '../../../functions/incident-management/providers/incident-io.ts'
import { refusedByIncidentIo, startIncidentIo } from '../../../infra/platforms/incident-io.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { ticketPlatforms } from '../../e2e/platforms.ts'
import { expectFailure, keyOf, startEach } from '../helpers.ts'
import { ticketActions } from './tickets.ts'

const server = startEach(startIncidentIo)
const { check, open, update, close } = ticketActions(
  incidentIo,
  () => ({ baseUrl: server.url, source: server.source, token: server.token }),
  keyOf(1),
)

describe('incident.io', () => {
  test('the connection test resolves an alert that never fired', async () => {
    await check()
    const deduplication_key = 'cloud-automation-webhooks-check'
    expect(server.state.alerts).toMatchObject([{ deduplication_key, status: 'resolved' }])
  })

  test('open fires an alert with the idempotency key, the link of the problem and the details as metadata', async () => {
    const description = 'Since 14:03.\n\nhttps://example.com/problem/1'
    const fields = { metadata: { team: 'shop' } }
    const { message } = await open({ description, severity: 'high', labels: ['eu'], fields })
    expect(message).toBe(`Opened alert ${keyOf(1)}`)
    expect(server.state.alerts[0]?.events).toEqual([
      {
        title: 'Checkout fails',
        description,
        source_url: 'https://example.com/problem/1',
        status: 'firing',
        deduplication_key: keyOf(1),
        metadata: { severity: 'high', labels: ['eu'], team: 'shop' },
      },
    ])
  })

  test.each([
    ['closed', 'resolved'],
    ['Resolved', 'resolved'],
    ['open', 'firing'],
    ['firing', 'firing'],
  ])('update to %s sends %s for the same alert', async (state, status) => {
    await open()
    await update({ title: 'Checkout is slow', state })
    expect(server.state.alerts).toMatchObject([{ status, events: [{}, { title: 'Checkout is slow', status }] }])
  })

  test('close resolves the alert and claims no more than that', async () => {
    await open()
    expect(await close()).toMatchObject({ message: expect.stringContaining('cannot be read back') })
    expect(server.state.alerts).toMatchObject([{ status: 'resolved' }])
  })

  test.each([
    [{ assignee: 'mia' }, 'input.assignee is not supported by alerts of incident.io'],
    [{ comment: 'x' }, 'input.comment'],
    [{ resolution: 'x' }, 'input.resolution'],
    [{ id: 'x', title: 'x', state: 'acknowledged' }, 'must be open, firing, closed or resolved'],
    [{ id: 'x', state: 'open' }, 'input.title is missing'],
    [{ id: 'x', state: 'closed', severity: 'low' }, 'input.title is missing'],
  ])('refuses %j', (input, words) => {
    expect(() => incidentIo.checkInput(input)).toThrow(words)
  })

  test('accepts a close, and an update that only resolves', () => {
    for (const input of [{ id: 'x' }, { id: 'x', state: 'closed' }])
      expect(incidentIo.checkInput(input)).toBeUndefined()
  })

  test('reports an unknown alert source', async () => {
    await expectFailure(open({}, { connection: { source: '01AAAA' } }), 'refused', 'Alert source config not found')
  })
})

ticketConformance(incidentIo, ticketPlatforms['incident-management/incident-io'], {
  checkWrites: true,
  refusal: (reason) => refusedByIncidentIo(400, 'validation_error', reason).body as object,
  defaults: { baseUrl: 'https://api.incident.io' },
})
