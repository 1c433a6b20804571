import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { redmine } from '../../../functions/issue-ticketing/providers/redmine.ts'
import { startRedmine } from '../../../infra/platforms/redmine.ts'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { ticketPlatforms } from '../../e2e/platforms.ts'
import { type ClientOptions, clientOf, expectFailure, failureOf, keyOf, problem, startEach } from '../helpers.ts'

const server = startEach(startRedmine)
/** `as` is the user whose key is sent. */
type Options = ClientOptions & { as?: string; type?: string }

const client = ({ as = 'robot', type, ...options }: Options = {}) =>
  clientOf(redmine, { baseUrl: server.url, token: server.keys[as] ?? as, type }, options)
const open = (input = {}, options?: Options) =>
  openTicket.run(redmine, client(options), { ...problem, project: 'ops', ...input })
const update = (input: object, options?: Options) => updateTicket.run(redmine, client(options), { id: '1', ...input })
const close = (input = {}, options?: Options) => closeTicket.run(redmine, client(options), { id: '1', ...input })
const issue = (at = 0) => {
  const found = server.state.issues[at]
  if (!found) throw new Error(`No issue ${at}`)
  return found
}
const notes = () => issue().journals.flatMap(({ notes }) => notes || [])
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const ref = (call: number) => `Ref: caw-${keyOf(call)}`
/** Opens an issue of an earlier event before each test. */
const withIssue = (input = {}) =>
  beforeEach(async () => {
    await open(input, { key: keyOf(9) })
    server.calls.length = 0
  })

ticketConformance(redmine, ticketPlatforms['issue-ticketing/redmine'], {
  refusal: (reason) => ({ errors: [reason] }),
  projects: { accepted: ['ops', 'web-1_a', '1'], refused: ['OPS', 'octo/repo', '', '../x'] },
})

describe('Redmine: open', () => {
  test.each<[object, object, Options?]>([
    [{}, { subject: 'Checkout fails', tracker: 1, priority: 2, description: `Since **14:03**.\r\n\r\n${ref(1)}` }],
    [{ type: 'support' }, { tracker: 3 }],
    [{}, { tracker: 2 }, { type: 'Feature' }],
    [{ priority: 'critical' }, { priority: 5 }],
    [{ labels: ['sev 1', 'eu'] }, { description: `Since **14:03**.\r\n\r\nLabels: sev 1, eu\r\n${ref(1)}` }],
    [{ assignee: 'mia krystof' }, { assignee: 6 }],
    [{ assignee: '6' }, { assignee: 6 }],
    [{ assignee: 'me' }, { assignee: 5 }],
    // A login or an address needs a key that can list users.
    [{ assignee: 'mia' }, { assignee: 6 }, { as: 'admin' }],
    [{ assignee: 'mia@example.com' }, { assignee: 6 }, { as: 'admin' }],
  ])('stores %j as %j', async (input, expected, options = {}) => {
    await open({ ...input, fields: { estimated_hours: 2 } }, options)
    expect(issue()).toMatchObject(expected)
    expect(calls('POST')[0]?.body).toMatchObject({ issue: { estimated_hours: 2 } })
  })

  test('maps levels by position if the priorities have other names', async () => {
    const names = ['Niedrig', 'Normal', 'Hoch', 'Dringend', 'Sofort']
    for (const [at, name] of names.entries()) Object.assign(server.state.priorities[at] ?? {}, { name })
    const asked = ['low', 'medium', 'high', 'critical', 'Dringend']
    for (const [at, priority] of asked.entries()) await open({ priority }, { key: keyOf(at + 1) })
    expect(server.state.issues.map(({ priority }) => priority)).toEqual([1, 2, 3, 5, 4])
  })

  test('finds a member on a later page', async () => {
    const mia = server.state.users.find(({ login }) => login === 'mia')
    if (!mia) throw new Error('No user mia')
    for (let id = 100; id < 230; id++) server.state.users.push({ ...mia, id, lastname: `No ${id}`, key: `key ${id}` })
    await open({ assignee: 'Mia No 229' })
    expect(issue().assignee).toBe(229)
  })

  test.each([
    [{ type: 'Epic' }, 'Redmine has no tracker "Epic" for this project. It has: Bug, Feature, Support.'],
    [{ priority: 'P1' }, 'no priority "P1" for this project. It has: Low, Normal, High, Urgent, Immediate.'],
    [{ assignee: 'jdoe' }, 'no assignee "jdoe" for this project. It has: Robby Robot, Mia Krystof, editor X, '],
    [{ project: 'nope' }, '422 to POST /issues.json: Project cannot be blank; Tracker cannot be blank;'],
    [{ project: 'nope' }, 'blank (project "nope")'],
  ])('creates nothing and reports why %j is refused', async (input, words) => {
    await expectFailure(open(input), 'refused', words)
    expect(server.state.issues).toEqual([])
  })
})

