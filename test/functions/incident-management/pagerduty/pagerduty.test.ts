import { describe, expect, test } from '@jest/globals'
import { pagerduty } from '../../../../functions/incident-management/pagerduty/pagerduty.ts'
import { pagerdutyExample } from '../../../platforms/pagerduty.ts'
import { expectFailure, failureOf, keyOf } from '../../helpers.ts'
import { testTickets } from '../../tickets.ts'
import { ticketRow } from './fake.ts'

const noEmail = { email: undefined }
const conference = { conference_bridge: { conference_url: 'https://x' } }
const assignments = (id: string) => ({ assignments: [{ assignee: { id, type: 'user_reference' } }] })

const t = testTickets(ticketRow, pagerduty, {
  tickets: ({ state }) => state.incidents,
  view: ({ fields, status, notes, resolution }) => ({ urgency: undefined, ...fields, status, notes, resolution }),
  id: 'PT4KHL1234',
  refusal: (reason) => ({ error: { message: 'x', errors: [reason] } }),
  defaults: { baseUrl: 'https://api.pagerduty.com' },
  failedChecks: [
    {
      reason: 'The connection needs "email", because PagerDuty accepts changes',
      connection: noEmail,
      kind: 'misconfigured',
    },
    {
      reason: 'PagerDuty has no user with the e-mail address jdoe@',
      connection: { email: 'jdoe@example.com' },
      kind: 'misconfigured',
    },
  ],
  projects: { accepted: ['PIJ90N7', 'Q02JTSNZWHSEKV'], refused: ['My Service', 'pij90n7', '', '../x'] },
  opened() {
    const url = 'https://acme.pagerduty.com/incidents/PT4KHL1234'
    return { id: 'PT4KHL1234', number: '1234', url, state: 'triggered' }
  },
  opens: [
    {
      input: {},
      stored: { type: 'incident', title: 'Checkout fails', service: { id: 'PIJ90N7', type: 'service_reference' } },
    },
    { input: {}, stored: { body: { type: 'incident_body', details: 'Since **14:03**.' }, incident_key: keyOf(1) } },
    {
      input: { type: 'major_incident', fields: conference },
      stored: { incident_type: { name: 'major_incident' }, ...conference },
    },
    { input: { assignee: 'Mia@example.com' }, stored: assignments('PXPGF42') },
    { input: { assignee: 'PXPGF43' }, stored: assignments('PXPGF43') },
    { input: { urgency: 'critical' }, stored: { urgency: 'high' } },
    { input: { urgency: 'medium', severity: 'critical' }, stored: { urgency: 'low' } },
    { input: { severity: 'low', priority: 'critical' }, stored: { urgency: 'low' } },
    { input: { priority: 'High' }, stored: { urgency: 'high' } },
    { input: { priority: 'P1' }, stored: { urgency: undefined } },
    { input: {}, stored: { urgency: undefined } },
  ],
  refusedOpens: [
    { input: { priority: 'Sev1' }, reason: 'PagerDuty has no priority "Sev1". Priorities: P1, P2, P3, P4, P5.' },
    {
      input: { assignee: 'jdoe@example.com' },
      reason: 'PagerDuty has no user with the e-mail address jdoe@example.com. Send the id of the user as assignee.',
    },
    {
      input: { project: 'PNOTHERE', urgency: 'now' },
      reason:
        '400 to POST /incidents: Invalid Input Provided; Service cannot be found; Urgency must be one of: high, low',
    },
    { input: {}, reason: 'From header is required', connection: noEmail },
    { input: {}, reason: 'Requester User Not Found', connection: { email: 'jdoe@example.com' } },
  ],
  unsupported: [
    { input: { labels: ['sev 1'] }, message: 'input.labels are not supported by PagerDuty' },
    { input: { severity: 'SEV-1' }, message: 'input.severity must be critical, high' },
  ],
  ids: {
    accepted: ['PT4KHLK', 'Q02JTSNZWHSEKV', '1234'],
    refused: ['#1234', '../users', 'a b'],
    message: 'must be an incident id such as Q02JTSNZWHSEKV',
  },
  updates: [
    {
      changes: { title: 'All\nfails', urgency: 'low' },
      stored: { title: 'All fails', urgency: 'low' },
    },
    { changes: { priority: 'p2' }, stored: { priority: { id: 'P53ZZP2', type: 'priority_reference' } } },
    {
      changes: { assignee: 'PXPGF42', fields: { escalation_level: 2 } },
      stored: { ...assignments('PXPGF42'), escalation_level: 2 },
    },
    { changes: { id: '1234', title: 'by number' }, stored: { title: 'by number' } },
  ],
  states: [
    ['open', 'triggered'],
    ['Triggered', 'triggered'],
    ['acknowledged', 'acknowledged'],
    ['acknowledged', 'open', 'acknowledged'],
    ['acknowledged', 'closed', 'resolved'],
    ['closed', 'resolved', 'resolved'],
    ['closed', 'open', 'triggered'],
    ['closed', 'triggered', 'triggered'],
    ['closed', 'acknowledged', 'acknowledged'],
  ],
  closes: [
    { input: { resolution: 'Restarted' }, stored: { status: 'resolved', resolution: 'Restarted', notes: [] } },
    { input: {}, stored: { status: 'resolved', resolution: undefined, notes: [] } },
    { input: { id: '1234' }, stored: { status: 'resolved' } },
  ],
})
const { server, check, open, update, close, ticket, calls } = t

