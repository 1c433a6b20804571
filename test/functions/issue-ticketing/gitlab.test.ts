import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { gitlab } from '../../../functions/issue-ticketing/providers/gitlab.ts'
import { type GitlabServer, startGitlab } from '../../../infra/platforms/gitlab.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { ticketPlatforms } from '../../e2e/platforms.ts'
import { clientOf, failureOf, keyOf, problem } from '../helpers.ts'

let server: GitlabServer
beforeEach(async () => {
  server = await startGitlab()
})
afterEach(() => server.close())

type Options = Parameters<typeof clientOf>[2] & { token?: string }

const path = 'ops/shop/checkout'
const ours = `${path}#1`
const checkout = { ...problem, project: path }
const client = ({ token = server.token, ...options }: Options = {}) =>
  clientOf(gitlab, { baseUrl: server.url, token }, options)
const open = (input = {}, options?: Options) => openTicket.run(gitlab, client(options), { ...checkout, ...input })
const update = (input: object, options?: Options) => updateTicket.run(gitlab, client(options), { id: ours, ...input })
const close = (input = {}, options?: Options) => closeTicket.run(gitlab, client(options), { id: ours, ...input })
const issue = (at = 0) => {
  const found = server.state.issues[at]
  if (!found) throw new Error(`There is no issue ${at}`)
  return found
}
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const mark = (call: number) => `<!-- cloud-automation-webhooks:${keyOf(call)} -->`

