import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { pagerduty } from '../../../functions/incident-management/providers/pagerduty.ts'
import { type PagerDutyServer, pagerdutyExample, startPagerDuty } from '../../../infra/platforms/pagerduty.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { clientOf, failureOf, keyOf } from '../helpers.ts'

let server: PagerDutyServer
beforeEach(async () => {
  server = await startPagerDuty()
})
afterEach(() => server.close())

type Options = Parameters<typeof clientOf>[2] & { connection?: object }

const values = (more: object = {}) =>
  pagerduty.connection.parse({ baseUrl: server.url, token: server.token, email: server.email, ...more })
const client = ({ connection, ...options }: Options = {}) => clientOf(pagerduty, values(connection), options)
const incident = (at = 0) => {
  const found = server.state.incidents[at]
  if (!found) throw new Error(`There is no incident ${at}`)
  return found
}
const problem = { title: 'Checkout fails', description: 'Since 14:03.', project: 'PIJ90N7' }
const open = (input = {}, options?: Options) => openTicket.run(pagerduty, client(options), { ...problem, ...input })
const update = (input: object, options?: Options) =>
  updateTicket.run(pagerduty, client(options), { id: 'PT4KHL1234', ...input })
const close = (input = {}, options?: Options) =>
  closeTicket.run(pagerduty, client(options), { id: 'PT4KHL1234', ...input })
const calls = (method: string) => server.calls.filter((call) => call.method === method)

