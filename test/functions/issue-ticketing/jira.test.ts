import { beforeEach, describe, expect, test } from '@jest/globals'
import { jira } from '../../../functions/issue-ticketing/providers/jira.ts'
import { adfText } from '../../../infra/platforms/adf.ts'
import { startJira } from '../../../infra/platforms/jira.ts'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { ticketPlatforms } from '../../e2e/platforms.ts'
import { type ClientOptions, clientOf, expectFailure, failureOf, keyOf, problem, startEach } from '../helpers.ts'

const server = startEach(startJira)
const client = (options?: ClientOptions, more: object = {}) =>
  clientOf(jira, { baseUrl: server.url, email: server.email, token: server.token, ...more }, options)
const open = (input = {}, options?: ClientOptions, more?: object) =>
  openTicket.run(jira, client(options, more), { ...problem, ...input })
const update = (input: object, options?: ClientOptions) =>
  updateTicket.run(jira, client(options), { id: 'OPS-1', ...input })
const close = (input = {}) => closeTicket.run(jira, client(), { id: 'OPS-1', ...input })
const issue = (at = 0) => {
  const found = server.state.issues[at]
  if (!found) throw new Error(`No issue ${at}`)
  return found
}
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const posted = (path: string) => calls('POST').filter((call) => call.path === path)
const [mia, noah] = ['5b10ac8d82e05b22cc7d4ef5', '5b109f2e9729b51b54dc274d'].map((accountId) => ({ accountId }))
/** Opens an issue of an earlier event before each test. */
const withIssue = (input = {}) =>
  beforeEach(async () => {
    await open(input, { key: keyOf(9) })
    server.calls.length = 0
  })

ticketConformance(jira, ticketPlatforms['issue-ticketing/jira'], {
  refusal: (reason) => ({ errorMessages: [reason] }),
  ignored: /issue\/\d+$/,
  projects: { accepted: ['OPS', 'A1_B', '10000'], refused: ['ops', 'octo/repo', '', 'OPS" OR x'] },
})

describe('Jira: open', () => {
  test.each([
    [{}, { project: { key: 'OPS' }, issuetype: { name: 'Task' }, summary: 'Checkout fails' }],
    [{ type: 'Incident' }, { issuetype: { name: 'Incident' } }],
    [{ project: '10000' }, { project: { id: '10000' } }],
    [{ labels: ['sev 1', 'checkout', ' checkout '] }, { labels: ['sev-1', 'checkout', `caw-${keyOf(1)}`] }],
    [{ priority: 'critical' }, { priority: { name: 'Highest' } }],
    [{ priority: 'Lowest' }, { priority: { name: 'Lowest' } }],
    [{ assignee: mia?.accountId }, { assignee: mia }],
    [{ assignee: 'mia@example.com' }, { assignee: mia }],
    // Her account hides the address.
    [{ assignee: 'noah@example.com' }, { assignee: noah }],
    [{ fields: { customfield_10011: 3 } }, { customfield_10011: 3 }],
  ])('stores %j as %j', async (input, fields) => {
    await open(input)
    expect(issue().fields).toMatchObject(fields)
  })

  test('writes the description as a document', async () => {
    await open()
    expect(issue().fields['description']).toMatchObject({ type: 'doc', version: 1 })
    expect(adfText(issue().fields['description'])).toBe('Since 14:03.')
  })

  test('uses the type, the site and a token without e-mail of the connection', async () => {
    const { data } = await open({}, {}, { type: 'Bug', site: 'https://ops.example.com/', email: undefined })
    expect(data['url']).toBe('https://ops.example.com/browse/OPS-1')
    expect(issue().fields).toMatchObject({ issuetype: { name: 'Bug' } })
    expect(server.calls[0]?.headers['authorization']).toBe(`Bearer ${server.token}`)
  })

  test('stores the idempotency key as a label and a property', async () => {
    await open()
    expect(issue().properties).toEqual([{ key: 'cloud-automation-webhooks', value: { key: keyOf(1) } }])
    expect(issue().fields['labels']).toEqual([`caw-${keyOf(1)}`])
  })

  test('omits its label if the screen of the project has no labels', async () => {
    server.state.offScreen = ['labels']
    await open()
    expect(issue()).toMatchObject({ fields: { labels: [] }, properties: [{ value: { key: keyOf(1) } }] })
    expect(await open({}, { isRetry: true })).toMatchObject({ message: expect.stringContaining('Found') })
    const labelled = open({ labels: ['checkout'] }, { key: keyOf(2) })
    await expectFailure(labelled, 'refused', "labels: Field 'labels' cannot be set")
  })

  test('returns the issue even if its state cannot be read', async () => {
    server.failNext(502, undefined, { on: 'GET', times: 2 })
    expect(await jira.open(client(), problem)).toMatchObject({ id: '10001' })
  })

  test.each([
    [{ project: 'NOPE' }, 'Jira answered 400 to POST /rest/api/3/issue: project: valid project is required'],
    [{ type: 'Epos' }, 'issuetype: Specify a valid issue type'],
    [{ priority: 'P1' }, 'priority: The priority selected is invalid.'],
    [{ assignee: 'jdoe@example.com' }, 'Jira finds no account for jdoe@example.com. Send the account id as assignee.'],
  ])('reports why %j is refused', async (input, words) => {
    await expectFailure(open(input), 'refused', words)
    expect(server.state.issues).toEqual([])
  })
})

