import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { jira } from '../../../functions/issue-ticketing/providers/jira.ts'
import { adfText } from '../../../infra/platforms/adf.ts'
import { type JiraServer, startJira } from '../../../infra/platforms/jira.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket.ts'
import { clientOf, failureOf, keyOf, problem } from '../helpers.ts'

let server: JiraServer
beforeEach(async () => {
  server = await startJira()
})
afterEach(() => server.close())

type Options = Parameters<typeof clientOf>[2]

const values = () => ({ baseUrl: server.url, email: server.email, token: server.token })
const client = (options?: Options) => clientOf(jira, values(), options)
const open = (input = {}, options?: Options) => openTicket.run(jira, client(options), { ...problem, ...input })
const update = (input: object, options?: Options) => updateTicket.run(jira, client(options), { id: 'OPS-1', ...input })
const close = (input = {}, options?: Options) => closeTicket.run(jira, client(options), { id: 'OPS-1', ...input })
const issue = (at = 0) => {
  const found = server.state.issues[at]
  if (!found) throw new Error(`There is no issue ${at}`)
  return found
}
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const posted = (path: string) => calls('POST').filter((call) => call.path === path)

describe('the connection', () => {
  test('is checked with the account itself, by e-mail and API token', async () => {
    await jira.check(client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/rest/api/3/myself'])
    expect(server.calls[0]?.headers['authorization']).toMatch(/^Basic /)
  })

  test('sends a token without e-mail as a Bearer token', async () => {
    await jira.check(clientOf(jira, { baseUrl: server.url, token: server.token }))
    expect(server.calls[0]?.headers['authorization']).toBe(`Bearer ${server.token}`)
  })

  test('says that credentials are wrong, and not which', async () => {
    const token = 'a-wrong-token-of-jira'
    const failure = await failureOf(jira.check(clientOf(jira, { ...values(), token })).then())
    expect(failure.kind).toBe('credentials')
    expect(failure.message).toContain('Client must be authenticated')
    expect(failure.message).not.toContain(token)
  })

  test('links to the site where the API is elsewhere', async () => {
    const away = clientOf(jira, { ...values(), site: 'https://ops.example.com/' })
    const { data } = await openTicket.run(jira, away, problem)
    expect(data?.['url']).toBe('https://ops.example.com/browse/OPS-1')
  })

  test('has its token masked wherever it turns up', () => {
    expect(secretsIn(jira.connection, values())).toEqual([server.token])
  })

  test('knows projects by key or id', () => {
    for (const project of ['OPS', 'A1_B', '10000']) expect(jira.project.pattern.test(project)).toBe(true)
    for (const project of ['ops', 'octo/repo', '', 'OPS" OR x']) expect(jira.project.pattern.test(project)).toBe(false)
  })
})

describe('open', () => {
  test('makes a task with the title, the description as a document, and answers its id, key and link', async () => {
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

  test('sets type, labels, priority, assignee and what only Jira knows', async () => {
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

  test('takes a type from the connection, a project by its id and a priority of its own name', async () => {
    const configured = clientOf(jira, { ...values(), type: 'Bug' })
    await openTicket.run(jira, configured, { ...problem, project: '10000', priority: 'Lowest' })
    expect(issue().fields).toMatchObject({
      project: { id: '10000' },
      issuetype: { name: 'Bug' },
      priority: { name: 'Lowest' },
    })
  })

  test('looks an e-mail address up, even where the account hides it', async () => {
    await open({ assignee: 'MIA@example.com'.toLowerCase() })
    await open({ assignee: 'noah@example.com' }, { key: keyOf(2) })
    expect(issue(0).fields['assignee']).toEqual({ accountId: '5b10ac8d82e05b22cc7d4ef5' })
    expect(issue(1).fields['assignee']).toEqual({ accountId: '5b109f2e9729b51b54dc274d' })
  })

  test('makes nothing where the address belongs to nobody', async () => {
    const failure = await failureOf(open({ assignee: 'nobody@example.com' }))
    expect(failure).toMatchObject({ kind: 'refused', transient: false })
    expect(failure.message).toBe('Jira knows nobody by nobody@example.com: write the account id as assignee.')
    expect(server.state.issues).toEqual([])
  })

  test('writes the title on one line, and where it is too long, whole at the top of the description', async () => {
    await open({ title: 'Checkout\n fails' })
    const title = `${'x'.repeat(253)}😀😀`
    await open({ title }, { key: keyOf(2) })
    expect(issue(0).fields['summary']).toBe('Checkout fails')
    expect(issue(1).fields['summary']).toBe(`${'x'.repeat(253)}…`)
    expect(adfText(issue(1).fields['description'])).toBe(`${title}\nSince 14:03.`)
  })

  test('keeps the key as a label and as a property, and none where there is none', async () => {
    await open()
    await open({}, { key: undefined })
    expect(issue(0).properties).toEqual([{ key: 'cloud-automation-webhooks', value: { key: keyOf(1) } }])
    expect(issue(0).fields['labels']).toEqual([`caw-${keyOf(1)}`])
    expect(issue(1)).toMatchObject({ properties: [], fields: { labels: [] } })
  })

  test("does without the label of ours where the project's screen has no labels", async () => {
    server.state.offScreen = ['labels']
    await open()
    expect(issue()).toMatchObject({ fields: { labels: [] }, properties: [{ value: { key: keyOf(1) } }] })
    expect(await open({}, { repeated: true })).toMatchObject({ message: expect.stringContaining('Found') })
    const failure = await failureOf(open({ labels: ['checkout'] }, { key: keyOf(2) }))
    expect(failure.message).toContain("labels: Field 'labels' cannot be set")
  })

  test('answers what it made even if its state can not be read', async () => {
    server.failNext(502, undefined, { on: 'GET', times: 2 })
    const { id } = await jira.open(client(), problem)
    expect(id).toBe('10001')
  })

  test('says in the words of Jira why it is refused', async () => {
    const failure = await failureOf(open({ type: 'Epos', priority: 'P1', project: 'NOPE' }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain('Jira answered 400 to POST /rest/api/3/issue: ')
    expect(failure.message).toContain('project: valid project is required')
    expect(failure.message).toContain('issuetype: Specify a valid issue type')
    expect(failure.message).toContain('priority: The priority selected is invalid.')
  })
})

describe('a repeat of open', () => {
  test('finds the issue by its label', async () => {
    await open()
    expect(await open()).toMatchObject({ data: { id: '10001', number: 'OPS-1' } })
    expect(server.state.issues).toHaveLength(1)
    expect(posted('/rest/api/3/issue')).toHaveLength(1)
  })

  test('makes another issue for another key', async () => {
    await open()
    await open({}, { key: keyOf(2) })
    expect(server.state.issues).toHaveLength(2)
  })

  test('finds an issue that the search does not know yet, among the keys that come next', async () => {
    server.state.nextKey = 41
    await open({}, { key: keyOf(3) })
    server.state.indexLag = 60_000
    server.loseNext('POST')
    const failure = await failureOf(jira.open(client(), problem))
    expect(failure).toMatchObject({ kind: 'platform', transient: true, afterWrite: true })
    issue(0).created = 0
    expect(await open({}, { repeated: true })).toMatchObject({ data: { number: 'OPS-42' } })
    expect(server.state.issues).toHaveLength(2)
  })

  test('takes the 404 of a proxy for no answer, and makes no second issue', async () => {
    server.state.indexLag = 60_000
    server.loseNext('POST')
    await failureOf(jira.open(client(), problem))
    for (const body of ['<html>Not Found</html>', { message: 'no Route matched' }, undefined]) {
      server.failNext(404, body, { on: 'POST' })
      expect(await failureOf(open({}, { repeated: true }))).toMatchObject({ kind: 'platform', transient: true })
    }
    await open({}, { repeated: true })
    expect(server.state.issues).toHaveLength(1)
  })

  test('finds the first issue of a project that the search does not know yet', async () => {
    server.state.indexLag = 60_000
    server.failNext(504, 'Gateway Time-out', { on: 'POST', done: true })
    await failureOf(jira.open(client(), problem))
    await open({}, { repeated: true })
    expect(server.state.issues).toHaveLength(1)
  })

  test('waits for the search where more issues came in between than it can read', async () => {
    server.state.indexLag = 1_500
    await jira.open(client(), problem)
    issue().key = 'OPS-999'
    await open({}, { repeated: true })
    expect(server.state.issues).toHaveLength(1)
  })

  test('opens after three seconds in which nothing was found', async () => {
    const began = Date.now()
    await open({}, { repeated: true })
    expect(Date.now() - began).toBeGreaterThanOrEqual(2_900)
    expect(server.state.issues).toHaveLength(1)
  })

  test('asks the search of older sites where the new one is not there', async () => {
    server.state.oldSearch = true
    await open()
    await open()
    expect(server.state.issues).toHaveLength(1)
  })
})

describe('update', () => {
  beforeEach(async () => {
    await open({ labels: ['checkout'] }, { key: keyOf(9) })
    server.calls.length = 0
  })

  test('changes what is given, adds labels and leaves the rest', async () => {
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

  test('takes the id that open answered as well as the key', async () => {
    await update({ id: '10001', title: 'by id' })
    await update({ id: 'ops-1', title: 'by key' })
    expect(issue().fields['summary']).toBe('by key')
    for (const id of ['OPS', '#1', 'octo/repo#1', '../1']) {
      expect(() => jira.checkRef?.({ id, project: undefined })).toThrow('write it like OPS-12')
    }
  })

  test('moves by the name of a status or of a transition', async () => {
    expect(await update({ state: 'in progress' })).toMatchObject({ data: { state: 'In Progress' } })
    expect(await update({ state: 'Stop' })).toMatchObject({ data: { state: 'To Do' } })
    expect(calls('PUT')).toEqual([])
  })

  test('moves to closed and back to open by category, and not at all where it is there already', async () => {
    expect(await update({ state: 'closed' })).toMatchObject({ data: { state: 'Done' } })
    await update({ state: 'closed' })
    expect(await update({ state: 'open' })).toMatchObject({ data: { state: 'In Progress' } })
    expect(await update({ state: 'Open' })).toMatchObject({ data: { state: 'In Progress' } })
    expect(posted('/rest/api/3/issue/OPS-1/transitions')).toHaveLength(2)
  })

  test('reopens before it changes, and changes before it closes, where closed issues are locked', async () => {
    server.state.closedIsLocked = true
    await update({ state: 'closed', title: 'before' })
    await update({ state: 'open', title: 'after' })
    expect(issue()).toMatchObject({ status: 'In Progress', fields: { summary: 'after' } })
  })

  test('names the transitions there are where none leads to the state', async () => {
    const failure = await failureOf(update({ state: 'Frozen' }))
    expect(failure.kind).toBe('refused')
    expect(failure.message).toBe(
      'Jira has no transition that brings OPS-1 from To Do to Frozen; there are: "Start" to In Progress, "Reject" to Won\'t Do, "Finish" to Done.',
    )
  })

  test('says in the words of Jira why it is refused', async () => {
    expect((await failureOf(update({ fields: { nope: 1 } }))).message).toContain("nope: Field 'nope' cannot be set")
    const failure = await failureOf(update({ id: 'OPS-77', title: 'x' }))
    expect(failure.kind).toBe('refused')
    expect(failure.message).toContain('Issue does not exist or you do not have permission to see it.')
  })
})

describe('a comment', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
  })

  test('is a document and carries the key where nobody sees it', async () => {
    await update({ comment: 'Still **down**' })
    expect(adfText(issue().comments[0]?.body)).toBe('Still down')
    expect(issue().comments[0]?.properties).toEqual([{ key: 'cloud-automation-webhooks', value: { key: keyOf(1) } }])
  })

  test('is made once for a key, and again for another', async () => {
    for (const key of [keyOf(1), keyOf(1), keyOf(2)]) await update({ comment: 'x' }, { key })
    expect(issue().comments).toHaveLength(2)
  })

  test('is found on a later page', async () => {
    await update({ comment: 'the first' })
    const other = { body: toDocument(), properties: [] }
    for (let at = 0; at < 150; at++) issue().comments.push({ id: String(30_000 + at), ...other })
    await update({ comment: 'the first' })
    expect(issue().comments).toHaveLength(151)
  })

  test('is found by its own property where the list does not show properties', async () => {
    server.state.expandsProperties = false
    server.loseNext('POST')
    await failureOf(update({ comment: 'x' }))
    await update({ comment: 'x' }, { repeated: true })
    expect(issue().comments).toHaveLength(1)
    await update({ comment: 'y' }, { repeated: true, key: keyOf(2) })
    expect(issue().comments).toHaveLength(2)
  })

  test('carries nothing where there is no key', async () => {
    await update({ comment: 'x' }, { key: undefined })
    expect(issue().comments[0]?.properties).toEqual([])
  })
})

describe('close', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
    server.calls.length = 0
  })

  test('takes what is plainly done, though another status is done too and comes first', async () => {
    expect(await close()).toMatchObject({ result: 'pass', data: { state: 'Done' } })
    expect(issue().fields['resolution']).toBeUndefined()
  })

  test('comments once, closes once and passes where it is closed already', async () => {
    await close({ comment: 'Fixed' })
    expect(await close({ comment: 'Fixed' })).toMatchObject({ message: expect.stringContaining('already') })
    expect(issue().comments).toHaveLength(1)
    expect(posted('/rest/api/3/issue/OPS-1/transitions')).toHaveLength(1)
  })

  test('sets the resolution where the screen has it, in the spelling of Jira', async () => {
    await close({ resolution: 'duplicate' })
    expect(issue()).toMatchObject({ status: 'Done', fields: { resolution: { name: 'Duplicate' } } })
  })

  test('takes the status that the resolution names, and sends no resolution that its screen does not have', async () => {
    expect(await close({ resolution: "won't do" })).toMatchObject({ data: { state: "Won't Do" } })
    expect(posted('/rest/api/3/issue/OPS-1/transitions')[0]?.body).toEqual({ transition: { id: '21' } })
  })

  test('passes on what Jira says to a resolution that it does not have', async () => {
    const failure = await failureOf(close({ resolution: 'Magic' }))
    expect(failure.message).toContain("resolution: Resolution name 'Magic' is not valid")
    expect(issue().status).toBe('To Do')
  })

  test('is refused with the closing transitions if none leads to Done, Closed or Resolved', async () => {
    server.state.transitions['To Do'] = [
      { id: '11', name: 'Start', to: 'In Progress' },
      { id: '2', name: 'Reject', to: "Won't Do" },
    ]
    const failure = await failureOf(close())
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toBe(
      `Jira has no transition from To Do to Done, Closed or Resolved for OPS-1. Write the status that closes it, as resolution of a close or as state of an update: "Reject" to Won't Do.`,
    )
    expect(await close({ resolution: 'Reject' })).toMatchObject({ data: { state: "Won't Do" } })
  })

  test('is refused with the transitions there are where none leads to done', async () => {
    server.state.transitions['To Do'] = [{ id: '11', name: 'Start', to: 'In Progress' }]
    const failure = await failureOf(close())
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toBe(
      'Jira has no transition that brings OPS-1 from To Do to closed; there are: "Start" to In Progress.',
    )
  })
})

describe('a transition that requires fields', () => {
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
  ])('of the resolutions %j, a close without one takes %s by its name', async (names, expected) => {
    requiring(resolution(...names))
    expect(await close()).toMatchObject({ data: { state: 'Done' } })
    expect(issue().fields['resolution']).toEqual({ name: expected })
  })

  test('takes the resolution that has the name of the status', async () => {
    requiring(resolution('Done', "Won't do"), "Won't Do")
    await update({ state: "Won't Do" })
    expect(issue().fields['resolution']).toEqual({ name: "Won't do" })
  })

  test.each([
    ['a close without a resolution', ['Duplicate', 'Rejected'], 'Done', () => close()],
    ['a status that is not called done', ['Done', 'Rejected'], "Won't Do", () => update({ state: "Won't Do" })],
    ['a resolution that only names the status', ['Done', 'No'], "Won't Do", () => close({ resolution: "Won't do" })],
  ])('is refused with the allowed resolutions for %s', async (_, names, to, act) => {
    requiring(resolution(...names), to)
    const failure = await failureOf(act())
    expect(failure).toMatchObject({ kind: 'refused', afterWrite: false })
    expect(failure.message).toContain(`requires fields that OPS-1 does not have: resolution: "${names.join('", "')}".`)
    expect(failure.message).toContain('Write it as resolution of a close, or in fields of an update')
    expect([...calls('POST'), ...calls('PUT')]).toEqual([])
  })

  test('is refused with the names and values of all that is missing, before anything is written', async () => {
    requiring({ ...resolution('Duplicate'), customfield_10011: rootCause, customfield_9: { name: 'Fix versions' } })
    const failure = await failureOf(update({ state: 'closed', title: 'x' }))
    expect(failure.message).toBe(
      'Jira\'s transition "Finish" to Done requires fields that OPS-1 does not have: customfield_10011 (Root cause): "Deployment", "Load"; resolution: "Duplicate"; customfield_9 (Fix versions). Write them in fields of an update with the state Done.',
    )
    expect([...calls('POST'), ...calls('PUT')]).toEqual([])
  })

  test('gets the fields and labels of the call that its screen has, and the issue gets the others', async () => {
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

  test('needs nothing that the issue has already', async () => {
    requiring({ summary: { name: 'Summary' }, customfield_10011: rootCause })
    issue().fields['customfield_10011'] = { value: 'Load' }
    expect(await close()).toMatchObject({ data: { state: 'Done' } })
    expect(posted(transitionsPath)[0]?.body).toEqual({ transition: { id: '31' } })
  })

  test('is made once if its answer is lost, and its fields are not set again', async () => {
    requiring(resolution('Duplicate'))
    const change = { state: 'closed', title: 'Again', labels: ['sev 1'], fields: { resolution: { name: 'Duplicate' } } }
    server.loseNext('POST')
    expect(await failureOf(update(change))).toMatchObject({ transient: true, afterWrite: true })
    expect(await update(change, { repeated: true })).toMatchObject({ result: 'pass', data: { state: 'Done' } })
    expect(posted(transitionsPath)).toHaveLength(1)
    expect(calls('PUT')).toHaveLength(1)
  })
})

describe('where Jira fails', () => {
  const actions = { open: () => open(), update: () => update({ title: 'x' }), close: () => close() }

  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
  })

  for (const [name, act] of Object.entries(actions)) {
    test(`${name} can be tried again after a 5xx`, async () => {
      server.failNext(503, '<html><title>Unavailable</title></html>', { times: 5 })
      const failure = await failureOf(act())
      expect(failure).toMatchObject({ kind: 'platform', transient: true })
      expect(failure.message).toContain('Jira answered 503')
      expect(failure.message).toContain('Unavailable')
    })

    test(`${name} can be tried again after a connection that breaks`, async () => {
      server.down()
      expect(await failureOf(act())).toMatchObject({ kind: 'platform', transient: true })
    })

    test(`${name} leaves no secret in what it says`, async () => {
      const basic = Buffer.from(`${server.email}:${server.token}`).toString('base64')
      server.failNext(400, { errorMessages: [`no ${server.token} and no ${basic}`] }, { times: 5 })
      const { message } = await failureOf(act())
      expect(message).toContain('no *** and no ***')
    })
  }

  test('it may be asked again when it says so', async () => {
    server.failNext(429, { errorMessages: ['Rate limit exceeded'] }, { headers: { 'retry-after': '7' } })
    expect(await failureOf(open())).toMatchObject({ kind: 'platform', transient: true, retryAfter: 7 })
  })

  test('it is not waited for longer than there is time', async () => {
    server.hang()
    expect(await failureOf(open({}, { deadline: 500 }))).toMatchObject({ kind: 'timeout', transient: true })
  })
})

function toDocument() {
  return { type: 'doc', version: 1, content: [] }
}
