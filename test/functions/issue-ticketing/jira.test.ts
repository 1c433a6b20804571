import { beforeEach, describe, expect, test } from '@jest/globals'
import { jira } from '../../../functions/issue-ticketing/providers/jira.ts'
import { adfText } from '../../../infra/platforms/adf.ts'
import { startJira } from '../../../infra/platforms/jira.ts'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { ticketPlatforms } from '../../e2e/platforms.ts'
import { clientOf, expectFailure, failureOf, keyOf, problem, startEach } from '../helpers.ts'

const server = startEach(startJira)

type Options = Parameters<typeof clientOf>[2]

const values = () => ({ baseUrl: server.url, email: server.email, token: server.token })
const client = (options?: Options) => clientOf(jira, values(), options)
const open = (input = {}, options?: Options) => openTicket.run(jira, client(options), { ...problem, ...input })
const update = (input: object, options?: Options) => updateTicket.run(jira, client(options), { id: 'OPS-1', ...input })
const close = (input = {}, options?: Options) => closeTicket.run(jira, client(options), { id: 'OPS-1', ...input })
const issue = (at = 0) => {
  const found = server.state.issues[at]
  if (!found) throw new Error(`No issue ${at}`)
  return found
}
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const posted = (path: string) => calls('POST').filter((call) => call.path === path)

describe('Jira: connection', () => {
  test('sends a token without e-mail as a bearer token', async () => {
    await jira.check(clientOf(jira, { baseUrl: server.url, token: server.token }))
    expect(server.calls[0]?.headers['authorization']).toBe(`Bearer ${server.token}`)
  })

  test('links to the site if the API has another host', async () => {
    const away = clientOf(jira, { ...values(), site: 'https://ops.example.com/' })
    const { data } = await openTicket.run(jira, away, problem)
    expect(data?.['url']).toBe('https://ops.example.com/browse/OPS-1')
  })
})

describe('Jira: open', () => {
  test('creates a task with the description as a document and returns its id, key and link', async () => {
    expect(await open()).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      data: { id: '10001', number: 'OPS-1', url: `${server.url}/browse/OPS-1`, state: 'To Do' },
      links: { 'jira OPS-1': `${server.url}/browse/OPS-1` },
    })
    expect(issue().fields).toMatchObject({
      project: { key: 'OPS' },
      issuetype: { name: 'Task' },
      summary: 'Checkout fails',
      description: { type: 'doc', version: 1 },
    })
    expect(adfText(issue().fields['description'])).toBe('Since 14:03.')
  })

  test('sets type, labels, priority, assignee and other fields', async () => {
    await open({
      type: 'Incident',
      labels: ['sev 1', 'checkout', ' checkout '],
      priority: 'critical',
      assignee: '5b10ac8d82e05b22cc7d4ef5',
      fields: { customfield_10011: 3 },
    })
    expect(issue().fields).toMatchObject({
      issuetype: { name: 'Incident' },
      labels: ['sev-1', 'checkout', `caw-${keyOf(1)}`],
      priority: { name: 'Highest' },
      assignee: { accountId: '5b10ac8d82e05b22cc7d4ef5' },
      customfield_10011: 3,
    })
  })

  test('accepts a type of the connection, the id of a project and a priority by name', async () => {
    const configured = clientOf(jira, { ...values(), type: 'Bug' })
    await openTicket.run(jira, configured, { ...problem, project: '10000', priority: 'Lowest' })
    expect(issue().fields).toMatchObject({
      project: { id: '10000' },
      issuetype: { name: 'Bug' },
      priority: { name: 'Lowest' },
    })
  })

  test('finds the user of an e-mail address, also if the account hides it', async () => {
    await open({ assignee: 'MIA@example.com'.toLowerCase() })
    await open({ assignee: 'noah@example.com' }, { key: keyOf(2) })
    expect(issue(0).fields['assignee']).toEqual({ accountId: '5b10ac8d82e05b22cc7d4ef5' })
    expect(issue(1).fields['assignee']).toEqual({ accountId: '5b109f2e9729b51b54dc274d' })
  })

  test('creates nothing if no user has the e-mail address', async () => {
    const words = 'Jira finds no account for jdoe@example.com. Send the account id as assignee.'
    await expectFailure(open({ assignee: 'jdoe@example.com' }), 'refused', words)
    expect(server.state.issues).toEqual([])
  })

  test('stores the idempotency key as a label and a property', async () => {
    await open()
    await open({}, { key: undefined })
    expect(issue(0).properties).toEqual([{ key: 'cloud-automation-webhooks', value: { key: keyOf(1) } }])
    expect(issue(0).fields['labels']).toEqual([`caw-${keyOf(1)}`])
    expect(issue(1)).toMatchObject({ properties: [], fields: { labels: [] } })
  })

  test('omits its label if the screen of the project has no labels', async () => {
    server.state.offScreen = ['labels']
    await open()
    expect(issue()).toMatchObject({ fields: { labels: [] }, properties: [{ value: { key: keyOf(1) } }] })
    expect(await open({}, { isRetry: true })).toMatchObject({ message: expect.stringContaining('Found') })
    const failure = await failureOf(open({ labels: ['checkout'] }, { key: keyOf(2) }))
    expect(failure.message).toContain("labels: Field 'labels' cannot be set")
  })

  test('returns the issue even if its state cannot be read', async () => {
    server.failNext(502, undefined, { on: 'GET', times: 2 })
    const { id } = await jira.open(client(), problem)
    expect(id).toBe('10001')
  })

  test('reports the message of Jira if it refuses', async () => {
    await expectFailure(
      open({ type: 'Epos', priority: 'P1', project: 'NOPE' }),
      'refused',
      'Jira answered 400 to POST /rest/api/3/issue: ',
      'project: valid project is required',
      'issuetype: Specify a valid issue type',
      'priority: The priority selected is invalid.',
    )
  })
})