describe('Jira: repeated open', () => {
  test('finds an issue that is not searchable yet by the next keys', async () => {
    server.state.nextKey = 41
    await open({}, { key: keyOf(3) })
    server.state.indexLag = 60_000
    await jira.open(client(), problem)
    issue(0).created = 0
    expect(await open({}, { isRetry: true })).toMatchObject({ data: { number: 'OPS-42' } })
    expect(server.state.issues).toHaveLength(2)
  })

  test.each(['<html>Not Found</html>', { message: 'no Route matched' }, undefined])(
    'treats the 404 of a proxy as an error and creates no second issue: %j',
    async (body) => {
      server.state.indexLag = 60_000
      await jira.open(client(), problem)
      server.failNext(404, body, { on: 'POST' })
      expect(await failureOf(open({}, { isRetry: true }))).toMatchObject({ kind: 'platform', transient: true })
      await open({}, { isRetry: true })
      expect(server.state.issues).toHaveLength(1)
    },
  )

  test.each([
    ['finds the first issue of a project before it is searchable', { indexLag: 60_000 }, 'OPS-1'],
    ['waits for the search if too many issues were created in between', { indexLag: 1_500 }, 'OPS-999'],
    ['uses the search of older sites if there is no newer one', { oldSearch: true }, 'OPS-1'],
  ])('%s', async (_what, state, key) => {
    Object.assign(server.state, state)
    await jira.open(client(), problem)
    Object.assign(issue(), { key })
    await open({}, { isRetry: true })
    expect(server.state.issues).toHaveLength(1)
  })

  test('creates the issue if none is found within three seconds', async () => {
    const startedAt = Date.now()
    await open({}, { isRetry: true })
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(2_900)
    expect(server.state.issues).toHaveLength(1)
  })
})

describe('Jira: update', () => {
  withIssue({ labels: ['checkout'] })

  test.each([
    [
      { title: 'Checkout\nfails for all' },
      { summary: 'Checkout fails for all', labels: ['checkout', `caw-${keyOf(9)}`] },
    ],
    [{ labels: ['sev 1'] }, { labels: ['checkout', `caw-${keyOf(9)}`, 'sev-1'] }],
    [{ priority: 'low' }, { priority: { name: 'Low' } }],
    [{ type: 'Bug' }, { issuetype: { name: 'Bug' } }],
    [{ assignee: 'mia@example.com' }, { assignee: mia }],
    [{ fields: { customfield_10011: 1 } }, { customfield_10011: 1 }],
    [{ id: '10001', title: 'by id' }, { summary: 'by id' }],
    [{ id: 'ops-1', title: 'by key' }, { summary: 'by key' }],
  ])('changes %j only', async (input, fields) => {
    expect(await update(input)).toMatchObject({ data: { id: '10001', number: 'OPS-1', state: 'To Do' } })
    expect(issue().fields).toMatchObject({ summary: 'Checkout fails', ...fields })
    expect(calls('PUT')).toHaveLength(1)
  })

  test('accepts the name of a status or transition', async () => {
    expect(await update({ state: 'in progress' })).toMatchObject({ data: { state: 'In Progress' } })
    expect(await update({ state: 'Stop' })).toMatchObject({ data: { state: 'To Do' } })
    expect(calls('PUT')).toEqual([])
  })

  test('changes an issue while it is open, because closed issues can be locked', async () => {
    server.state.closedIsLocked = true
    await update({ state: 'closed', title: 'before' })
    await update({ state: 'open', title: 'after' })
    expect(issue()).toMatchObject({ status: 'In Progress', fields: { summary: 'after' } })
  })

  test.each([
    [
      { state: 'Frozen' },
      `Jira has no transition that brings OPS-1 from To Do to Frozen; there are: "Start" to In Progress, "Reject" to Won't Do, "Finish" to Done.`,
    ],
    [{ fields: { nope: 1 } }, "nope: Field 'nope' cannot be set"],
    [{ id: 'OPS-77', title: 'x' }, 'Issue does not exist or you do not have permission to see it.'],
  ])('reports why %j is refused', async (input, words) => {
    await expectFailure(update(input), 'refused', words)
  })
})

