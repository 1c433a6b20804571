import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { redmine } from '../../../functions/issue-ticketing/providers/redmine.ts'
import { withState } from '../../conformance/job.ts'
import { type RedmineServer, redmineIssues } from '../../platforms/redmine.ts'
import { expectFailure, keyOf } from '../helpers.ts'
import { testTickets } from '../tickets.ts'

const ref = (call: number) => `Ref: caw-${keyOf(call)}`
/** Sends the key of another user. */
const as = (user: string) => (server: RedmineServer) => ({ token: server.keys[user] })
const notAllowed = '#1 to change from New to Done, Closed or Resolved. Allowed statuses: New, In Progress'

const suite = testTickets(redmineIssues, redmine, {
  tickets: ({ state }) => state.issues,
  id: '1',
  refusal: (reason) => ({ errors: [reason] }),
  projects: { accepted: ['ops', 'web-1_a', '1'], refused: ['OPS', 'octo/repo', '', '../x'] },
  opens: [
    {
      input: {},
      stored: { subject: 'Checkout fails', tracker: 1, priority: 2, description: `Since **14:03**.\r\n\r\n${ref(1)}` },
    },
    { input: { type: 'support' }, stored: { tracker: 3 } },
    { input: {}, stored: { tracker: 2 }, connection: { type: 'Feature' } },
    { input: { priority: 'critical' }, stored: { priority: 5 } },
    {
      input: { labels: ['sev 1', 'eu'] },
      stored: { description: `Since **14:03**.\r\n\r\nLabels: sev 1, eu\r\n${ref(1)}` },
    },
    { input: { assignee: 'mia krystof' }, stored: { assignee: 6 } },
    { input: { assignee: '6' }, stored: { assignee: 6 } },
    { input: { assignee: 'me' }, stored: { assignee: 5 } },
    // A login or an address needs a key that can list users.
    { input: { assignee: 'mia' }, stored: { assignee: 6 }, connection: as('admin') },
    { input: { assignee: 'mia@example.com' }, stored: { assignee: 6 }, connection: as('admin') },
  ],
  refusedOpens: [
    {
      input: { type: 'Epic' },
      reason: 'Redmine has no tracker "Epic" for this project. It has: Bug, Feature, Support.',
    },
    {
      input: { priority: 'P1' },
      reason: 'no priority "P1" for this project. It has: Low, Normal, High, Urgent, Immediate.',
    },
    {
      input: { assignee: 'jdoe' },
      reason: 'no assignee "jdoe" for this project. It has: Robby Robot, Mia Krystof, editor X, ',
    },
    {
      input: { project: 'nope' },
      reason: '422 to POST /issues.json: Project cannot be blank; Tracker cannot be blank;',
    },
    { input: { project: 'nope' }, reason: 'blank (project "nope")' },
  ],
  earlier: { labels: ['checkout'] },
  updates: [
    { changes: { title: 'Checkout\nfails for all' }, stored: { subject: 'Checkout fails for all' } },
    { changes: { priority: 'low' }, stored: { priority: 1 } },
    { changes: { type: 'Feature' }, stored: { tracker: 2 } },
    { changes: { assignee: 'me' }, stored: { assignee: 5 } },
    { changes: { id: '#1', title: 'with' }, stored: { subject: 'with' } },
    { changes: { description: 'All new' }, stored: { description: `All new\r\n\r\nLabels: checkout\r\n${ref(9)}` } },
  ],
  states: [
    ['in progress', 'In Progress'],
    ['in progress', 'open', 'In Progress'],
  ],
  refusedCloses: [{ input: {}, reason: `${notAllowed}.`, connection: as('editor') }],
  refusedUpdates: [
    {
      input: { priority: 'high' },
      reason: 'accepted the request but did not set priority of #1: the role of its user or',
      change: withState({ readOnly: ['priority_id'] }),
    },
    {
      input: { state: 'Resolved' },
      reason: '#1 to change from New to Resolved. Allowed statuses: New, In Progress.',
      connection: as('editor'),
    },
    { input: { labels: ['eu'] }, reason: 'did not set notes of #1', connection: as('editor') },
    { input: { assignee: '99' }, reason: '422 to PUT /issues/1.json: Assignee is invalid' },
    { input: { id: '77', title: 'x' }, reason: '404 to GET /issues/77.json: an empty response' },
    { input: { title: 'x' }, reason: '403 to PUT /issues/1.json: an empty response', connection: as('viewer') },
  ],
})
const { server, open, update, close, ticket, count, calls, withTicket } = suite
const notes = () => ticket().journals.flatMap(({ notes }) => notes || [])

