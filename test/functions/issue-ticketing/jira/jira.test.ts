import { describe, expect, test } from '@jest/globals'
import { jira } from '../../../../functions/issue-ticketing/jira/jira.ts'
import { adfText } from '../../../platforms/adf.ts'
import { expectFailure, failureOf, keyOf, pauses, problem } from '../../helpers.ts'
import { testTickets } from '../../tickets.ts'
import { ticketRow } from './fake.ts'

const [mia, noah] = ['5b10ac8d82e05b22cc7d4ef5', '5b109f2e9729b51b54dc274d'].map((accountId) => ({ accountId }))
const property = (call: number) => ({ key: 'cloud-automation-webhooks', value: { key: keyOf(call) } })
const label = (call: number) => `caw-${keyOf(call)}`
const transitionsPath = '/rest/api/3/issue/OPS-1/transitions'

const suite = testTickets(ticketRow, jira, {
  tickets: ({ state }) => state.issues,
  view: ({ fields, ...issue }) => ({ ...issue, ...fields, description: adfText(fields['description']) }),
  id: 'OPS-1',
  refusal: (reason) => ({ errorMessages: [reason] }),
  ignored: /issue\/\d+$/,
  projects: { accepted: ['OPS', 'A1_B', '10000'], refused: ['ops', 'octo/repo', '', 'OPS" OR x'] },
  opens: [
    { input: {}, stored: { project: { key: 'OPS' }, issuetype: { name: 'Task' }, summary: 'Checkout fails' } },
    { input: {}, stored: { description: 'Since 14:03.', properties: [property(1)], labels: [label(1)] } },
    { input: { type: 'Incident' }, stored: { issuetype: { name: 'Incident' } } },
    { input: {}, stored: { issuetype: { name: 'Bug' } }, connection: { type: 'Bug' } },
    { input: { project: '10000' }, stored: { project: { id: '10000' } } },
    { input: { labels: ['sev 1', 'checkout', ' checkout '] }, stored: { labels: ['sev-1', 'checkout', label(1)] } },
    { input: { priority: 'critical' }, stored: { priority: { name: 'Highest' } } },
    { input: { priority: 'Lowest' }, stored: { priority: { name: 'Lowest' } } },
    { input: { assignee: mia?.accountId }, stored: { assignee: mia } },
    { input: { assignee: 'mia@example.com' }, stored: { assignee: mia } },
    // Her account hides the address.
    { input: { assignee: 'noah@example.com' }, stored: { assignee: noah } },
    { input: { fields: { customfield_10011: 3 } }, stored: { customfield_10011: 3 } },
  ],
  refusedOpens: [
    {
      input: { project: 'NOPE' },
      reason: 'Jira answered 400 to POST /rest/api/3/issue: project: valid project is required',
    },
    { input: { type: 'Epos' }, reason: 'issuetype: Specify a valid issue type' },
    { input: { priority: 'P1' }, reason: 'priority: The priority selected is invalid.' },
    {
      input: { assignee: 'jdoe@example.com' },
      reason: 'Jira finds no account for jdoe@example.com. Send the account id as',
    },
  ],
  earlier: { labels: ['checkout'] },
  updates: [
    {
      changes: { title: 'Checkout\nfails for all' },
      stored: { summary: 'Checkout fails for all', labels: ['checkout', label(9)] },
    },
    { changes: { labels: ['sev 1'] }, stored: { labels: ['checkout', label(9), 'sev-1'] } },
    { changes: { priority: 'low' }, stored: { priority: { name: 'Low' } } },
    { changes: { type: 'Bug' }, stored: { issuetype: { name: 'Bug' } } },
    { changes: { assignee: 'mia@example.com' }, stored: { assignee: mia } },
    { changes: { fields: { customfield_10011: 1 } }, stored: { customfield_10011: 1 } },
    { changes: { id: '10001', title: 'by id' }, stored: { summary: 'by id' } },
    { changes: { id: 'ops-1', title: 'by key' }, stored: { summary: 'by key' } },
  ],
  refusedUpdates: [
    {
      input: { state: 'Frozen' },
      reason: `Jira has no transition that moves OPS-1 from To Do to Frozen; there are: "Start" to In Progress, "Reject" to Won't Do, "Finish" to Done.`,
    },
    { input: { fields: { nope: 1 } }, reason: "nope: Field 'nope' cannot be set" },
    { input: { id: 'OPS-77', title: 'x' }, reason: 'Issue does not exist or you do not have permission to see it.' },
  ],
  // The name of a status, and of a transition.
  states: [
    ['in progress', 'In Progress'],
    ['in progress', 'Stop', 'To Do', 'To Do'],
  ],
  refusedCloses: [{ input: { resolution: 'Magic' }, reason: "resolution: Resolution name 'Magic' is not valid" }],
  closes: [
    { input: {}, stored: { status: 'Done' } },
    { input: { resolution: 'duplicate' }, stored: { status: 'Done', resolution: { name: 'Duplicate' } } },
    { input: { resolution: "won't do" }, stored: { status: "Won't Do" } },
  ],
})
const { server, client, open, update, close, ticket, count, calls, writes, withTicket } = suite

