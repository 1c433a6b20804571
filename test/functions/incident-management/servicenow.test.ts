import { beforeEach, describe, expect, test } from '@jest/globals'
import { servicenow } from '../../../functions/incident-management/providers/servicenow.ts'
import { startServiceNow } from '../../../infra/platforms/servicenow/server.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { ticketPlatforms } from '../../e2e/platforms.ts'
import { expectFailure, failureOf, keyOf, startEach } from '../helpers.ts'
import { ticketActions } from './tickets.ts'

const server = startEach(startServiceNow)
const { check, open, update, close } = ticketActions(
  servicenow,
  () => ({ baseUrl: server.url, username: server.username, password: server.password }),
  'INC0010001',
)
const incident = (at = 0) => {
  const found = server.state.incidents[at]
  if (!found) throw new Error(`No incident ${at}`)
  return found
}
const calls = (method: string) => server.calls.filter((call) => call.method === method)

describe('ServiceNow: connection', () => {
  test('the connection test reads the table of incidents', async () => {
    await check()
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/now/table/incident'])
    expect(server.calls[0]?.headers['authorization']).toMatch(/^Basic /)
  })

  test('sends a token as a bearer token, and declares it as a secret', async () => {
    const oauth = { username: undefined, password: undefined, token: server.token }
    await check({ connection: oauth })
    expect(server.calls[0]?.headers['authorization']).toBe(`Bearer ${server.token}`)
    expect(secretsIn(servicenow.connection, oauth)).toEqual([server.token])
  })

  test('requires a token or a password', async () => {
    const failure = await failureOf(check({ connection: { password: undefined } }))
    expect(failure).toMatchObject({ kind: 'misconfigured', message: expect.stringContaining('username and password') })
  })

  test.each(['incident?x', '../sys_user'])('rejects the table %s', (table) => {
    expect(() => servicenow.connection.parse({ baseUrl: server.url, token: 'a-token', table })).toThrow()
  })
})

describe('ServiceNow: open', () => {
  test('creates an incident and returns its id, number and link', async () => {
    const { data, links } = await open()
    const { sys_id, number } = incident().columns
    const url = `${server.url}/nav_to.do?uri=incident.do%3Fsys_id%3D${sys_id}`
    expect(data).toEqual({ id: sys_id, number, url, state: 'New' })
    expect(links).toEqual({ 'servicenow INC0010001': url })
    expect(incident().columns).toMatchObject({
      short_description: 'Checkout fails',
      description: 'Since 14:03.',
      correlation_id: keyOf(1),
      correlation_display: 'cloud-automation-webhooks',
    })
  })

  test('sets category, group, user and other fields', async () => {
    const fields = { subcategory: 'dns', correlation_id: 'x' }
    await open({ type: 'network', project: 'network', assignee: 'MIA@example.com', fields })
    expect(incident().columns).toMatchObject({
      category: 'network',
      assignment_group: '287ebd7da9fe198100f92cc8d1d2154e',
      assigned_to: '681b365ec0a80164000fb0b05854a0cd',
      subcategory: 'dns',
      correlation_id: keyOf(1),
    })
  })

  test('uses ids without looking them up', async () => {
    await open({ project: '287ebd7da9fe198100f92cc8d1d2154e', assignee: '681b365ec0a80164000fb0b05854a0cd' })
    expect(new Set(server.calls.map(({ path }) => path))).toEqual(new Set(['/api/now/table/incident']))
    expect(incident().columns['assigned_to']).toBe('681b365ec0a80164000fb0b05854a0cd')
  })

  test('defaults to the category and caller of the connection', async () => {
    await open({}, { connection: { type: 'software', callerId: 'mia' } })
    expect(incident().columns).toMatchObject({ category: 'software', caller_id: '681b365ec0a80164000fb0b05854a0cd' })
  })

  test.each([
    ['critical', '1'],
    ['high', '2'],
    ['medium', '3'],
    ['low', '5'],
    ['4', '4'],
  ])('sets the priority %s by impact and urgency', async (priority, expected) => {
    await open({ priority })
    expect(incident().columns['priority']).toBe(expected)
  })

  test('accepts urgency and severity as levels and numbers, and prefers the urgency to that of the priority', async () => {
    await open({ priority: 'low', urgency: 'high', severity: 'medium' })
    await open({ urgency: '2', severity: '1' }, { key: keyOf(2) })
    expect(incident(0).columns).toMatchObject({ impact: '3', urgency: '1', severity: '2' })
    expect(incident(1).columns).toMatchObject({ urgency: '2', severity: '1' })
  })

  test.each([
    [{ project: 'Unknown' }, 'no active assignment group "Unknown"'],
    [{ assignee: 'old' }, 'no active user "old"'],
    [{ assignee: 'Noah Weber' }, 'more than one active user "Noah Weber"'],
  ])('creates nothing for the unknown, inactive or ambiguous %j', async (input, found) => {
    const failure = await failureOf(open(input))
    expect(failure.kind).toBe('refused')
    expect(failure.message).toBe(`ServiceNow shows ${found} to the user of the connection. Send its sys_id.`)
    expect(server.state.incidents).toEqual([])
  })

  test.each(['mia^ORname!=x', 'javascript:gs.getUserID()', 'JavaScript:x', 'a\nb'])(
    'refuses a value that would change the query: %j',
    async (assignee) => {
      await expectFailure(open({ assignee }), 'invalid')
      expect(server.calls.filter(({ path }) => path.endsWith('sys_user'))).toEqual([])
    },
  )

  test('reports the message of ServiceNow if it refuses, despite the headers of a limit rule', async () => {
    server.state.mayWrite = false
    server.state.hasLimitRule = true
    const message = 'Operation Failed; ACL Exception Insert Failed due to security constraints'
    expect(await failureOf(open())).toMatchObject({
      ...{ kind: 'refused', status: 422, mayHaveWritten: false },
      message: `ServiceNow answered 403 to POST /api/now/table/incident: ${message}`,
    })
  })
})