describe('Redmine: open', () => {
  test('sends other fields', async () => {
    await open({ fields: { estimated_hours: 2 } })
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
    expect(ticket().assignee).toBe(229)
  })
})

test('Redmine: a repeated open treats the 404 of a proxy as an error', async () => {
  await open()
  server.failNext(404, 'default backend - 404', { on: 'GET' })
  await expectFailure(open({}, { isRetry: true }), { kind: 'platform', transient: true })
  await open({}, { isRetry: true })
  expect(count()).toBe(1)
})

test('Redmine: a repeated open creates another issue for another event, even if Redmine lists all issues', async () => {
  await open()
  server.failNext(200, recordingOf('list-unknown-filter').answer.body, { on: 'GET' })
  await open({}, { key: keyOf(3) })
  expect(count()).toBe(2)
})

describe('Redmine: update', () => {
  withTicket()

  test('adds a note for new labels, once', async () => {
    for (const labels of [['checkout', 'sev 1'], ['sev 1'], ['sev 1', 'eu']]) await update({ labels })
    expect(notes()).toEqual(['Labels: sev 1', 'Labels: eu'])
  })

  test('clears other fields', async () => {
    await update({ assignee: 'me' })
    await update({ fields: { assigned_to_id: '' } })
    expect(ticket().assignee).toBeUndefined()
  })

  test('adds a comment as a note that ends with the idempotency key', async () => {
    await update({ comment: 'Still down\r\nin eu' })
    expect(notes()).toEqual([`Still down\r\nin eu\n\n${ref(1)}`])
  })

  test.each([keyOf(1), undefined])('reports a comment that Redmine ignores: %s', async (key) => {
    const ignored = update({ comment: 'x' }, { key, connection: as('editor')(server) })
    await expectFailure(ignored, 'refused', 'did not set notes')
  })
})

describe('Redmine: close', () => {
  withTicket()

  test('prefers Closed to other closed statuses', async () => {
    server.state.statuses.reverse()
    expect(await close()).toMatchObject({ result: 'pass', data: { state: 'Closed' } })
  })

  test.each([
    ['close', () => close()],
    ['an update to closed', () => update({ state: 'closed' })],
  ])('is refused if the workflow only allows other closed statuses: %s', async (_, act) => {
    server.state.workflow['robot'] = { 1: [2, 6] }
    await expectFailure(act(), 'refused', `${notAllowed}, Rejected.`)
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
  for (const one of recorded) {
    const [name = '', user = 'robot'] = one.split(':')
    const { request, answer } = recordingOf(name)
    const body = typeof request.body === 'object' ? JSON.stringify(request.body) : request.body
    const here = await fetch(`${server.url}${request.path}`, {
      method: request.method,
      headers: { 'content-type': 'application/json', 'x-redmine-api-key': server.keys[user] ?? user },
      ...(body === undefined ? {} : { body }),
    })
    const text = await here.text()
    const got = text === '' ? null : JSON.parse(text)
    expect({ name, status: here.status }).toEqual({ name, status: answer.status })
    // Members differ between servers.
    if (name === 'memberships') expect(Object.keys(got)).toEqual(Object.keys(answer.body))
    else expect({ name, body: timeless(got) }).toEqual({ name, body: timeless(answer.body) })
  }
})

function recordingOf(name: string) {
  return JSON.parse(readFileSync(new URL(`../../fixtures/redmine/${name}.json`, import.meta.url), 'utf8'))
}

/** Replaces values that differ between runs. */
function timeless(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body), (name, value) => {
    if (/(?:_on|_date)$/.test(name)) return value === null ? null : 'a time'
    return name === 'api_key' ? '' : value
  })
}