describe('Jira: open', () => {
  test('uses the site and a token without e-mail of the connection', async () => {
    const { data } = await open({}, { connection: { site: 'https://ops.example.com/', email: undefined } })
    expect(data['url']).toBe('https://ops.example.com/browse/OPS-1')
    expect(server.calls[0]?.headers['authorization']).toBe(`Bearer ${server.token}`)
  })

  test('omits its label if the screen of the project has no labels', async () => {
    server.state.offScreen = ['labels']
    await open()
    expect(ticket()).toMatchObject({ fields: { labels: [] }, properties: [property(1)] })
    expect(await open({}, { isRetry: true })).toMatchObject({ message: expect.stringContaining('Found') })
    const labelled = open({ labels: ['checkout'] }, { key: keyOf(2) })
    await expectFailure(labelled, 'refused', "labels: Field 'labels' cannot be set")
  })

  test('returns the issue even if its state cannot be read', async () => {
    server.failNext(502, undefined, { on: 'GET', times: 2 })
    expect(await jira.open(client(), problem)).toMatchObject({ id: '10001' })
  })
})

describe('Jira: repeated open', () => {
  test('finds an issue that is not searchable yet by the next keys', async () => {
    server.state.nextKey = 41
    await open({}, { key: keyOf(3) })
    server.state.indexLag = 60_000
    await jira.open(client(), problem)
    ticket().created = 0
    expect(await open({}, { isRetry: true })).toMatchObject({ data: { number: 'OPS-42' } })
    expect(count()).toBe(2)
  })

  test.each(['<html>Not Found</html>', { message: 'no Route matched' }, undefined])(
    'treats the 404 of a proxy as an error and creates no second issue: %j',
    async (body) => {
      server.state.indexLag = 60_000
      await jira.open(client(), problem)
      server.failNext(404, body, { on: 'POST' })
      await expectFailure(open({}, { isRetry: true }), { kind: 'platform', transient: true })
      await open({}, { isRetry: true })
      expect(count()).toBe(1)
    },
  )

  test.each([
    ['finds the first issue of a project before it is searchable', { indexLag: 60_000 }, 'OPS-1'],
    ['uses the search of older sites if there is no newer one', { oldSearch: true }, 'OPS-1'],
  ])('%s', async (_what, state, key) => {
    Object.assign(server.state, state)
    await jira.open(client(), problem)
    ticket().key = key
    await open({}, { isRetry: true })
    expect(count()).toBe(1)
  })

  test('searches for three seconds, then creates the issue', async () => {
    await open({}, { isRetry: true })
    expect(pauses.reduce((sum, pause) => sum + pause)).toBe(3_000)
    expect(count()).toBe(1)
  })

  test('has an unknown outcome behind 50 issues that are not searchable yet, and finds its issue later', async () => {
    server.state.indexLag = 60_000
    for (let other = 0; other < 50; other++) await jira.open(client({ key: undefined }), problem)
    await jira.open(client(), problem)
    await expectFailure(open({}, { isRetry: true }), { kind: 'unconfirmed', transient: false })
    expect(count()).toBe(51)
    ticket(50).created = 0
    expect(await open({}, { isRetry: true })).toMatchObject({ data: { number: 'OPS-51' } })
  })

  test('has an unknown outcome behind 50 issues of a project without labels', async () => {
    server.state.offScreen = ['labels']
    await open()
    for (let other = 0; other < 49; other++) await open({}, { key: undefined })
    expect(await open({}, { isRetry: true })).toMatchObject({ data: { number: 'OPS-1' } })
    await open({}, { key: undefined })
    await expectFailure(open({}, { isRetry: true }), { kind: 'unconfirmed', transient: false })
    expect(count()).toBe(51)
  })
})