describe('ServiceNow: input', () => {
  test.each([
    ['INC0010001', true],
    ['inc0010001', true],
    ['c537bae64f411200adf9f8e18110c76e', true],
    ['INC1^active=true', false],
    ['../sys_user', false],
    ['7', false],
    ['INC', false],
  ])('the id %s is valid: %s', (id, isValid) => {
    const check = expect(() => servicenow.checkRef?.({ id, project: undefined }))
    if (isValid) check.not.toThrow()
    else check.toThrow('must be an incident number such as INC0010002')
  })

  test.each([
    ['Service Desk', true],
    ['Réseau & co', true],
    ['', false],
    ['a^b', false],
    ['a\nb', false],
  ])('the name %j of a group is valid: %s', (project, isValid) => {
    expect(servicenow.project.pattern.test(project)).toBe(isValid)
  })

  test('refuses fields that ServiceNow does not support', () => {
    expect(() => servicenow.checkInput?.({ labels: ['sev 1'] })).toThrow('input.labels are not supported by ServiceNow')
    expect(() => servicenow.checkInput?.({ priority: 'P1' })).toThrow('input.priority must be critical, high')
    expect(servicenow.checkInput?.({ labels: [], priority: 'HIGH' })).toBeUndefined()
  })
})

describe('ServiceNow: repeated open', () => {
  test('finds the incident after it was closed', async () => {
    await open()
    await close({}, { key: keyOf(2) })
    expect(await open()).toMatchObject({ data: { number: 'INC0010001', state: 'Resolved' } })
    expect(calls('POST')).toHaveLength(1)
  })

  test('finds the incident that ServiceNow is still creating', async () => {
    server.failNext(504, 'Gateway Time-out', { on: 'POST', done: true })
    await failureOf(open())
    server.state.listsLate = 2
    await open({}, { isRetry: true })
    expect(server.state.incidents).toHaveLength(1)
  })

  test('creates the incident if none is found within three seconds', async () => {
    const startedAt = Date.now()
    await open({}, { isRetry: true })
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(2_900)
    expect(server.state.incidents).toHaveLength(1)
  })

  test('creates nothing if ServiceNow ignores the condition of the search', async () => {
    await open()
    server.state.unsearchable = ['correlation_id']
    await expectFailure(open({}, { key: keyOf(2) }), {
      kind: 'refused',
      message: 'ServiceNow cannot search incident by correlation_id. Use a table that extends task.',
    })
  })
})