describe('Jira: comment', () => {
  withIssue()

  test('is a document with the idempotency key in a property', async () => {
    await update({ comment: 'Still **down**' })
    expect(adfText(issue().comments[0]?.body)).toBe('Still down')
    expect(issue().comments[0]?.properties).toEqual([{ key: 'cloud-automation-webhooks', value: { key: keyOf(1) } }])
  })

  test('is found on a later page', async () => {
    await update({ comment: 'the first' })
    const other = { body: { type: 'doc' as const, version: 1 as const, content: [] }, properties: [] }
    for (let at = 0; at < 150; at++) issue().comments.push({ id: String(30_000 + at), ...other })
    await update({ comment: 'the first' })
    expect(issue().comments).toHaveLength(151)
  })

  test('is found by its property if the list does not include properties', async () => {
    server.state.expandsProperties = false
    await update({ comment: 'x' })
    await update({ comment: 'x' }, { isRetry: true })
    expect(issue().comments).toHaveLength(1)
    await update({ comment: 'y' }, { isRetry: true, key: keyOf(2) })
    expect(issue().comments).toHaveLength(2)
  })
})

describe('Jira: close', () => {
  withIssue()

  test.each([
    ['Done before other closed statuses', undefined, { status: 'Done' }, ['transition']],
    [
      ...(['a resolution that the screen has', 'duplicate'] as const),
      ...[{ status: 'Done', fields: { resolution: { name: 'Duplicate' } } }, ['transition', 'fields']],
    ],
    ['the name of a status as resolution', "won't do", { status: "Won't Do" }, ['transition']],
  ] as const)('sets %s', async (_what, resolution, expected, sent) => {
    await close({ resolution })
    expect(issue()).toMatchObject(expected as object)
    const bodies = posted('/rest/api/3/issue/OPS-1/transitions').map(({ body }) => Object.keys(body as object))
    expect(bodies).toEqual([sent])
  })

  test('reports the message of Jira for an unknown resolution', async () => {
    await expectFailure(close({ resolution: 'Magic' }), 'refused', "resolution: Resolution name 'Magic' is not valid")
    expect(issue().status).toBe('To Do')
  })

  test('lists the closing transitions if none leads to Done, Closed or Resolved', async () => {
    server.state.transitions['To Do'] = [
      { id: '11', name: 'Start', to: 'In Progress' },
      { id: '2', name: 'Reject', to: "Won't Do" },
    ]
    const words = `Jira has no transition from To Do to Done, Closed or Resolved for OPS-1. Write the status that closes it, as resolution of a close or as state of an update: "Reject" to Won't Do.`
    await expectFailure(close(), 'refused', words)
    expect(await close({ resolution: 'Reject' })).toMatchObject({ data: { state: "Won't Do" } })
  })

  test('lists the transitions if none closes the issue', async () => {
    server.state.transitions['To Do'] = [{ id: '11', name: 'Start', to: 'In Progress' }]
    const words = 'brings OPS-1 from To Do to closed; there are: "Start" to In Progress.'
    await expectFailure(close(), 'refused', words)
  })
})