describe('Jira: update', () => {
  withTicket()

  test('changes an issue while it is open, because closed issues can be locked', async () => {
    server.state.closedIsLocked = true
    await update({ state: 'closed', title: 'before' })
    await update({ state: 'open', title: 'after' })
    expect(ticket()).toMatchObject({ status: 'In Progress', fields: { summary: 'after' } })
  })

  test('adds a comment as a document with the idempotency key in a property, and finds it on a later page', async () => {
    await update({ comment: 'Still **down**' })
    const [comment, ...others] = ticket().comments
    expect([adfText(comment?.body), comment?.properties, others]).toEqual(['Still down', [property(1)], []])
    const other = { body: { type: 'doc' as const, version: 1 as const, content: [] }, properties: [] }
    for (let at = 0; at < 150; at++) ticket().comments.push({ id: String(30_000 + at), ...other })
    await update({ comment: 'Still **down**' })
    expect(ticket().comments).toHaveLength(151)
  })

  test('finds a comment by its property if the list does not include properties', async () => {
    server.state.expandsProperties = false
    for (const isRetry of [false, true]) await update({ comment: 'x' }, { isRetry })
    expect(ticket().comments).toHaveLength(1)
    await update({ comment: 'y' }, { isRetry: true, key: keyOf(2) })
    expect(ticket().comments).toHaveLength(2)
    for (let other = 0; other < 19; other++) await update({ comment: 'z' }, { key: undefined })
    await expectFailure(update({ comment: 'x' }, { isRetry: true }), { kind: 'unconfirmed', transient: false })
    expect(ticket().comments).toHaveLength(21)
  })
})

describe('Jira: close', () => {
  withTicket()
  const [start, reject] = [
    { id: '11', name: 'Start', to: 'In Progress' },
    { id: '2', name: 'Reject', to: "Won't Do" },
  ]

  test.each([
    [undefined, ['transition']],
    ['duplicate', ['transition', 'fields']],
    ["won't do", ['transition']],
  ])('with the resolution %j sends %j', async (resolution, sent) => {
    await close({ resolution })
    expect(calls('POST').map(({ path, body }) => [path, Object.keys(body as object)])).toEqual([
      [transitionsPath, sent],
    ])
  })

  test.each([
    [
      'the closing transitions if none leads to Done, Closed or Resolved',
      [start, reject],
      'from To Do to Done, Closed or Resolved for OPS-1. Write the status that closes it, as resolution of a close or as state of an update: "Reject" to Won\'t Do.',
    ],
    [
      'the transitions if none closes the issue',
      [start],
      'that moves OPS-1 from To Do to closed; there are: "Start" to In Progress.',
    ],
  ])('lists %s', async (_what, transitions, words) => {
    server.state.transitions['To Do'] = transitions
    await expectFailure(close(), 'refused', `Jira has no transition ${words}`)
    if (transitions.includes(reject))
      expect(await close({ resolution: 'Reject' })).toMatchObject({ data: { state: "Won't Do" } })
  })
})