describe('ServiceNow: update', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
    server.calls.length = 0
  })

  test('changes the given fields and keeps the rest', async () => {
    const fields = { close_notes: 'n' }
    await update({ title: 'All fails', priority: 'high', type: 'network', assignee: 'mia', fields })
    expect(incident().columns).toMatchObject({
      short_description: 'All fails',
      description: 'Since 14:03.',
      priority: '2',
      category: 'network',
      assigned_to: '681b365ec0a80164000fb0b05854a0cd',
      close_notes: 'n',
    })
    expect(calls('PATCH')).toHaveLength(1)
  })

  test('keeps the assignment group', async () => {
    await update({ title: 'x', project: 'Network' })
    expect(incident().columns['assignment_group']).toBeUndefined()
  })

  test('accepts the sys_id and the number', async () => {
    await update({ id: incident().columns['sys_id'], title: 'by id' })
    expect(incident().columns['short_description']).toBe('by id')
    expect(server.calls.some(({ query }) => query.has('sysparm_query'))).toBe(false)
    await update({ id: 'inc0010001', title: 'by number' })
    expect(incident().columns['short_description']).toBe('by number')
  })

  test('sets a state by name or number, closes and reopens', async () => {
    for (const [state, expected] of [
      ['open', 'New'],
      ['on hold', 'On Hold'],
      ['3', 'On Hold'],
      ['2', 'In Progress'],
      ['open', 'In Progress'],
      ['closed', 'Resolved'],
      ['closed', 'Resolved'],
      ['open', 'In Progress'],
      ['Canceled', 'Canceled'],
    ]) {
      expect(await update({ state })).toMatchObject({ data: { state: expected } })
    }
    expect(calls('PATCH')).toHaveLength(5)
    expect(incident().columns).toMatchObject({ active: 'false', close_code: 'Solution provided' })
  })

  test('uses the states of the connection', async () => {
    const states = { Resolved: '18', 'Awaiting Vendor': '-5' }
    const connection = { states, resolution: 'Known error', closeNotes: 'Done' }
    expect((await update({ state: 'awaiting vendor' }, { connection })).data['state']).toBe('Awaiting Vendor')
    expect((await update({ state: 'closed' }, { connection })).data['state']).toBe('Resolved')
    expect(incident().columns).toMatchObject({ state: '18', close_code: 'Known error', close_notes: 'Done' })
    expect(await update({ state: '77' })).toMatchObject({ data: { state: '77' } })
  })

  test('lists the states if the requested one is unknown', async () => {
    await expectFailure(update({ state: 'Frozen' }), {
      message:
        'Unknown state "Frozen". States of this connection: New, In Progress, On Hold, Resolved, Closed, Canceled.',
    })
  })

  test('fails if ServiceNow returns 200 without setting the state', async () => {
    server.state.readOnly = ['state']
    await expectFailure(update({ state: 'In Progress' }), {
      message: 'ServiceNow accepted the request but did not set the state of INC0010001: it is still New.',
    })
  })

  test.each([
    ['INC0099999', 'ServiceNow has no INC0099999 in incident that the user of the connection can see.'],
    ['f'.repeat(32), "No Record found; Record doesn't exist or ACL restricts the record retrieval"],
  ])('reports that there is no incident %s', async (id, message) => {
    expect((await failureOf(update({ id, title: 'x' }))).message).toContain(message)
  })
})

describe('ServiceNow: comment', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
  })

  test('is a work note with the idempotency key, or a comment for the caller', async () => {
    await update({ comment: 'Still down' })
    await update({ comment: 'Dear you' }, { connection: { comments: 'comments' }, key: undefined })
    expect(incident().journal).toEqual([
      { element: 'comments', value: 'Dear you' },
      { element: 'work_notes', value: `Still down\n\nRef: caw-${keyOf(1)}` },
    ])
  })
})

describe('ServiceNow: close', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
    server.calls.length = 0
  })

  test('resolves with code and notes of the connection', async () => {
    expect(await close()).toMatchObject({ result: 'pass', data: { state: 'Resolved' } })
    expect(incident().columns).toMatchObject({
      state: '6',
      close_code: 'Solution provided',
      close_notes: 'Closed by cloud-automation-webhooks',
    })
  })

  test('uses the resolution as code and the comment as notes', async () => {
    await close({ resolution: 'Known error', comment: 'Restarted' })
    expect(incident().columns).toMatchObject({ close_code: 'Known error', close_notes: 'Restarted' })
  })

  test('passes if the incident is inactive', async () => {
    server.setColumns(incident().columns['sys_id'], { state: '99', active: 'false' })
    expect(await close()).toMatchObject({ message: expect.stringContaining('was closed already (99)') })
    expect(calls('PATCH')).toEqual([])
  })

  test('reports a data policy of the instance', async () => {
    server.state.readOnly = ['close_code']
    expect((await failureOf(close())).message).toContain('The following fields are mandatory: Resolution code')
    expect(incident().columns['state']).toBe('1')
  })
})

ticketConformance(servicenow, ticketPlatforms['incident-management/servicenow'], {
  refusal: (reason) => ({ error: { message: 'x', detail: reason }, status: 'failure' }),
})