describe('Jira: repeated open', () => {
  test('finds an issue that is not searchable yet by the next keys', async () => {
    server.state.nextKey = 41
    await open({}, { key: keyOf(3) })
    server.state.indexLag = 60_000
    server.loseNext('POST')
    const failure = await failureOf(jira.open(client(), problem))
    expect(failure).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true })
    issue(0).created = 0
    expect(await open({}, { isRetry: true })).toMatchObject({ data: { number: 'OPS-42' } })
    expect(server.state.issues).toHaveLength(2)
  })

  test('treats the 404 of a proxy as an error and creates no second issue', async () => {
    server.state.indexLag = 60_000
    server.loseNext('POST')
    await failureOf(jira.open(client(), problem))
    for (const body of ['<html>Not Found</html>', { message: 'no Route matched' }, undefined]) {
      server.failNext(404, body, { on: 'POST' })
      expect(await failureOf(open({}, { isRetry: true }))).toMatchObject({ kind: 'platform', transient: true })
    }
    await open({}, { isRetry: true })
    expect(server.state.issues).toHaveLength(1)
  })

  test('finds the first issue of a project before it is searchable', async () => {
    server.state.indexLag = 60_000
    server.failNext(504, 'Gateway Time-out', { on: 'POST', done: true })
    await failureOf(jira.open(client(), problem))
    await open({}, { isRetry: true })
    expect(server.state.issues).toHaveLength(1)
  })

  test('waits for the search if too many issues were created in between', async () => {
    server.state.indexLag = 1_500
    await jira.open(client(), problem)
    issue().key = 'OPS-999'
    await open({}, { isRetry: true })
    expect(server.state.issues).toHaveLength(1)
  })

  test('creates the issue if none is found within three seconds', async () => {
    const startedAt = Date.now()
    await open({}, { isRetry: true })
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(2_900)
    expect(server.state.issues).toHaveLength(1)
  })

  test('uses the search of older sites if there is no newer one', async () => {
    server.state.oldSearch = true
    await open()
    await open()
    expect(server.state.issues).toHaveLength(1)
  })
})

