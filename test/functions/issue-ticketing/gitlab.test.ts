import { beforeEach, describe, expect, test } from '@jest/globals'
import { gitlab } from '../../../functions/issue-ticketing/providers/gitlab.ts'
import { startGitlab } from '../../../infra/platforms/gitlab.ts'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { ticketPlatforms } from '../../e2e/platforms.ts'
import { type ClientOptions, clientOf, expectFailure, failureOf, keyOf, problem, startEach } from '../helpers.ts'

const server = startEach(startGitlab)

type Options = ClientOptions & { token?: string }

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
  if (!found) throw new Error(`No issue ${at}`)
  return found
}
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const marker = (call: number) => `<!-- cloud-automation-webhooks:${keyOf(call)} -->`

describe('GitLab: open', () => {
  test.each([
    [{}, { title: 'Checkout fails', description: `Since **14:03**.\n\n${marker(1)}`, labels: [], issue_type: 'issue' }],
    [{ type: 'Incident' }, { issue_type: 'incident' }],
    [{ labels: ['sev 1', 'a,b'], priority: 'critical' }, { labels: ['sev 1', 'a b', 'priority::critical'] }],
    [{ assignee: '@mia' }, { assignees: [18] }],
    [{ fields: { confidential: true } }, { confidential: true }],
  ])('stores %j as %j', async (input, expected) => {
    const url = `${server.url}/${path}/-/issues/1`
    expect(await open(input)).toMatchObject({ data: { id: ours, number: '1', url, state: 'opened' } })
    expect(issue()).toMatchObject(expected)
  })

  test('accepts the number of a project', async () => {
    expect(await open({ project: '4' })).toMatchObject({ data: { id: '4#1' } })
  })

  test('disables quick actions in texts', async () => {
    await open({ description: '/close\r/label ~gone\r\n/confidential\nin /usr/bin' })
    await update({ description: 'again\n/close' })
    await update({ comment: '/close\n/label ~gone' })
    expect(issue()).toMatchObject({ state: 'opened', labels: [], confidential: false })
    expect(issue().description).toBe(`again\n /close\n\n${marker(1)}`)
    expect(issue().notes).toMatchObject([{ body: ` /close\n /label ~gone\n\n${marker(1)}` }])
  })

  test.each([
    [{ assignee: 'jdoe' }, 'GitLab has no user "jdoe". Send the username of an existing user.'],
    [{ title: '' }, "title: can't be blank"],
    [{ type: 'epos' }, 'issue_type does not have a valid value'],
    [{ project: 'ops/nope' }, '404 Project Not Found'],
  ])('creates nothing and reports why %j is refused', async (input, words) => {
    await expectFailure(open(input, { key: undefined }), 'refused', words)
    expect(server.state.issues).toEqual([])
  })

  test('reports what the token or the project does not allow', async () => {
    await expectFailure(open({}, { token: server.readToken }), 'refused', 'The request requires higher privileges')
    server.state.issuesEnabled = false
    expect((await failureOf(open())).message).toContain('403 Forbidden')
  })
})

describe('GitLab: repeated open', () => {
  test('finds the issue after it was closed', async () => {
    await open()
    issue().state = 'closed'
    expect(await open()).toMatchObject({ message: 'Found issue 1, opened by an earlier attempt' })
    expect(calls('POST')).toHaveLength(1)
  })

  test('finds the issue behind a hundred newer ones', async () => {
    await open()
    for (let at = 0; at < 150; at++) server.state.issues.push({ ...issue(), iid: at + 2, description: null, notes: [] })
    expect(await open()).toMatchObject({ data: { id: ours } })
    expect(calls('POST')).toHaveLength(1)
  })

  test('searches the last day, and a retry the last month', async () => {
    await open()
    issue().created_at = new Date(Date.now() - 26 * 3_600_000).toISOString()
    await open({}, { isRetry: true })
    expect(server.state.issues).toHaveLength(1)
    await open()
    expect(server.state.issues).toHaveLength(2)
  })
})

describe('GitLab: update', () => {
  beforeEach(async () => {
    await open({ labels: ['checkout'], priority: 'high' }, { key: keyOf(9) })
    server.calls.length = 0
  })

  test.each([
    [{ title: 'Still\nfails' }, { title: 'Still fails', labels: ['checkout', 'priority::high'] }],
    [{ description: 'All new' }, { description: `All new\n\n${marker(9)}` }],
    [{ labels: ['sev 1'] }, { labels: ['checkout', 'priority::high', 'sev 1'] }],
    [
      { assignee: 'mia', type: 'incident' },
      { assignees: [18], issue_type: 'incident' },
    ],
    [{ fields: { confidential: true } }, { confidential: true }],
    [{ id: '#1', project: '4', title: 'by number' }, { title: 'by number' }],
  ])('changes %j only, and the issue is still found', async (input, expected) => {
    expect(await update(input)).toMatchObject({ data: { state: 'opened' } })
    expect(issue()).toMatchObject({ title: 'Checkout fails', ...expected })
    expect(calls('PUT')).toHaveLength(1)
    await open({}, { key: keyOf(9) })
    expect(server.state.issues).toHaveLength(1)
  })

  test('replaces the priority if the edition has scoped labels, else adds it', async () => {
    await update({ priority: 'low' })
    expect(issue().labels).toEqual(['checkout', 'priority::low'])
    server.state.premium = false
    await update({ priority: 'P1' })
    expect(issue().labels).toEqual(['checkout', 'priority::low', 'priority::P1'])
  })

  test('refuses unknown states', () => {
    expect(() => gitlab.checkInput({ state: 'In Progress' })).toThrow('must be open or closed')
  })

  test.each([
    [{ fields: { title: '' } }, "title: can't be blank"],
    [{ id: `${path}#77`, title: 'x' }, '404 Issue Not Found'],
  ])('reports why %j is refused', async (input, words) => {
    await expectFailure(update(input), 'refused', words)
  })
})

describe('GitLab: comment', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
  })

  test('is found after a lost response, behind a hundred newer ones', async () => {
    server.loseNext('POST')
    await failureOf(update({ comment: 'x' }))
    const other = { id: 1, body: 'Me too', system: true, created_at: '' }
    for (let at = 0; at < 150; at++) issue().notes.push(other)
    await update({ comment: 'x' }, { isRetry: true })
    expect(issue().notes).toHaveLength(151)
  })
})

describe('GitLab: close', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
    server.calls.length = 0
  })

  test('adds the resolution as a label', async () => {
    await close({ resolution: 'duplicate' })
    expect(issue()).toMatchObject({ state: 'closed', labels: ['resolution::duplicate'] })
  })
})

ticketConformance(gitlab, ticketPlatforms['issue-ticketing/gitlab'], {
  refusal: (reason) => ({ message: { base: [reason] } }),
  defaults: { baseUrl: 'https://gitlab.com' },
  projects: {
    accepted: ['group/project', path, '4', 'a.b/_c-d', '.x/y'],
    refused: ['project', 'a/..', '../a', 'a/../b', 'a//b', '-a/b', 'a b/c', 'a/b?x=1', ''],
  },
})