describe('Redmine: repeated open', () => {
  test('finds the issue after it was closed', async () => {
    await open()
    await close({}, { key: keyOf(2) })
    expect(await open()).toMatchObject({ data: { id: '1' }, message: expect.stringContaining('Found') })
    expect(calls('POST')).toHaveLength(1)
  })

  test('treats the 404 of a proxy as an error', async () => {
    await open()
    server.failNext(404, 'default backend - 404', { on: 'GET' })
    expect(await failureOf(open({}, { isRetry: true }))).toMatchObject({ kind: 'platform', transient: true })
    await open({}, { isRetry: true })
    expect(server.state.issues).toHaveLength(1)
  })

  test('creates another issue for another event, even if Redmine lists all issues', async () => {
    await open()
    const recording = new URL('../../fixtures/redmine/list-unknown-filter.json', import.meta.url)
    server.failNext(200, JSON.parse(readFileSync(recording, 'utf8')).answer.body, { on: 'GET' })
    await open({}, { key: keyOf(3) })
    expect(server.state.issues).toHaveLength(2)
  })

  test('finds the issue after its description was changed', async () => {
    await open({ labels: ['checkout'] })
    await update({ description: 'All is different' }, { key: keyOf(2) })
    expect(issue().description).toBe(`All is different\r\n\r\nLabels: checkout\r\n${ref(1)}`)
    await open()
    expect(server.state.issues).toHaveLength(1)
  })
})

describe('Redmine: update', () => {
  withIssue({ labels: ['checkout'] })

  test.each([
    [{ title: 'Checkout\nfails for all' }, { subject: 'Checkout fails for all' }],
    [{ priority: 'low' }, { priority: 1 }],
    [{ type: 'Feature' }, { tracker: 2 }],
    [{ assignee: 'me' }, { assignee: 5 }],
    [{ id: '#1', title: 'with' }, { subject: 'with' }],
  ])('changes %j only', async (input, expected) => {
    const description = expect.stringContaining('Since **14:03**.')
    expect(await update(input)).toMatchObject({ data: { id: '1', number: '1', state: 'New' } })
    expect(issue()).toMatchObject({ subject: 'Checkout fails', description, ...expected })
    expect(calls('PUT')).toHaveLength(1)
  })

  test('adds a note for new labels, once', async () => {
    for (const labels of [['checkout', 'sev 1'], ['sev 1'], ['sev 1', 'eu']]) await update({ labels })
    expect(notes()).toEqual(['Labels: sev 1', 'Labels: eu'])
  })

  test('sets a status by name', async () => {
    expect(await update({ state: 'in progress' })).toMatchObject({ data: { state: 'In Progress' } })
    expect(await update({ state: 'open' })).toMatchObject({ data: { state: 'In Progress' } })
  })

  test('clears other fields', async () => {
    await update({ assignee: 'me' })
    await update({ fields: { assigned_to_id: '' } })
    expect(issue().assignee).toBeUndefined()
  })

  test.each<[object, Options, string]>([
    [{ state: 'Resolved' }, { as: 'editor' }, '#1 to change from New to Resolved. Allowed statuses: New, In Progress.'],
    [{ labels: ['eu'] }, { as: 'editor' }, 'did not set notes of #1'],
    [{ priority: 'high' }, {}, 'accepted the request but did not set priority of #1: the role of its user or'],
    [{ assignee: '99' }, {}, '422 to PUT /issues/1.json: Assignee is invalid'],
    [{ id: '77', title: 'x' }, {}, '404 to GET /issues/77.json: an empty response'],
    [{ title: 'x' }, { as: 'viewer' }, '403 to PUT /issues/1.json: an empty response'],
  ])('reports why %j is refused as %j', async (input, options, words) => {
    if ('priority' in input) server.state.readOnly = ['priority_id']
    await expectFailure(update(input, options), 'refused', words)
  })
})