describe('Jira: update', () => {
  beforeEach(async () => {
    await open({ labels: ['checkout'] }, { key: keyOf(9) })
    server.calls.length = 0
  })

  test('changes the given fields, adds labels and keeps the rest', async () => {
    const result = await update({
      title: 'Checkout\nfails for all',
      description: '- a',
      labels: ['sev 1'],
      priority: 'low',
      type: 'Bug',
      assignee: 'mia@example.com',
      fields: { customfield_10011: 1 },
    })
    expect(result).toMatchObject({ data: { id: '10001', number: 'OPS-1', state: 'To Do' } })
    expect(issue().fields).toMatchObject({
      summary: 'Checkout fails for all',
      labels: ['checkout', `caw-${keyOf(9)}`, 'sev-1'],
      priority: { name: 'Low' },
      issuetype: { name: 'Bug' },
      assignee: { accountId: '5b10ac8d82e05b22cc7d4ef5' },
      customfield_10011: 1,
    })
    expect(adfText(issue().fields['description'])).toBe('a')
    expect(calls('PUT')).toHaveLength(1)
  })

  test('accepts the id and the key of an issue', async () => {
    await update({ id: '10001', title: 'by id' })
    await update({ id: 'ops-1', title: 'by key' })
    expect(issue().fields['summary']).toBe('by key')
    for (const id of ['OPS', '#1', 'octo/repo#1', '../1']) {
      expect(() => jira.checkRef?.({ id, project: undefined })).toThrow('must be an issue key such as OPS-12')
    }
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

  test('lists the transitions if none leads to the state', async () => {
    const words =
      'Jira has no transition that brings OPS-1 from To Do to Frozen; there are: "Start" to In Progress, "Reject" to Won\'t Do, "Finish" to Done.'
    await expectFailure(update({ state: 'Frozen' }), 'refused', words)
  })

  test('reports the message of Jira if it refuses', async () => {
    expect((await failureOf(update({ fields: { nope: 1 } }))).message).toContain("nope: Field 'nope' cannot be set")
    const words = 'Issue does not exist or you do not have permission to see it.'
    await expectFailure(update({ id: 'OPS-77', title: 'x' }), 'refused', words)
  })
})

describe('Jira: comment', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
  })

  test('is a document with the idempotency key in a property', async () => {
    await update({ comment: 'Still **down**' })
    expect(adfText(issue().comments[0]?.body)).toBe('Still down')
    expect(issue().comments[0]?.properties).toEqual([{ key: 'cloud-automation-webhooks', value: { key: keyOf(1) } }])
  })

  test('is found on a later page', async () => {
    await update({ comment: 'the first' })
    const other = { body: toDocument(), properties: [] }
    for (let at = 0; at < 150; at++) issue().comments.push({ id: String(30_000 + at), ...other })
    await update({ comment: 'the first' })
    expect(issue().comments).toHaveLength(151)
  })

  test('is found by its property if the list does not include properties', async () => {
    server.state.expandsProperties = false
    server.loseNext('POST')
    await failureOf(update({ comment: 'x' }))
    await update({ comment: 'x' }, { isRetry: true })
    expect(issue().comments).toHaveLength(1)
    await update({ comment: 'y' }, { isRetry: true, key: keyOf(2) })
    expect(issue().comments).toHaveLength(2)
  })
})

describe('Jira: close', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
    server.calls.length = 0
  })

  test('prefers Done to other closed statuses', async () => {
    expect(await close()).toMatchObject({ result: 'pass', data: { state: 'Done' } })
    expect(issue().fields['resolution']).toBeUndefined()
  })

  test('sets the resolution if the screen has it', async () => {
    await close({ resolution: 'duplicate' })
    expect(issue()).toMatchObject({ status: 'Done', fields: { resolution: { name: 'Duplicate' } } })
  })

  test('accepts the name of a status as resolution', async () => {
    expect(await close({ resolution: "won't do" })).toMatchObject({ data: { state: "Won't Do" } })
    expect(posted('/rest/api/3/issue/OPS-1/transitions')[0]?.body).toEqual({ transition: { id: '21' } })
  })

  test('reports the message of Jira for an unknown resolution', async () => {
    const failure = await failureOf(close({ resolution: 'Magic' }))
    expect(failure.message).toContain("resolution: Resolution name 'Magic' is not valid")
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
    const words = 'Jira has no transition that brings OPS-1 from To Do to closed; there are: "Start" to In Progress.'
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

  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
    server.calls.length = 0
  })

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
    expect(posted(transitionsPath)[0]?.body).toEqual({
      transition: { id: '31' },
      fields,
      update: { labels: [{ add: 'sev-1' }] },
    })
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

function toDocument() {
  return { type: 'doc', version: 1, content: [] }
}

ticketConformance(jira, ticketPlatforms['issue-ticketing/jira'], {
  refusal: (reason) => ({ errorMessages: [reason] }),
  projects: { accepted: ['OPS', 'A1_B', '10000'], refused: ['ops', 'octo/repo', '', 'OPS" OR x'] },
})
