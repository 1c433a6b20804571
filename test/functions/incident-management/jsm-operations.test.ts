import { beforeEach, describe, expect, test } from '@jest/globals'
import { jsmOperations } from '../../../functions/incident-management/providers/jsm-operations.ts'
import { startJsmOperations } from '../../../infra/platforms/jsm-operations.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { ticketPlatforms } from '../../e2e/platforms.ts'
import { expectFailure, keyOf, startEach } from '../helpers.ts'
import { ticketActions } from './tickets.ts'

const server = startEach(startJsmOperations)
const at = () => ({ baseUrl: server.url, cloudId: server.cloudId, email: server.email, token: server.token })
const { open, client } = ticketActions(jsmOperations, at, '')
const alert = () => {
  const [found] = server.state.alerts
  if (!found) throw new Error('No alert')
  return found
}
const update = (input: object) => ticketActions(jsmOperations, at, alert().id).update(input)
const close = () => ticketActions(jsmOperations, at, alert().id).close()

const team = '0f2b6f2c-5d1a-4a3e-9b57-6f1c8f0f4f11'

describe('JSM Operations: open', () => {
  test('sends all fields, with the idempotency key as the alias', async () => {
    const site = 'https://acme.atlassian.net'
    const input = { severity: 'critical', labels: ['shop'], project: team, assignee: 'a1', fields: { entity: 'cart' } }
    const { data } = await open(input, { connection: { site } })
    const url = `${site}/jira/ops/alerts/${alert().id}`
    expect(data).toEqual({ id: alert().id, number: '1', url, state: 'open' })
    expect(alert()).toMatchObject({
      ...{ message: 'Checkout fails', description: 'Since 14:03.', alias: keyOf(1), priority: 'P1', tags: ['shop'] },
      responders: [
        { id: team, type: 'team' },
        { id: 'a1', type: 'user' },
      ],
      entity: 'cart',
    })
  })

  test('waits until the alert is created, and has no link without the URL of the site', async () => {
    server.state.processedLate = 2
    expect(await open()).toMatchObject({ data: { number: '1', state: 'open' }, links: {} })
  })

  test('reports why a request was refused when it was processed', async () => {
    server.state.refusal = 'Your account plan does not support this.'
    await expectFailure(open(), 'refused', 'Your account plan does not support this.')
  })

  test.each([
    [{ type: 'x' }, 'input.type is not supported'],
    [{ resolution: 'x' }, 'input.resolution is not supported'],
    [{ priority: 'P6' }, 'input.priority must be critical, high, medium, low or P1 to P5'],
    [{ urgency: 'soon' }, 'input.urgency must be'],
    [{ state: 'snoozed' }, 'input.state must be open, acknowledged'],
    [{ id: 'x', assignee: 'a1' }, 'input.assignee can be set only when an alert is opened'],
    [{ id: 'x', fields: {} }, 'input.fields can be set only when an alert is opened'],
  ])('refuses %j', (input, words) => {
    expect(() => jsmOperations.checkInput(input)).toThrow(words)
  })
})

describe('JSM Operations: states', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
  })

  test.each([
    ['acknowledged', 'acked'],
    ['acked', 'acked'],
    ['closed', 'closed'],
    ['resolved', 'closed'],
    ['open', 'open'],
  ])('sets %s as %s, once', async (state, status) => {
    expect(await update({ state })).toMatchObject({ data: { state: status } })
    const { length } = server.calls.filter(({ method }) => method === 'POST')
    await update({ state })
    expect(server.calls.filter(({ method }) => method === 'POST')).toHaveLength(length)
  })

  test.each([
    ['snoozed', 'Closed alert 1 (closed)'],
    ['resolved', 'The alert 1 was closed already (resolved)'],
  ] as const)('closes an alert that is %s', async (status, message) => {
    alert().status = status
    expect(await close()).toMatchObject({ message })
  })

  test('does not reopen a closed alert', async () => {
    await close()
    await expectFailure(update({ state: 'open' }), 'refused', 'closed alerts cannot be reopened. Open another.')
  })

  test('changes message, description, priority and tags', async () => {
    await update({ title: 'Slow', description: 'All', priority: 'low', labels: ['eu'] })
    expect(alert()).toMatchObject({ message: 'Slow', description: 'All', priority: 'P4', tags: ['eu'] })
  })
})

test('JSM Operations: a comment is found behind a hundred newer ones', async () => {
  await open({}, { key: keyOf(9) })
  await update({ comment: 'Still down' })
  alert().notes.unshift(...Array.from({ length: 150 }, () => 'Me too'))
  await update({ comment: 'Still down' })
  expect(alert().notes).toHaveLength(151)
})

test('JSM Operations: sends an OAuth token as a Bearer token', () => {
  const { connection } = client({ connection: { email: undefined } })
  expect(jsmOperations.headers(connection)).toEqual({ authorization: `Bearer ${server.token}` })
})

ticketConformance(jsmOperations, ticketPlatforms['incident-management/jsm-operations'], {
  defaults: { baseUrl: 'https://api.atlassian.com/jsm/ops' },
  invalid: [{ cloudId: 'acme' }],
  projects: { accepted: [team], refused: ['ops', `${team}/x`] },
})