describe('the connection', () => {
  test('is checked by looking for the user of its e-mail address', async () => {
    await pagerduty.check(client())
    expect(server.calls.map(({ path, query }) => [path, query.get('query')])).toEqual([['/users', server.email]])
    expect(server.calls[0]?.headers).toMatchObject({
      authorization: `Token token=${server.token}`,
      accept: 'application/vnd.pagerduty+json;version=2',
      from: server.email,
    })
  })

  test('passes its check without an e-mail address if the key belongs to a user', async () => {
    server.state.isUserKey = true
    const connection = { email: undefined }
    await pagerduty.check(client({ connection }))
    expect(server.calls.map(({ path }) => path)).toEqual(['/users/me'])
    expect(await open({}, { connection })).toMatchObject({ result: 'pass' })
  })

  test.each([
    ['it has none', undefined, 'The connection needs "email": PagerDuty accepts changes with an account-level key'],
    ['no user has it', 'nobody@example.com', 'no user with the address in "email" of the connection: nobody@example'],
  ])('fails its check with an account-level key and an e-mail address if %s', async (_, email, message) => {
    const failure = await failureOf(Promise.resolve(pagerduty.check(client({ connection: { email } }))))
    expect(failure).toMatchObject({ kind: 'misconfigured', message: expect.stringContaining(message) })
  })

  test('goes to PagerDuty unless it says where', () => {
    expect(pagerduty.connection.parse({ token: 'a-token' }).baseUrl).toBe('https://api.pagerduty.com')
  })

  test('says that a token is wrong, and not which', async () => {
    const failure = await failureOf(pagerduty.check(client({ connection: { token: 'a-wrong-token' } })))
    expect(failure).toMatchObject({ kind: 'credentials', message: expect.stringContaining('Access Denied') })
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('says that a key of the account needs an e-mail address', async () => {
    const failure = await failureOf(open({}, { connection: { email: undefined } }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('From header is required') })
    const nobody = await failureOf(open({}, { connection: { email: 'nobody@example.com' } }))
    expect(nobody.message).toContain('Requester User Not Found')
  })

  test('has its token masked wherever it turns up', () => {
    expect(secretsIn(pagerduty.connection, values())).toEqual([server.token])
  })

  test('knows services by their id', () => {
    for (const project of ['PIJ90N7', 'Q02JTSNZWHSEKV']) expect(pagerduty.project.pattern.test(project)).toBe(true)
    for (const project of ['My Service', 'pij90n7', '', '../x']) {
      expect(pagerduty.project.pattern.test(project)).toBe(false)
    }
  })
})

describe('open', () => {
  test('makes an incident and answers its id, number and link', async () => {
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

  test('sets type, user by id or address, and what only PagerDuty knows', async () => {
    await open({
      type: 'major_incident',
      assignee: 'Mia@example.com',
      fields: { conference_bridge: { conference_url: 'https://x' } },
    })
    await open({ assignee: 'PXPGF43' }, { key: keyOf(2) })
    expect(incident(0).asked).toMatchObject({
      incident_type: { name: 'major_incident' },
      assignments: [{ assignee: { id: 'PXPGF42', type: 'user_reference' } }],
      conference_bridge: { conference_url: 'https://x' },
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
  ])('takes the urgency of %j to be %s', async (input, urgency) => {
    await open(input)
    expect(incident().asked['urgency']).toBe(urgency)
  })

  test('finds a priority by its name, else a level by its place', async () => {
    const asked = ['p3', 'critical', 'high', 'medium', 'low']
    for (const [at, priority] of asked.entries()) await open({ priority }, { key: keyOf(at + 1) })
    server.state.priorities = server.state.priorities.slice(0, 2)
    await open({ priority: 'low' }, { key: keyOf(9) })
    const found = server.state.incidents.map(({ asked }) => (asked['priority'] as { id: string }).id)
    expect(found).toEqual(['P53ZZP3', 'P53ZZP1', 'P53ZZP2', 'P53ZZP3', 'P53ZZP4', 'P53ZZP2'])
  })

  test.each([true, false])('does without a priority where the account has none (on its plan: %s)', async (onPlan) => {
    server.state.hasPriorities = onPlan
    server.state.priorities = []
    await open({ priority: 'critical' })
    expect(incident().asked).toMatchObject({ urgency: 'high' })
    expect(incident().asked['priority']).toBeUndefined()
    expect((await failureOf(open({ priority: 'P1' }, { key: keyOf(2) }))).message).toBe(
      'PagerDuty has no priority "P1"; the account has: none.',
    )
  })

  test('makes nothing of a name that is not there', async () => {
    expect((await failureOf(open({ priority: 'Sev1' }))).message).toBe(
      'PagerDuty has no priority "Sev1"; the account has: P1, P2, P3, P4, P5.',
    )
    expect((await failureOf(open({ assignee: 'nobody@example.com' }))).message).toBe(
      'PagerDuty knows nobody by nobody@example.com: write the id of the user as assignee.',
    )
    expect(server.state.incidents).toEqual([])
  })

  test('writes the title on one line, and where it is too long, whole at the top of the details', async () => {
    const title = `Checkout\n${'x'.repeat(1_100)}`
    await open({ title })
    expect(incident().asked['title']).toBe(`Checkout ${'x'.repeat(1_014)}…`)
    expect(incident().asked['body']).toMatchObject({ details: `${title}\n\nSince 14:03.` })
  })

  test('says in the words of PagerDuty why it is refused', async () => {
    const failure = await failureOf(open({ project: 'PNOTHERE', urgency: 'now' }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toBe(
      'PagerDuty answered 400 to POST /incidents: Invalid Input Provided; Service cannot be found; Urgency must be one of: high, low',
    )
  })

  test('says that a key may not write, though each answer says when the limit starts anew', async () => {
    server.failNext(
      403,
      { error: { message: 'Access Denied', code: 2010 } },
      {
        on: 'POST',
        headers: { 'ratelimit-limit': '960', 'ratelimit-remaining': '900', 'ratelimit-reset': '40' },
      },
    )
    expect(await failureOf(open())).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('Access Denied'),
    })
  })
})

describe('an input', () => {
  test('that PagerDuty has nothing for is not dropped in silence', () => {
    expect(() => pagerduty.checkInput?.({ labels: ['sev 1'] })).toThrow('input.labels is of no use')
    expect(() => pagerduty.checkInput?.({ severity: 'SEV-1' } as object)).toThrow('input.severity is none of PagerDuty')
    expect(pagerduty.checkInput?.({ labels: [], severity: 'HIGH' } as object)).toBeUndefined()
  })

  test('names an incident by id or number, and nothing else', () => {
    for (const id of ['PT4KHLK', 'Q02JTSNZWHSEKV', '1234']) {
      expect(pagerduty.checkRef?.({ id, project: undefined })).toBeUndefined()
    }
    for (const id of ['#1234', '../users', 'a b', '']) {
      expect(() => pagerduty.checkRef?.({ id, project: undefined })).toThrow('write it like Q02JTSNZWHSEKV')
    }
  })
})

describe('a repeat of open', () => {
  test('finds the incident, resolved or not', async () => {
    await open()
    await close({}, { key: keyOf(2) })
    expect(await open()).toMatchObject({
      data: { id: 'PT4KHL1234', state: 'resolved' },
      message: expect.stringContaining('Found'),
    })
    expect(calls('POST')).toHaveLength(1)
    expect(server.calls[0]?.query.get('date_range')).toBe('all')
  })

  test('finds the incident whose making was not answered', async () => {
    server.loseNext('POST')
    expect(await failureOf(open())).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true })
    await open({}, { isRetry: true })
    expect(server.state.incidents).toHaveLength(1)
  })

  test('finds the incident that another try made in the meantime', async () => {
    await open()
    server.state.listsLate = 1
    expect(await open()).toMatchObject({ data: { id: 'PT4KHL1234' } })
    expect(server.state.incidents).toHaveLength(1)
  })

  test('is to be tried again where PagerDuty refuses a second one and does not list the first', async () => {
    await open()
    server.state.listsLate = 2
    expect(await failureOf(open())).toMatchObject({ kind: 'platform', transient: true })
    expect(await open()).toMatchObject({ message: expect.stringContaining('Found') })
  })

  test('makes another incident for another key, and takes none for its own that has another', async () => {
    await open()
    server.failNext(200, { incidents: [pagerdutyExample('incident')['incident']] }, { on: 'GET' })
    await open({}, { key: keyOf(2) })
    await open({}, { key: undefined })
    expect(server.state.incidents).toHaveLength(3)
  })
})

describe('update', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
    server.calls.length = 0
  })

  test('changes what is given and leaves the rest', async () => {
    const result = await update({
      title: 'All\nfails',
      urgency: 'low',
      priority: 'p2',
      assignee: 'PXPGF42',
      fields: { escalation_level: 2 },
    })
    expect(result).toMatchObject({ data: { id: 'PT4KHL1234', number: '1234', state: 'triggered' } })
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

  test('writes a new description as a note, once, beside a comment of the same call', async () => {
    for (const _ of [1, 2]) await update({ description: 'All is different', comment: 'See above' })
    expect(incident().notes).toEqual([
      `See above\n\nRef: caw-${keyOf(1)}`,
      `All is different\n\nRef: caw-${keyOf(1)}-description`,
    ])
    expect(calls('PUT')).toEqual([])
  })

  test('takes the number as well as the id', async () => {
    await update({ id: '1234', title: 'by number', comment: 'x' })
    expect(incident()).toMatchObject({ asked: { title: 'by number' }, notes: [expect.stringContaining('x')] })
    await close({ id: '1234' })
    expect(incident().status).toBe('resolved')
  })

  test('goes to acknowledged and to closed, and stays where it is there', async () => {
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
    expect(
      calls('PUT')
        .slice(1)
        .map(({ body }) => body),
    ).toEqual([{ incident: { type: 'incident_reference', status: expected, title: 'Again' } }])
  })

  test('says what PagerDuty does not do', async () => {
    await update({ state: 'acknowledged' })
    expect((await failureOf(update({ state: 'triggered' }))).message).toBe(
      'PagerDuty cannot change incident 1234 from acknowledged to triggered, only to acknowledged or resolved.',
    )
    await close()
    expect((await failureOf(update({ state: 'merged' }))).message).toBe(
      'PagerDuty cannot change incident 1234 from resolved to merged, only to triggered or acknowledged.',
    )
    expect((await failureOf(update({ title: 'x' }))).message).toContain('Incident Already Resolved')
  })

  test('says that there is no such incident', async () => {
    const failure = await failureOf(update({ id: 'PNOTHERE', title: 'x' }))
    expect(failure).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('404 to GET /incidents/PNOTHERE: Not Found'),
    })
  })
})

describe('a comment', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
  })

  test('is a note that ends with the key, if there is one', async () => {
    await update({ comment: 'Still down' })
    await update({ comment: 'Yes' }, { key: undefined })
    expect(incident().notes).toEqual(['Yes', `Still down\n\nRef: caw-${keyOf(1)}`])
  })

  test('is made once for a key, and again for another', async () => {
    for (const key of [keyOf(1), keyOf(1), keyOf(2)]) await update({ comment: 'x' }, { key })
    expect(incident().notes).toHaveLength(2)
  })

  test('is made once where its making was not answered', async () => {
    server.loseNext('POST')
    expect(await failureOf(update({ comment: 'x' }))).toMatchObject({ mayHaveWritten: true, transient: true })
    await update({ comment: 'x' }, { isRetry: true })
    expect(incident().notes).toHaveLength(1)
  })
})