describe('Jira: transition with required fields', () => {
  withTicket({})
  const values = ['Deployment', 'Load'].map((value, at) => ({ id: String(at), value }))
  const rootCause = { name: 'Root cause', values }
  const requiring = (required: Record<string, { name: string; values?: unknown[] }>, to = 'Done') => {
    server.state.transitions['To Do'] = [{ id: '31', name: 'Finish', to, required }]
  }
  const resolution = (...names: string[]) => ({
    resolution: { name: 'Resolution', values: names.map((name, at) => ({ id: String(at), name })) },
  })

  test.each([
    [['Duplicate', 'Fixed', 'Done'], 'Done', 'Done', () => close()],
    [['Duplicate', 'fixed'], 'Done', 'fixed', () => close()],
    [['Done', "Won't do"], "Won't Do", "Won't do", () => update({ state: "Won't Do" })],
  ])('of the resolutions %j, %s uses %s', async (names, to, expected, act) => {
    requiring(resolution(...names), to)
    expect(await act()).toMatchObject({ data: { state: to } })
    expect(ticket().fields['resolution']).toEqual({ name: expected })
  })

  test.each([
    ['a close without a resolution', ['Duplicate', 'Rejected'], 'Done', () => close()],
    ['a status with another name', ['Done', 'Rejected'], "Won't Do", () => update({ state: "Won't Do" })],
    ['a resolution that only names the status', ['Done', 'No'], "Won't Do", () => close({ resolution: "Won't do" })],
  ])('lists the allowed resolutions for %s', async (_, names, to, act) => {
    requiring(resolution(...names), to)
    await expectFailure(
      act(),
      { kind: 'refused', mayHaveWritten: false },
      `requires fields that OPS-1 does not have: resolution: "${names.join('", "')}".`,
      'Write it as resolution of a close, or in fields of an update',
    )
    expect(writes()).toEqual([])
  })

  test('lists the missing fields and their values before writing', async () => {
    requiring({ ...resolution('Duplicate'), customfield_10011: rootCause, customfield_9: { name: 'Fix versions' } })
    const failure = await failureOf(update({ state: 'closed', title: 'x' }))
    expect(failure.message).toBe(
      'Jira\'s transition "Finish" to Done requires fields that OPS-1 does not have: customfield_10011 (Root cause): "Deployment", "Load"; resolution: "Duplicate"; customfield_9 (Fix versions). Write them in fields of an update with the state Done.',
    )
    expect(writes()).toEqual([])
  })

  test('receives the fields and labels that its screen has, the issue the others', async () => {
    requiring({ customfield_10011: rootCause, labels: { name: 'Labels' } })
    const fields = { customfield_10011: { value: 'Load' } }
    ticket().fields['labels'] = []
    await update({ state: 'closed', title: 'Again', labels: ['sev 1'], fields })
    const transition = { transition: { id: '31' }, fields, update: { labels: [{ add: 'sev-1' }] } }
    const sent = writes().map(({ method, body }) => [method, body])
    expect(sent).toEqual(
      expect.arrayContaining([
        ['POST', transition],
        ['PUT', { fields: { summary: 'Again' } }],
      ]),
    )
    expect(sent).toHaveLength(2)
    expect(ticket()).toMatchObject({ status: 'Done', fields: { ...fields, labels: ['sev-1'] } })
  })

  test('requires no field that the issue already has', async () => {
    requiring({ summary: { name: 'Summary' }, customfield_10011: rootCause })
    ticket().fields['customfield_10011'] = { value: 'Load' }
    expect(await close()).toMatchObject({ data: { state: 'Done' } })
    expect(writes().map(({ body }) => body)).toEqual([{ transition: { id: '31' } }])
  })

  test('runs once after a lost response', async () => {
    requiring(resolution('Duplicate'))
    const change = { state: 'closed', title: 'Again', labels: ['sev 1'], fields: { resolution: { name: 'Duplicate' } } }
    server.loseNext('POST')
    await expectFailure(update(change), { transient: true, mayHaveWritten: true })
    expect(await update(change, { isRetry: true })).toMatchObject({ result: 'pass', data: { state: 'Done' } })
    expect(
      writes()
        .map(({ method }) => method)
        .sort(),
    ).toEqual(['POST', 'PUT'])
  })
})
