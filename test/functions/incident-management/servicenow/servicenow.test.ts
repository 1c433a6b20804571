import { describe, expect, test } from '@jest/globals'
import { servicenow } from '../../../../functions/incident-management/servicenow/servicenow.ts'
import { secretsIn } from '../../../../shared/fields.ts'
import { withState } from '../../../conformance/job.ts'
import { expectFailure, failureOf, keyOf, pauses } from '../../helpers.ts'
import { testTickets } from '../../tickets.ts'
import { ticketRow } from './fake.ts'

const [network, mia] = ['287ebd7da9fe198100f92cc8d1d2154e', '681b365ec0a80164000fb0b05854a0cd']
const noUser = { username: undefined, password: undefined }
const levels = 'critical, high'
const unfound = (found: string) => `ServiceNow shows ${found} to the user of the connection. Send its sys_id.`

const t = testTickets(ticketRow, servicenow, {
  tickets: ({ state }) => state.incidents,
  view: ({ columns, journal }) => ({ assignment_group: undefined, ...columns, journal }),
  id: 'INC0010001',
  refusal: (reason) => ({ error: { message: 'x', detail: reason }, status: 'failure' }),
  check: [{ path: '/api/now/table/incident', headers: { authorization: expect.stringMatching(/^Basic /) } }],
  checks: [
    {
      connection: ({ token }) => ({ ...noUser, token }),
      requests: [{ headers: { authorization: expect.stringMatching(/^Bearer /) } }],
    },
  ],
  failedChecks: [{ reason: 'username and password', connection: { password: undefined }, kind: 'misconfigured' }],
  invalid: [{ table: 'incident?x' }, { table: '../sys_user' }],
  projects: { accepted: ['Service Desk', 'Réseau & co'], refused: ['', 'a^b', 'a\nb'] },
  opened({ url, state }) {
    const { sys_id, number } = state.incidents[0]?.columns ?? {}
    return { id: sys_id, number, url: `${url}/nav_to.do?uri=incident.do%3Fsys_id%3D${sys_id}`, state: 'New' }
  },
  opens: [
    { input: {}, stored: { short_description: 'Checkout fails', description: 'Since **14:03**.' } },
    { input: {}, stored: { correlation_id: keyOf(1), correlation_display: 'cloud-automation-webhooks' } },
    {
      input: { fields: { subcategory: 'dns', correlation_id: 'x' } },
      stored: { subcategory: 'dns', correlation_id: keyOf(1) },
    },
    {
      input: { type: 'network', project: 'network' },
      stored: { category: 'network', assignment_group: network },
    },
    { input: { assignee: 'MIA@example.com' }, stored: { assigned_to: mia } },
    { input: {}, stored: { category: 'software', caller_id: mia }, connection: { type: 'software', callerId: 'mia' } },
    { input: { priority: 'critical' }, stored: { priority: '1' } },
    { input: { priority: 'high' }, stored: { priority: '2', impact: '1', urgency: '2' } },
    { input: { priority: 'medium' }, stored: { priority: '3' } },
    { input: { priority: 'low' }, stored: { priority: '5' } },
    { input: { priority: '4' }, stored: { priority: '4' } },
    // The urgency is preferred to that of the priority.
    {
      input: { priority: 'low', urgency: 'high', severity: 'medium' },
      stored: { impact: '3', urgency: '1', severity: '2' },
    },
    {
      input: { urgency: '2', severity: '1' },
      stored: { urgency: '2', severity: '1' },
    },
  ],
  refusedOpens: [
    { input: { project: 'Unknown' }, reason: unfound('no active assignment group "Unknown"') },
    { input: { assignee: 'old' }, reason: unfound('no active user "old"') },
    { input: { assignee: 'Noah Weber' }, reason: unfound('more than one active user "Noah Weber"') },
  ],
  unsupported: [
    { input: { labels: ['sev 1'] }, message: 'input.labels are not supported by ServiceNow' },
    { input: { priority: 'P1' }, message: `input.priority must be ${levels}` },
  ],
  ids: {
    accepted: ['INC0010001', 'inc0010001', 'c537bae64f411200adf9f8e18110c76e'],
    refused: ['INC1^active=true', '../sys_user', '7', 'INC'],
    message: 'must be an incident number such as INC0010002',
  },
  updates: [
    // By impact and urgency.
    { changes: { priority: 'high' }, stored: { priority: '2', impact: '1', urgency: '2' } },
    {
      changes: { title: 'All fails', type: 'network' },
      stored: { short_description: 'All fails', category: 'network' },
    },
    {
      changes: { assignee: 'mia', fields: { close_notes: 'n' } },
      stored: { assigned_to: mia, close_notes: 'n' },
    },
    // The assignment group stays.
    {
      changes: { title: 'x', project: 'Network' },
      stored: { short_description: 'x', assignment_group: undefined },
    },
    { changes: { id: 'inc0010001', title: 'by number' }, stored: { short_description: 'by number' } },
  ],
  refusedUpdates: [
    {
      input: { state: 'In Progress' },
      reason: 'ServiceNow accepted the request but did not set the state of INC0010001: it is still New.',
      change: withState({ readOnly: ['state'] }),
    },
    {
      input: { state: 'Frozen' },
      reason:
        'Unknown state "Frozen". States of this connection: New, In Progress, On Hold, Resolved, Closed, Canceled.',
    },
    {
      input: { id: 'INC0099999', title: 'x' },
      reason: 'ServiceNow has no INC0099999 in incident that the user of the connection can see.',
    },
    {
      input: { id: 'f'.repeat(32), title: 'x' },
      reason: "No Record found; Record doesn't exist or ACL restricts the record retrieval",
    },
  ],
  refusedCloses: [
    {
      input: {},
      reason: 'The following fields are mandatory: Resolution code',
      change: withState({ readOnly: ['close_code'] }),
    },
  ],
  states: [
    ['open', 'New'],
    ['on hold', 'On Hold'],
    ['on hold', '3', 'On Hold'],
    ['2', 'In Progress'],
    ['2', 'open', 'In Progress'],
    ['closed', 'Resolved'],
    ['closed', 'open', 'In Progress'],
    ['Canceled', 'Canceled'],
  ],
  closes: [
    {
      input: {},
      stored: { state: '6', close_code: 'Solution provided', close_notes: 'Closed by cloud-automation-webhooks' },
    },
    {
      input: { resolution: 'Known error', comment: 'Restarted' },
      stored: { close_code: 'Known error', close_notes: 'Restarted' },
    },
  ],
})
const { server, open, update, close, ticket, count, calls } = t