describe('close', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
    server.calls.length = 0
  })

  test('comments once, resolves once and passes where it is resolved already', async () => {
    expect(await close({ resolution: 'Restarted', comment: 'Bye' })).toMatchObject({ data: { state: 'resolved' } })
    expect(await close({ resolution: 'Restarted', comment: 'Bye' })).toMatchObject({
      message: expect.stringContaining('was closed already (resolved)'),
    })
    expect(incident()).toMatchObject({ resolution: 'Restarted', notes: [expect.stringContaining('Bye')] })
    expect(calls('PUT')).toHaveLength(1)
  })

  test('needs no resolution', async () => {
    await close()
    expect(incident()).toMatchObject({ status: 'resolved', resolution: undefined, notes: [] })
  })

  test('is refused where the key may not write', async () => {
    server.state.mayWrite = false
    expect(await failureOf(close())).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('Access Denied'),
    })
  })
})

describe('where PagerDuty fails', () => {
  const actions = { open: () => open(), update: () => update({ title: 'x' }), close: () => close() }

  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
  })

  for (const [name, act] of Object.entries(actions)) {
    test(`${name} can be tried again after a 5xx`, async () => {
      server.failNext(500, { error: { message: 'Internal Server Error', code: 2000 } })
      const failure = await failureOf(act())
      expect(failure).toMatchObject({ kind: 'platform', transient: true })
      expect(failure.message).toContain('Internal Server Error')
    })

    test(`${name} can be tried again after a connection that breaks`, async () => {
      server.down()
      expect(await failureOf(act())).toMatchObject({ kind: 'platform', transient: true })
    })

    test(`${name} leaves no secret in what it says`, async () => {
      server.failNext(400, { error: { message: 'x', errors: [`no ${server.token}`] } })
      expect((await failureOf(act())).message).toContain('no ***')
    })
  }

  test('it may be asked again when it says so', async () => {
    const headers = { 'ratelimit-limit': '960', 'ratelimit-remaining': '0', 'ratelimit-reset': '40' }
    server.failNext(429, { error: { message: 'Rate Limit Exceeded', code: 2020 } }, { headers })
    expect(await failureOf(close())).toMatchObject({ kind: 'platform', transient: true, retryAfter: 40 })
  })

  test('it is not waited for longer than there is time', async () => {
    server.hang()
    expect(await failureOf(open({}, { deadline: 500 }))).toMatchObject({ kind: 'timeout', transient: true })
  })
})