test('PagerDuty: the connection test finds the user of its e-mail address', async () => {
  await check()
  expect(server.calls.map(({ path, query }) => [path, query.get('query')])).toEqual([['/users', server.email]])
  expect(server.calls[0]?.headers).toMatchObject({
    authorization: `Token token=${server.token}`,
    accept: 'application/vnd.pagerduty+json;version=2',
    from: server.email,
  })
})

test('PagerDuty: the connection test passes without an e-mail address if the key belongs to a user', async () => {
  server.state.isUserKey = true
  await check({ connection: noEmail })
  expect(server.calls.map(({ path }) => path)).toEqual(['/users/me'])
  expect(await open({}, { connection: noEmail })).toMatchObject({ result: 'pass' })
})

test('PagerDuty: accepts input without labels, and a level of any case', () => {
  expect(pagerduty.checkInput?.({ labels: [], severity: 'HIGH' } as object)).toBeUndefined()
})

describe('PagerDuty: open', () => {
  test('finds a priority by name, else a level by position', async () => {
    const asked = ['p3', 'critical', 'high', 'medium', 'low']
    for (const [at, priority] of asked.entries()) await open({ priority }, { key: keyOf(at + 1) })
    server.state.priorities = server.state.priorities.slice(0, 2)
    await open({ priority: 'low' }, { key: keyOf(9) })
    const found = server.state.incidents.map(({ fields }) => (fields['priority'] as { id: string }).id)
    expect(found).toEqual(['P53ZZP3', 'P53ZZP1', 'P53ZZP2', 'P53ZZP3', 'P53ZZP4', 'P53ZZP2'])
  })

  test.each([true, false])('omits the priority if the account has none (on its plan: %s)', async (onPlan) => {
    server.state.hasPriorities = onPlan
    server.state.priorities = []
    await open({ priority: 'critical' })
    expect(ticket().fields).toMatchObject({ urgency: 'high' })
    expect(ticket().fields['priority']).toBeUndefined()
    const unknown = open({ priority: 'P1' }, { key: keyOf(2) })
    await expectFailure(unknown, { message: 'PagerDuty has no priority "P1". Priorities: none.' })
  })

  test('reports a read-only key, despite the headers of the rate limit', async () => {
    const headers = { 'ratelimit-limit': '960', 'ratelimit-remaining': '900', 'ratelimit-reset': '40' }
    server.failNext(403, { error: { message: 'Access Denied', code: 2010 } }, { on: 'POST', headers })
    await expectFailure(open(), 'refused', 'Access Denied')
  })
})

test('PagerDuty: a repeated open finds the incident that a concurrent attempt created', async () => {
  // The search returns an incident that does not match.
  server.failNext(200, { incidents: [pagerdutyExample('incident')['incident']] }, { on: 'GET' })
  await open()
  expect(t.count()).toBe(1)
  server.state.listsLate = 1
  expect(await open()).toMatchObject({ data: { id: 'PT4KHL1234' } })
  expect(server.calls[0]?.query.get('date_range')).toBe('all')
  expect(t.count()).toBe(1)
})

test('PagerDuty: a repeated open can be retried if PagerDuty refuses a duplicate but does not list the first', async () => {
  await open()
  server.state.listsLate = 2
  await expectFailure(open(), { kind: 'platform', transient: true })
  expect(await open()).toMatchObject({ message: expect.stringContaining('Found') })
})

describe('PagerDuty: update', () => {
  t.withTicket()

  test('adds a new description as a note, once, in addition to a comment', async () => {
    for (const _ of [1, 2]) await update({ description: 'All is different', comment: 'See above' })
    const description = `All is different\n\nRef: caw-${keyOf(1)}-description`
    expect(ticket().notes).toEqual([`See above\n\nRef: caw-${keyOf(1)}`, description])
    expect(calls('PUT')).toEqual([])
  })

  test.each([
    ['open', 'triggered'],
    ['acknowledged', 'acknowledged'],
  ])('reopens a resolved incident with the state %s, and changes it in the same request', async (state, status) => {
    await close()
    expect(await update({ state, title: 'Again' })).toMatchObject({ result: 'pass', data: { state: status } })
    const [, ...changes] = calls('PUT').map(({ body }) => body)
    expect(changes).toEqual([{ incident: { type: 'incident_reference', status, title: 'Again' } }])
  })

  test('reports transitions that PagerDuty does not support', async () => {
    const refusal = (change: string) => ({ message: `PagerDuty cannot change incident 1234 from ${change}.` })
    await update({ state: 'acknowledged' })
    const triggered = refusal('acknowledged to triggered, only to acknowledged or resolved')
    await expectFailure(update({ state: 'triggered' }), triggered)
    await close()
    const merged = refusal('resolved to merged, only to triggered or acknowledged')
    await expectFailure(update({ state: 'merged' }), merged)
    expect((await failureOf(update({ title: 'x' }))).message).toContain('Incident Already Resolved')
  })
})