test('ServiceNow: declares a token as a secret', () => {
  expect(secretsIn(servicenow.connection, { token: 'a-token' })).toEqual(['a-token'])
})

test('ServiceNow: accepts input without labels, and a level of any case', () => {
  expect(servicenow.checkInput?.({ labels: [], priority: 'HIGH' })).toBeUndefined()
})

describe('ServiceNow: open', () => {
  test('uses ids without looking them up', async () => {
    await open({ project: network, assignee: mia })
    expect(new Set(server.calls.map(({ path }) => path))).toEqual(new Set(['/api/now/table/incident']))
    expect(ticket().columns).toMatchObject({ assignment_group: network, assigned_to: mia })
  })

  test.each(['mia^ORname!=x', 'javascript:gs.getUserID()', 'JavaScript:x', 'a\nb'])(
    'refuses a value that would change the query: %j',
    async (assignee) => {
      await expectFailure(open({ assignee }), 'invalid')
      expect(server.calls.filter(({ path }) => path.endsWith('sys_user'))).toEqual([])
    },
  )

  test('reports the message of ServiceNow if it refuses, despite the headers of a limit rule', async () => {
    Object.assign(server.state, { mayWrite: false, hasLimitRule: true })
    const message = 'Operation Failed; ACL Exception Insert Failed due to security constraints'
    await expectFailure(open(), {
      kind: 'refused',
      status: 422,
      mayHaveWritten: false,
      message: `ServiceNow answered 403 to POST /api/now/table/incident: ${message}`,
    })
  })
})

describe('ServiceNow: repeated open', () => {
  test('finds the incident that ServiceNow is still creating', async () => {
    server.failNext(504, 'Gateway Time-out', { on: 'POST', done: true })
    await failureOf(open())
    server.state.listsLate = 2
    await open({}, { isRetry: true })
    expect(count()).toBe(1)
  })

  test('creates the incident if none is found within three seconds', async () => {
    await open({}, { isRetry: true })
    expect(pauses.reduce((sum, pause) => sum + pause)).toBe(3_000)
    expect(count()).toBe(1)
  })

  test('creates nothing if ServiceNow ignores the condition of the search', async () => {
    await open()
    server.state.unsearchable = ['correlation_id']
    const message = 'ServiceNow cannot search incident by correlation_id. Use a table that extends task.'
    await expectFailure(open({}, { key: keyOf(2) }), { kind: 'refused', message })
  })
})

describe('ServiceNow: an earlier incident', () => {
  t.withTicket()

  test('is found by its sys_id without a search', async () => {
    await update({ id: ticket().columns['sys_id'], title: 'by id' })
    expect(ticket().columns['short_description']).toBe('by id')
    expect(server.calls.some(({ query }) => query.has('sysparm_query'))).toBe(false)
  })

  test('has the states of the connection', async () => {
    const states = { Resolved: '18', 'Awaiting Vendor': '-5' }
    const connection = { states, resolution: 'Known error', closeNotes: 'Done' }
    expect((await update({ state: 'awaiting vendor' }, { connection })).data['state']).toBe('Awaiting Vendor')
    expect((await update({ state: 'closed' }, { connection })).data['state']).toBe('Resolved')
    expect(ticket().columns).toMatchObject({ state: '18', close_code: 'Known error', close_notes: 'Done' })
    expect(await update({ state: '77' })).toMatchObject({ data: { state: '77' } })
  })

  test('is canceled after it was resolved', async () => {
    for (const state of ['closed', 'Canceled']) await update({ state })
    expect(ticket().columns).toMatchObject({ active: 'false', close_code: 'Solution provided' })
  })

  test('gets a work note with the idempotency key, or a comment for the caller', async () => {
    await update({ comment: 'Still down' })
    await update({ comment: 'Dear you' }, { connection: { comments: 'comments' }, key: undefined })
    expect(ticket().journal).toEqual([
      { element: 'comments', value: 'Dear you' },
      { element: 'work_notes', value: `Still down\n\nRef: caw-${keyOf(1)}` },
    ])
  })

  test('is closed already if it is inactive', async () => {
    server.setColumns(ticket().columns['sys_id'], { state: '99', active: 'false' })
    expect(await close()).toMatchObject({ message: expect.stringContaining('was closed already (99)') })
    expect(calls('PATCH')).toEqual([])
  })
})
