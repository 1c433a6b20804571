import { beforeEach, describe, expect, test } from '@jest/globals'
import { pagerduty } from '../../../functions/incident-management/providers/pagerduty.ts'
import { pagerdutyExample, startPagerDuty } from '../../../infra/platforms/pagerduty.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { ticketPlatforms } from '../../e2e/platforms.ts'
import { expectFailure, failureOf, keyOf, startEach } from '../helpers.ts'
import { ticketActions } from './tickets.ts'

const server = startEach(startPagerDuty)
const { check, open, update, close } = ticketActions(
  pagerduty,
  () => ({ baseUrl: server.url, token: server.token, email: server.email }),
  'PT4KHL1234',
  { project: 'PIJ90N7' },
)
const incident = (at = 0) => {
  const found = server.state.incidents[at]
  if (!found) throw new Error(`No incident ${at}`)
  return found
}
const calls = (method: string) => server.calls.filter((call) => call.method === method)

describe('PagerDuty: connection', () => {
  test('the connection test finds the user of its e-mail address', async () => {
    await check()
    expect(server.calls.map(({ path, query }) => [path, query.get('query')])).toEqual([['/users', server.email]])
    expect(server.calls[0]?.headers).toMatchObject({
      authorization: `Token token=${server.token}`,
      accept: 'application/vnd.pagerduty+json;version=2',
      from: server.email,
    })
  })

  test('the connection test passes without an e-mail address if the key belongs to a user', async () => {
    server.state.isUserKey = true
    const connection = { email: undefined }
    await check({ connection })
    expect(server.calls.map(({ path }) => path)).toEqual(['/users/me'])
    expect(await open({}, { connection })).toMatchObject({ result: 'pass' })
  })

  test.each([
    ['there is no e-mail address', undefined, 'The connection needs "email", because PagerDuty accepts changes'],
    ['no user has the e-mail address', 'jdoe@example.com', 'PagerDuty has no user with the e-mail address jdoe@'],
  ])('the connection test fails for an account-level key if %s', async (_, email, message) => {
    const failure = await failureOf(check({ connection: { email } }))
    expect(failure).toMatchObject({ kind: 'misconfigured', message: expect.stringContaining(message) })
  })

  test('defaults to the public API', () => {
    expect(pagerduty.connection.parse({ token: 'a-token' }).baseUrl).toBe('https://api.pagerduty.com')
  })

  test('reports that an account-level key needs an e-mail address', async () => {
    const failure = await failureOf(open({}, { connection: { email: undefined } }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('From header is required') })
    const unknown = await failureOf(open({}, { connection: { email: 'jdoe@example.com' } }))
    expect(unknown.message).toContain('Requester User Not Found')
  })
})