describe('Jira: transition with required fields', () => {
  const transitionsPath = '/rest/api/3/issue/OPS-1/transitions'
  const named = (...names: string[]) => names.map((name, at) => ({ id: String(at), name }))
  const rootCause = {
    name: 'Root cause',
    values: [
      { id: '1', value: 'Deployment' },
      { id: '2', value: 'Load' },
    ],
  }
  const requiring = (required: Record<string, { name: string; values?: unknown[] }>, to = 'Done') => {
    server.state.transitions['To Do'] = [{ id: '31', name: 'Finish', to, required }]
  }
  const resolution = (...names: string[]) => ({ resolution: { name: 'Resolution', values: named(...names) } })

  withIssue()

  test.each([
    [['Duplicate', 'Fixed', 'Done'], 'Done'],
    [['Duplicate', 'fixed'], 'fixed'],
  ])('of the resolutions %j, a close without resolution uses %s', async (names, expected) => {
    requiring(resolution(...names))
    expect(await close()).toMatchObject({ data: { state: 'Done' } })
    expect(issue().fields['resolution']).toEqual({ name: expected })
  })

  test('uses the resolution with the name of the status', async () => {
    requiring(resolution('Done', "Won't do"), "Won't Do")
    await update({ state: "Won't Do" })
    expect(issue().fields['resolution']).toEqual({ name: "Won't do" })
  })

  test.each([
    ['a close without a resolution', ['Duplicate', 'Rejected'], 'Done', () => close()],
    ['a status with another name', ['Done', 'Rejected'], "Won't Do", () => update({ state: "Won't Do" })],
    ['a resolution that only names the status', ['Done', 'No'], "Won't Do", () => close({ resolution: "Won't do" })],
  ])('lists the allowed resolutions for %s', async (_, names, to, act) => {
    requiring(resolution(...names), to)
    const failure = await failureOf(act())
    expect(failure).toMatchObject({ kind: 'refused', mayHaveWritten: false })
    expect(failure.message).toContain(`requires fields that OPS-1 does not have: resolution: "${names.join('", "')}".`)
    expect(failure.message).toContain('Write it as resolution of a close, or in fields of an update')
    expect([...calls('POST'), ...calls('PUT')]).toEqual([])
  })

  test('lists the missing fields and their values before writing', async () => {
    requiring({ ...resolution('Duplicate'), customfield_10011: rootCause, customfield_9: { name: 'Fix versions' } })
    const failure = await failureOf(update({ state: 'closed', title: 'x' }))
    expect(failure.message).toBe(
      'Jira\'s transition "Finish" to Done requires fields that OPS-1 does not have: customfield_10011 (Root cause): "Deployment", "Load"; resolution: "Duplicate"; customfield_9 (Fix versions). Write them in fields of an update with the state Done.',
    )
    expect([...calls('POST'), ...calls('PUT')]).toEqual([])
  })

  test('receives the fields and labels that its screen has, the issue the others', async () => {
    requiring({ customfield_10011: rootCause, labels: { name: 'Labels' } })
    const fields = { customfield_10011: { value: 'Load' } }
    issue().fields['labels'] = []
    await update({ state: 'closed', title: 'Again', labels: ['sev 1'], fields })
    const expected = { transition: { id: '31' }, fields, update: { labels: [{ add: 'sev-1' }] } }
    expect(posted(transitionsPath)[0]?.body).toEqual(expected)
    expect(calls('PUT').map(({ body }) => body)).toEqual([{ fields: { summary: 'Again' } }])
    expect(issue()).toMatchObject({ status: 'Done', fields: { ...fields, labels: ['sev-1'] } })
  })

  test('requires no field that the issue already has', async () => {
    requiring({ summary: { name: 'Summary' }, customfield_10011: rootCause })
    issue().fields['customfield_10011'] = { value: 'Load' }
    expect(await close()).toMatchObject({ data: { state: 'Done' } })
    expect(posted(transitionsPath)[0]?.body).toEqual({ transition: { id: '31' } })
  })

  test('runs once after a lost response', async () => {
    requiring(resolution('Duplicate'))
    const change = { state: 'closed', title: 'Again', labels: ['sev 1'], fields: { resolution: { name: 'Duplicate' } } }
    server.loseNext('POST')
    expect(await failureOf(update(change))).toMatchObject({ transient: true, mayHaveWritten: true })
    expect(await update(change, { isRetry: true })).toMatchObject({ result: 'pass', data: { state: 'Done' } })
    expect(posted(transitionsPath)).toHaveLength(1)
    expect(calls('PUT')).toHaveLength(1)
  })
})