describe('the connection', () => {
  test('is checked with the user of the token, at gitlab.com where nothing else is said', async () => {
    await gitlab.check(client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/v4/user'])
    expect(server.calls[0]?.headers['private-token']).toBe(server.token)
    expect(gitlab.connection.parse({ token: server.token })).toEqual({
      baseUrl: 'https://gitlab.com',
      token: server.token,
    })
  })

  test('says that a token is wrong, and not which', async () => {
    const failure = await failureOf(gitlab.check(client({ token: 'glpat-a-wrong-one' })).then())
    expect(failure.kind).toBe('credentials')
    expect(failure.message).toContain('401 Unauthorized')
    expect(failure.message).not.toContain('glpat-a-wrong-one')
  })

  test('has its token masked wherever it turns up', () => {
    expect(secretsIn(gitlab.connection, { baseUrl: server.url, token: server.token })).toEqual([server.token])
  })

  test('knows projects by path or number, and no path that leaves the API', () => {
    for (const project of ['group/project', path, '4', 'a.b/_c-d', '.x/y'])
      expect(gitlab.project.pattern.test(project)).toBe(true)
    for (const project of ['project', 'a/..', '../a', 'a/../b', 'a//b', '-a/b', 'a b/c', 'a/b?x=1', '']) {
      expect(gitlab.project.pattern.test(project)).toBe(false)
    }
  })
})

describe('open', () => {
  test('makes an issue and answers its id, number and link', async () => {
    const url = `${server.url}/${path}/-/issues/1`
    expect(await open()).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      message: 'Opened issue 1',
      data: { id: ours, number: '1', url, state: 'opened' },
      links: { 'gitlab 1': url },
    })
    expect(issue()).toMatchObject({
      title: 'Checkout fails',
      description: `Since **14:03**.\n\n${mark(1)}`,
      labels: [],
      issue_type: 'issue',
    })
  })

  test('sets type, labels, priority, assignee and what only GitLab knows', async () => {
    await open({
      type: 'Incident',
      labels: ['sev 1', 'a,b'],
      priority: 'critical',
      assignee: '@mia',
      fields: { confidential: true },
    })
    expect(issue()).toMatchObject({
      issue_type: 'incident',
      labels: ['sev 1', 'a b', 'priority::critical'],
      assignees: [18],
      confidential: true,
    })
  })

  test('takes a project by its number', async () => {
    expect(await open({ project: '4' })).toMatchObject({ data: { id: '4#1' } })
  })

  test('cuts a title that is too long, and puts the whole at the top of the description', async () => {
    const title = 'x'.repeat(300)
    await open({ title })
    expect(issue().title).toBe(`${'x'.repeat(254)}…`)
    expect(issue().description).toBe(`${title}\n\nSince **14:03**.\n\n${mark(1)}`)
  })

  test('lets no line of a text command GitLab', async () => {
    await open({ description: '/close\r/label ~gone\r\n/confidential\nin /usr/bin' })
    await update({ description: 'again\n/close' })
    await update({ comment: '/close\n/label ~gone' })
    expect(issue()).toMatchObject({ state: 'opened', labels: [], confidential: false })
    expect(issue().description).toBe(`again\n /close\n\n${mark(1)}`)
    expect(issue().notes).toMatchObject([{ body: ` /close\n /label ~gone\n\n${mark(1)}` }])
  })

  test('carries nothing where there is no key', async () => {
    await open({}, { key: undefined })
    expect(issue().description).toBe('Since **14:03**.')
    expect(calls('GET')).toEqual([])
  })

  test('makes nothing where nobody has the username', async () => {
    const failure = await failureOf(open({ assignee: 'nobody' }))
    expect(failure).toMatchObject({ kind: 'refused', message: 'GitLab knows nobody by the username nobody.' })
    expect(server.state.issues).toEqual([])
  })

  test.each([
    ['a field that is wrong', { title: '' }, "title: can't be blank"],
    ['a type that there is not', { type: 'epos' }, 'issue_type does not have a valid value'],
    ['a project that there is not', { project: 'ops/nope' }, '404 Project Not Found'],
  ])('says in the words of GitLab why it refuses %s', async (_, input, reason) => {
    const failure = await failureOf(open(input, { key: undefined }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain(reason)
  })

  test('says what the token, or the project, does not allow', async () => {
    const failure = await failureOf(open({}, { token: server.readToken }))
    expect(failure).toMatchObject({ kind: 'refused', transient: false })
    expect(failure.message).toContain('The request requires higher privileges')
    server.state.issuesEnabled = false
    expect((await failureOf(open())).message).toContain('403 Forbidden')
  })
})

describe('a repeat of open', () => {
  test('finds the issue, closed or not, and makes none', async () => {
    await open()
    issue().state = 'closed'
    expect(await open()).toMatchObject({ message: 'Found issue 1, which an earlier try had opened' })
    expect(calls('POST')).toHaveLength(1)
  })

  test('makes another issue for another key', async () => {
    await open()
    await open({}, { key: keyOf(2) })
    expect(server.state.issues).toHaveLength(2)
  })

  test('finds what was made though its answer was lost', async () => {
    server.loseNext('POST')
    expect(await failureOf(open())).toMatchObject({ kind: 'platform', transient: true, afterWrite: true })
    expect(await open({}, { repeated: true })).toMatchObject({ message: expect.stringContaining('Found') })
    expect(server.state.issues).toHaveLength(1)
  })

  test('finds it behind a hundred newer ones', async () => {
    await open()
    for (let at = 0; at < 150; at++) server.state.issues.push({ ...issue(), iid: at + 2, description: null, notes: [] })
    expect(await open()).toMatchObject({ data: { id: ours } })
    expect(calls('POST')).toHaveLength(1)
  })

  test('looks back a day, and as long as a task may take where an earlier try may have got further', async () => {
    await open()
    issue().created_at = new Date(Date.now() - 26 * 3_600_000).toISOString()
    await open({}, { repeated: true })
    expect(server.state.issues).toHaveLength(1)
    await open()
    expect(server.state.issues).toHaveLength(2)
  })
})

describe('update', () => {
  beforeEach(async () => {
    await open({ labels: ['checkout'], priority: 'high' }, { key: keyOf(9) })
    server.calls.length = 0
  })

  test('changes what is given, adds labels, keeps the key of the call that opened it', async () => {
    const changes = {
      title: 'Still\nfails',
      description: 'All new',
      labels: ['sev 1'],
      assignee: 'mia',
      type: 'incident',
    }
    expect(await update({ ...changes, fields: { confidential: true } })).toMatchObject({
      data: { id: ours, state: 'opened' },
    })
    expect(issue()).toMatchObject({
      title: 'Still fails',
      description: `All new\n\n${mark(9)}`,
      labels: ['checkout', 'priority::high', 'sev 1'],
      assignees: [18],
      issue_type: 'incident',
      confidential: true,
    })
    expect(calls('PUT')).toHaveLength(1)
    await open({}, { key: keyOf(9) })
    expect(server.state.issues).toHaveLength(1)
  })

  test('replaces a priority where scoped labels do so, and adds it where they are only labels', async () => {
    await update({ priority: 'low' })
    expect(issue().labels).toEqual(['checkout', 'priority::low'])
    server.state.premium = false
    await update({ priority: 'P1' })
    expect(issue().labels).toEqual(['checkout', 'priority::low', 'priority::P1'])
  })

  test('closes and reopens, also where it is so already', async () => {
    for (const [state, now] of Object.entries({
      closed: 'closed',
      Closed: 'closed',
      open: 'opened',
      opened: 'opened',
    })) {
      expect(await update({ state })).toMatchObject({ data: { state: now } })
    }
  })

  test('takes no state that GitLab does not have, and no id that is none', () => {
    expect(() => gitlab.checkInput({ state: 'In Progress' })).toThrow('write open or closed')
    for (const id of ['1', `${path}#`, `../x#1`, 'project#1', 'OPS-1']) {
      expect(() => gitlab.checkRef?.({ id, project: undefined })).toThrow('write it like group/project#7')
    }
  })

  test('takes a number with the project', async () => {
    await update({ id: '#1', project: '4', title: 'by number' })
    expect(issue().title).toBe('by number')
  })

  test('says in the words of GitLab why it is refused', async () => {
    expect((await failureOf(update({ fields: { title: '' } }))).message).toContain("title: can't be blank")
    const failure = await failureOf(update({ id: `${path}#77`, title: 'x' }))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('404 Issue Not Found')
  })
})

describe('a comment', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
  })

  test('is made once for a key, and again for another', async () => {
    for (const key of [keyOf(1), keyOf(1), keyOf(2)]) await update({ comment: 'Still **down**' }, { key })
    expect(issue().notes.map(({ body }) => body)).toEqual([
      `Still **down**\n\n${mark(1)}`,
      `Still **down**\n\n${mark(2)}`,
    ])
  })

  test('is found though its answer was lost, and a hundred came after it', async () => {
    server.loseNext('POST')
    await failureOf(update({ comment: 'x' }))
    const other = { id: 1, body: 'Me too', system: true, created_at: '' }
    for (let at = 0; at < 150; at++) issue().notes.push(other)
    await update({ comment: 'x' }, { repeated: true })
    expect(issue().notes).toHaveLength(151)
  })
})