describe('Redmine: comment', () => {
  withIssue()

  test('is a note that ends with the idempotency key', async () => {
    await update({ comment: 'Still down\r\nin eu' })
    expect(notes()).toEqual([`Still down\r\nin eu\n\n${ref(1)}`])
  })

  test('fails if Redmine ignores it', async () => {
    for (const key of [keyOf(1), undefined])
      await expectFailure(update({ comment: 'x' }, { as: 'editor', key }), 'refused', 'did not set notes')
  })
})

describe('Redmine: close', () => {
  withIssue()

  test('prefers Closed to other closed statuses', async () => {
    server.state.statuses.reverse()
    expect(await close()).toMatchObject({ result: 'pass', data: { state: 'Closed' } })
  })

  test.each([
    ['close', () => close()],
    ['an update to closed', () => update({ state: 'closed' })],
  ])('is refused if the workflow only allows other closed statuses: %s', async (_, act) => {
    server.state.workflow['robot'] = { 1: [2, 6] }
    const words = '#1 to change from New to Done, Closed or Resolved. Allowed statuses: New, In Progress, Rejected.'
    await expectFailure(act(), 'refused', words)
    expect(await update({ state: 'Rejected' })).toMatchObject({ data: { state: 'Rejected' } })
  })

  test('adds a resolution once, as a note', async () => {
    for (let call = 0; call < 2; call++) await close({ comment: 'Bye', resolution: 'fixed' })
    expect(notes()).toEqual([`Bye\n\n${ref(1)}`, 'Resolution: fixed'])
  })

  test('accepts the name of a status as resolution', async () => {
    expect(await close({ resolution: 'rejected' })).toMatchObject({ data: { state: 'Rejected' } })
    expect(notes()).toEqual([])
  })

  test('lists the statuses if the workflow allows no closed one', async () => {
    const words = '#1 to change from New to Done, Closed or Resolved. Allowed statuses: New, In Progress.'
    await expectFailure(close({}, { as: 'editor' }), 'refused', words)
  })
})

/** Requests to a real Redmine 6.0.5 and its responses, in this order, with the user if it is not robot. */
const recorded = [
  'current-user current-user-bad-key:unknown priorities statuses project project-missing memberships users:admin',
  'users-forbidden create create-no-subject create-no-project create-long-subject create-wrong-ids create-not-json',
  'list-found list-empty list-unknown-filter list-missing-project issue issue-missing note update update-no-subject',
  'update-wrong-assignee update-unknown-status update-missing allowed-statuses-of-an-editor:editor',
  'close-not-allowed:editor note-ignored:editor update-forbidden:viewer issue-with-journals close issue-closed',
].flatMap((line) => line.split(' '))

test('the fake Redmine responds as a real one', async () => {
  const recordings = new URL('../../fixtures/redmine/', import.meta.url)
  // Members differ between servers.
  const own = ['memberships']
  for (const one of recorded) {
    const [name = '', as = 'robot'] = one.split(':')
    const { request, answer } = JSON.parse(readFileSync(new URL(`${name}.json`, recordings), 'utf8'))
    const body =
      request.body === undefined || typeof request.body === 'string' ? request.body : JSON.stringify(request.body)
    const here = await fetch(`${server.url}${request.path}`, {
      method: request.method,
      headers: { 'content-type': 'application/json', 'x-redmine-api-key': server.keys[as] ?? as },
      ...(body === undefined ? {} : { body }),
    })
    const text = await here.text()
    const got = text === '' ? null : JSON.parse(text)
    expect({ name, status: here.status }).toEqual({ name, status: answer.status })
    if (own.includes(name)) expect(Object.keys(got)).toEqual(Object.keys(answer.body))
    else expect({ name, body: timeless(got) }).toEqual({ name, body: timeless(answer.body) })
  }
})

/** Replaces values that differ between runs. */
function timeless(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body), (name, value) => {
    if (/(?:_on|_date)$/.test(name)) return value === null ? null : 'a time'
    return name === 'api_key' ? '' : value
  })
}