describe('PagerDuty: open', () => {
  test('creates an incident and returns its id, number and link', async () => {
    const url = 'https://acme.pagerduty.com/incidents/PT4KHL1234'
    expect(await open()).toMatchObject({
      result: 'pass',
      data: { id: 'PT4KHL1234', number: '1234', url, state: 'triggered' },
      links: { 'pagerduty 1234': url },
    })
    expect(incident().asked).toEqual({
      type: 'incident',
      title: 'Checkout fails',
      service: { id: 'PIJ90N7', type: 'service_reference' },
      body: { type: 'incident_body', details: 'Since 14:03.' },
      incident_key: keyOf(1),
    })
  })

  test('sets type, user by id or address, and other fields', async () => {
    const fields = { conference_bridge: { conference_url: 'https://x' } }
    await open({ type: 'major_incident', assignee: 'Mia@example.com', fields })
    await open({ assignee: 'PXPGF43' }, { key: keyOf(2) })
    expect(incident(0).asked).toMatchObject({
      incident_type: { name: 'major_incident' },
      assignments: [{ assignee: { id: 'PXPGF42', type: 'user_reference' } }],
      ...fields,
    })
    expect(incident(1).asked).toMatchObject({ assignments: [{ assignee: { id: 'PXPGF43' } }] })
  })

  test.each([
    [{ urgency: 'critical' }, 'high'],
    [{ urgency: 'medium', severity: 'critical' }, 'low'],
    [{ severity: 'low', priority: 'critical' }, 'low'],
    [{ priority: 'High' }, 'high'],
    [{ priority: 'P1' }, undefined],
    [{}, undefined],
  ])('derives from %j the urgency %s', async (input, urgency) => {
    await open(input)
    expect(incident().asked['urgency']).toBe(urgency)
  })

  test('finds a priority by name, else a level by position', async () => {
    const asked = ['p3', 'critical', 'high', 'medium', 'low']
    for (const [at, priority] of asked.entries()) await open({ priority }, { key: keyOf(at + 1) })
    server.state.priorities = server.state.priorities.slice(0, 2)
    await open({ priority: 'low' }, { key: keyOf(9) })
    const found = server.state.incidents.map(({ asked }) => (asked['priority'] as { id: string }).id)
    expect(found).toEqual(['P53ZZP3', 'P53ZZP1', 'P53ZZP2', 'P53ZZP3', 'P53ZZP4', 'P53ZZP2'])
  })

  test.each([true, false])('omits the priority if the account has none (on its plan: %s)', async (onPlan) => {
    server.state.hasPriorities = onPlan
    server.state.priorities = []
    await open({ priority: 'critical' })
    expect(incident().asked).toMatchObject({ urgency: 'high' })
    expect(incident().asked['priority']).toBeUndefined()
    await expectFailure(open({ priority: 'P1' }, { key: keyOf(2) }), {
      message: 'PagerDuty has no priority "P1". Priorities: none.',
    })
  })

  test('creates nothing for an unknown priority or user', async () => {
    await expectFailure(open({ priority: 'Sev1' }), {
      message: 'PagerDuty has no priority "Sev1". Priorities: P1, P2, P3, P4, P5.',
    })
    await expectFailure(open({ assignee: 'jdoe@example.com' }), {
      message: 'PagerDuty has no user with the e-mail address jdoe@example.com. Send the id of the user as assignee.',
    })
    expect(server.state.incidents).toEqual([])
  })

  test('reports the message of PagerDuty if it refuses', async () => {
    const failure = await failureOf(open({ project: 'PNOTHERE', urgency: 'now' }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toBe(
      'PagerDuty answered 400 to POST /incidents: Invalid Input Provided; Service cannot be found; Urgency must be one of: high, low',
    )
  })

  test('reports a read-only key, despite the headers of the rate limit', async () => {
    const headers = { 'ratelimit-limit': '960', 'ratelimit-remaining': '900', 'ratelimit-reset': '40' }
    server.failNext(403, { error: { message: 'Access Denied', code: 2010 } }, { on: 'POST', headers })
    const refused = { kind: 'refused', message: expect.stringContaining('Access Denied') }
    expect(await failureOf(open())).toMatchObject(refused)
  })
})

describe('PagerDuty: input', () => {
  test.each([
    ['PIJ90N7', true],
    ['Q02JTSNZWHSEKV', true],
    ['My Service', false],
    ['pij90n7', false],
    ['', false],
    ['../x', false],
  ])('the id %j of a service is valid: %s', (project, isValid) => {
    expect(pagerduty.project.pattern.test(project)).toBe(isValid)
  })

  test.each([
    ['PT4KHLK', true],
    ['Q02JTSNZWHSEKV', true],
    ['1234', true],
    ['#1234', false],
    ['../users', false],
    ['a b', false],
  ])('the id %j of an incident is valid: %s', (id, isValid) => {
    const check = expect(() => pagerduty.checkRef?.({ id, project: undefined }))
    if (isValid) check.not.toThrow()
    else check.toThrow('must be an incident id such as Q02JTSNZWHSEKV')
  })

  test('refuses fields that PagerDuty does not support', () => {
    expect(() => pagerduty.checkInput?.({ labels: ['sev 1'] })).toThrow('input.labels are not supported by PagerDuty')
    expect(() => pagerduty.checkInput?.({ severity: 'SEV-1' } as object)).toThrow(
      'input.severity must be critical, high',
    )
    expect(pagerduty.checkInput?.({ labels: [], severity: 'HIGH' } as object)).toBeUndefined()
  })
})

describe('PagerDuty: repeated open', () => {
  test('finds the incident after it was resolved', async () => {
    await open()
    await close({}, { key: keyOf(2) })
    expect((await open()).data).toMatchObject({ id: 'PT4KHL1234', state: 'resolved' })
    expect(server.calls[0]?.query.get('date_range')).toBe('all')
  })

  test('finds the incident that a concurrent attempt created', async () => {
    // The search returns an incident that does not match.
    server.failNext(200, { incidents: [pagerdutyExample('incident')['incident']] }, { on: 'GET' })
    await open()
    server.state.listsLate = 1
    expect(await open()).toMatchObject({ data: { id: 'PT4KHL1234' } })
    expect(server.state.incidents).toHaveLength(1)
  })

  test('can be retried if PagerDuty refuses a duplicate but does not list the first', async () => {
    await open()
    server.state.listsLate = 2
    await expectFailure(open(), { kind: 'platform', transient: true })
    expect(await open()).toMatchObject({ message: expect.stringContaining('Found') })
  })
})

describe('PagerDuty: update', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
    server.calls.length = 0
  })

  test('changes the given fields and keeps the rest', async () => {
    const fields = { escalation_level: 2 }
    await update({ title: 'All\nfails', urgency: 'low', priority: 'p2', assignee: 'PXPGF42', fields })
    expect(incident().asked).toMatchObject({
      title: 'All fails',
      urgency: 'low',
      priority: { id: 'P53ZZP2', type: 'priority_reference' },
      assignments: [{ assignee: { id: 'PXPGF42' } }],
      escalation_level: 2,
      body: { details: 'Since 14:03.' },
    })
    expect(calls('PUT')).toHaveLength(1)
  })

  test('adds a new description as a note, once, next to a comment', async () => {
    for (const _ of [1, 2]) await update({ description: 'All is different', comment: 'See above' })
    expect(incident().notes).toEqual([
      `See above\n\nRef: caw-${keyOf(1)}`,
      `All is different\n\nRef: caw-${keyOf(1)}-description`,
    ])
    expect(calls('PUT')).toEqual([])
  })

  test('accepts the number of an incident', async () => {
    await update({ id: '1234', title: 'by number', comment: 'x' })
    expect(incident()).toMatchObject({ asked: { title: 'by number' }, notes: [expect.stringContaining('x')] })
    await close({ id: '1234' })
    expect(incident().status).toBe('resolved')
  })

  test('acknowledges and closes, and does nothing if already in that state', async () => {
    for (const [state, expected] of [
      ['open', 'triggered'],
      ['Triggered', 'triggered'],
      ['acknowledged', 'acknowledged'],
      ['acknowledged', 'acknowledged'],
      ['open', 'acknowledged'],
      ['closed', 'resolved'],
      ['closed', 'resolved'],
      ['resolved', 'resolved'],
    ]) {
      expect(await update({ state })).toMatchObject({ data: { state: expected } })
    }
    expect(calls('PUT')).toHaveLength(2)
  })

  test.each([
    ['open', 'triggered'],
    ['triggered', 'triggered'],
    ['acknowledged', 'acknowledged'],
  ])('reopens a resolved incident with the state %s, and changes it in the same request', async (state, expected) => {
    await close()
    expect(await update({ state, title: 'Again' })).toMatchObject({ result: 'pass', data: { state: expected } })
    expect(await update({ state })).toMatchObject({ data: { state: expected } })
    const [, ...changes] = calls('PUT').map(({ body }) => body)
    expect(changes).toEqual([{ incident: { type: 'incident_reference', status: expected, title: 'Again' } }])
  })

  test('reports transitions that PagerDuty does not support', async () => {
    await update({ state: 'acknowledged' })
    await expectFailure(update({ state: 'triggered' }), {
      message:
        'PagerDuty cannot change incident 1234 from acknowledged to triggered, only to acknowledged or resolved.',
    })
    await close()
    await expectFailure(update({ state: 'merged' }), {
      message: 'PagerDuty cannot change incident 1234 from resolved to merged, only to triggered or acknowledged.',
    })
    expect((await failureOf(update({ title: 'x' }))).message).toContain('Incident Already Resolved')
  })
})

describe('PagerDuty: comment', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
  })

  test('is a note that ends with the idempotency key', async () => {
    await update({ comment: 'Still down' })
    await update({ comment: 'Yes' }, { key: undefined })
    expect(incident().notes).toEqual(['Yes', `Still down\n\nRef: caw-${keyOf(1)}`])
  })
})

describe('PagerDuty: close', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
    server.calls.length = 0
  })

  test.each([{ resolution: 'Restarted' }, { resolution: undefined }])('resolves with %j', async (input) => {
    await close(input)
    expect(incident()).toMatchObject({ status: 'resolved', ...input, notes: [] })
  })
})

ticketConformance(pagerduty, ticketPlatforms['incident-management/pagerduty'], {
  refusal: (reason) => ({ error: { message: 'x', errors: [reason] } }),
})