describe('close', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
    server.calls.length = 0
  })

  test('comments once, closes once and passes where it is closed already', async () => {
    expect(await close({ comment: 'Fixed' })).toMatchObject({ message: 'Closed issue 1 (closed)' })
    expect(await close({ comment: 'Fixed' })).toMatchObject({ message: expect.stringContaining('already') })
    expect(issue().notes).toHaveLength(1)
    expect(calls('PUT')).toHaveLength(1)
  })

  test('keeps the resolution as a label', async () => {
    await close({ resolution: 'duplicate' })
    expect(issue()).toMatchObject({ state: 'closed', labels: ['resolution::duplicate'] })
  })

  test('is done once though its answer was lost', async () => {
    server.loseNext('PUT')
    expect(await failureOf(close())).toMatchObject({ transient: true })
    expect(await close({}, { repeated: true })).toMatchObject({ data: { state: 'closed' } })
    expect(calls('PUT')).toHaveLength(1)
  })
})

describe('where GitLab fails', () => {
  const actions = { open: () => open(), update: () => update({ title: 'x' }), close: () => close() }

  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
  })

  for (const [name, act] of Object.entries(actions)) {
    test(`${name} can be tried again after a 5xx`, async () => {
      server.failNext(502, '<html><title>GitLab is not responding</title></html>', { times: 5 })
      const failure = await failureOf(act())
      expect(failure).toMatchObject({ kind: 'platform', transient: true })
      expect(failure.message).toContain('GitLab is not responding')
    })

    test(`${name} can be tried again after a connection that breaks`, async () => {
      server.down()
      expect(await failureOf(act())).toMatchObject({ kind: 'platform', transient: true })
    })

    test(`${name} leaves no secret in what it says`, async () => {
      server.failNext(400, { message: { base: [`no ${server.token}`] } }, { times: 5 })
      expect((await failureOf(act())).message).toContain('base: no ***')
    })
  }

  test('it may be asked again when it says so', async () => {
    server.failNext(429, 'Retry later', { headers: { 'retry-after': '7' } })
    expect(await failureOf(open())).toMatchObject({ kind: 'platform', transient: true, retryAfter: 7 })
  })

  test('it is not waited for longer than there is time', async () => {
    server.hang()
    expect(await failureOf(open({}, { deadline: 500 }))).toMatchObject({ kind: 'timeout', transient: true })
  })
})

ticketConformance(gitlab, ticketPlatforms['issue-ticketing/gitlab'])
