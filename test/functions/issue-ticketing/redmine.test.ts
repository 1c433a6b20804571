import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { redmine } from '../../../functions/issue-ticketing/providers/redmine.ts'
import { startRedmine } from '../../../infra/platforms/redmine.ts'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { ticketPlatforms } from '../../e2e/platforms.ts'
import { clientOf, expectFailure, failureOf, keyOf, problem, startEach } from '../helpers.ts'

const server = startEach(startRedmine)

type Options = Parameters<typeof clientOf>[2] & { as?: string }

const ops = { ...problem, project: 'ops' }
const client = ({ as = 'robot', ...options }: Options = {}) =>
  clientOf(redmine, { baseUrl: server.url, token: server.keys[as] ?? as }, options)
const open = (input = {}, options?: Options) => openTicket.run(redmine, client(options), { ...ops, ...input })
const update = (input: object, options?: Options) => updateTicket.run(redmine, client(options), { id: '1', ...input })
const close = (input = {}, options?: Options) => closeTicket.run(redmine, client(options), { id: '1', ...input })
const issue = (at = 0) => {
  const found = server.state.issues[at]
  if (!found) throw new Error(`No issue ${at}`)
  return found
}
const notes = () =>
  issue()
    .journals.map((journal) => journal.notes)
    .filter(Boolean)
const calls = (method: string) => server.calls.filter((call) => call.method === method)

describe('Redmine: open', () => {
  test('creates an issue and returns its id, number and link', async () => {
    expect(await open()).toMatchObject({
      result: 'pass',
      data: { id: '1', number: '1', url: `${server.url}/issues/1`, state: 'New' },
      links: { 'redmine 1': `${server.url}/issues/1` },
    })
    expect(issue()).toMatchObject({
      subject: 'Checkout fails',
      description: `Since **14:03**.\r\n\r\nRef: caw-${keyOf(1)}`,
      tracker: 1,
      priority: 2,
    })
  })

  test('finds tracker, priority and assignee by name, and lists labels in the description', async () => {
    await open({
      type: 'support',
      priority: 'critical',
      assignee: 'mia krystof',
      labels: ['sev 1', 'checkout'],
      fields: { estimated_hours: 2 },
    })
    expect(issue()).toMatchObject({
      tracker: 3,
      priority: 5,
      assignee: 6,
      description: `Since **14:03**.\r\n\r\nLabels: sev 1, checkout\r\nRef: caw-${keyOf(1)}`,
    })
    expect(calls('POST')[0]?.body).toMatchObject({ issue: { estimated_hours: 2 } })
  })

  test('defaults to the tracker of the connection', async () => {
    const configured = clientOf(redmine, { baseUrl: server.url, token: server.token, type: 'Feature' })
    await openTicket.run(redmine, configured, ops)
    expect(issue().tracker).toBe(2)
  })

  test('maps levels by position if the priorities have other names', async () => {
    const names = ['Niedrig', 'Normal', 'Hoch', 'Dringend', 'Sofort']
    server.state.priorities.forEach((priority, at) => {
      priority.name = names[at] ?? ''
    })
    const asked = ['low', 'medium', 'high', 'critical', 'Dringend']
    for (const [at, priority] of asked.entries()) await open({ priority }, { key: keyOf(at + 1) })
    expect(server.state.issues.map(({ priority }) => priority)).toEqual([1, 2, 3, 5, 4])
  })

  test('assigns by id, to itself, and by login or mail address if the key can list users', async () => {
    await open({ assignee: '6' })
    await open({ assignee: 'me' }, { key: keyOf(2) })
    await open({ assignee: 'mia' }, { key: keyOf(3), as: 'admin' })
    await open({ assignee: 'Mia@example.com'.toLowerCase() }, { key: keyOf(4), as: 'admin' })
    expect(server.state.issues.map(({ assignee }) => assignee)).toEqual([6, 5, 6, 6])
  })

  test('finds a member on a later page', async () => {
    const mia = server.state.users.find(({ login }) => login === 'mia')
    if (!mia) throw new Error('No user mia')
    for (let id = 100; id < 230; id++) server.state.users.push({ ...mia, id, lastname: `No ${id}`, key: `key ${id}` })
    await open({ assignee: 'Mia No 229' })
    expect(issue().assignee).toBe(229)
  })

  test('creates nothing for an unknown name and lists the known names', async () => {
    const failures = [
      await failureOf(open({ type: 'Epic' })),
      await failureOf(open({ priority: 'P1' })),
      await failureOf(open({ assignee: 'jdoe' })),
    ]
    expect(failures.map(({ kind }) => kind)).toEqual(['refused', 'refused', 'refused'])
    expect(failures.map(({ message }) => message)).toEqual([
      'Redmine has no tracker "Epic" for this project. It has: Bug, Feature, Support.',
      'Redmine has no priority "P1" for this project. It has: Low, Normal, High, Urgent, Immediate.',
      'Redmine has no assignee "jdoe" for this project. It has: Robby Robot, Mia Krystof, editor X, viewer X.',
    ])
    expect(server.state.issues).toEqual([])
  })

  test('reports the message of Redmine if it refuses', async () => {
    const words =
      'Redmine answered 422 to POST /issues.json: Project cannot be blank; Tracker cannot be blank; Status cannot be blank (project "nope")'
    await expectFailure(open({ project: 'nope' }), 'refused', words)
  })
})

describe('Redmine: repeated open', () => {
  test('finds the issue after it was closed', async () => {
    await open()
    await close({}, { key: keyOf(2) })
    expect(await open()).toMatchObject({ data: { id: '1' }, message: expect.stringContaining('Found') })
    expect(calls('POST')).toHaveLength(1)
  })

  test('treats the 404 of a proxy as an error, and that of Redmine as an unknown project', async () => {
    server.loseNext('POST')
    await failureOf(open())
    server.failNext(404, 'default backend - 404', { on: 'GET' })
    expect(await failureOf(open({}, { isRetry: true }))).toMatchObject({ kind: 'platform', transient: true })
    await open({}, { isRetry: true })
    expect(server.state.issues).toHaveLength(1)
    expect((await failureOf(open({ project: 'nowhere' }))).message).toContain('Project cannot be blank')
  })

  test('creates another issue for another event, even if Redmine lists all issues', async () => {
    await open()
    await open({}, { key: keyOf(2) })
    const recording = new URL('../../fixtures/redmine/list-unknown-filter.json', import.meta.url)
    server.failNext(200, JSON.parse(readFileSync(recording, 'utf8')).answer.body, { on: 'GET' })
    await open({}, { key: keyOf(3) })
    expect(server.state.issues).toHaveLength(3)
  })

  test('finds the issue after its description was changed', async () => {
    await open({ labels: ['checkout'] })
    await update({ description: 'All is different' }, { key: keyOf(2) })
    expect(issue().description).toBe(`All is different\r\n\r\nLabels: checkout\r\nRef: caw-${keyOf(1)}`)
    await open()
    expect(server.state.issues).toHaveLength(1)
  })
})

describe('Redmine: update', () => {
  beforeEach(async () => {
    await open({ labels: ['checkout'] }, { key: keyOf(9) })
    server.calls.length = 0
  })

  test('changes the given fields and keeps the rest', async () => {
    const result = await update({ title: 'Checkout\nfails for all', priority: 'low', type: 'Feature', assignee: 'me' })
    expect(result).toMatchObject({ data: { id: '1', number: '1', state: 'New' } })
    expect(issue()).toMatchObject({ subject: 'Checkout fails for all', priority: 1, tracker: 2, assignee: 5 })
    expect(issue().description).toContain('Since **14:03**.')
    expect(calls('PUT')).toHaveLength(1)
  })

  test('adds a note for new labels, once', async () => {
    for (const labels of [['checkout', 'sev 1'], ['sev 1'], ['sev 1', 'eu']]) await update({ labels })
    expect(notes()).toEqual(['Labels: sev 1', 'Labels: eu'])
  })

  test('lists the statuses that the workflow allows', async () => {
    const words = 'Redmine does not allow #1 to change from New to Resolved. Allowed statuses: New, In Progress.'
    await expectFailure(update({ state: 'Resolved' }, { as: 'editor' }), 'refused', words)
  })

  test('reports the fields that Redmine ignored', async () => {
    server.state.readOnly = ['priority_id']
    const words =
      'Redmine accepted the request but did not set priority of #1: the role of its user or the workflow does not allow it.'
    await expectFailure(update({ priority: 'high', title: 'x' }), 'refused', words)
    expect((await failureOf(update({ labels: ['eu'] }, { as: 'editor' }))).message).toContain('did not set notes of #1')
  })

  test('sets and clears other fields', async () => {
    await update({ assignee: 'me' })
    await update({ fields: { assigned_to_id: '' } })
    expect(issue().assignee).toBeUndefined()
  })

  test('accepts a number with and without #', async () => {
    await update({ id: '#1', title: 'with' })
    expect(issue().subject).toBe('with')
    for (const id of ['OPS-1', 'ops#1', '../1', '']) {
      expect(() => redmine.checkRef?.({ id, project: undefined })).toThrow('must be the number of an issue, such as 12')
    }
  })

  test('reports the message of Redmine if it refuses', async () => {
    expect((await failureOf(update({ assignee: '99' }))).message).toContain(
      '422 to PUT /issues/1.json: Assignee is invalid',
    )
    expect((await failureOf(update({ id: '77', title: 'x' }))).message).toContain(
      '404 to GET /issues/77.json: an empty response',
    )
    expect((await failureOf(update({ title: 'x' }, { as: 'viewer' }))).message).toContain(
      '403 to PUT /issues/1.json: an empty response',
    )
  })
})

describe('Redmine: comment', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
  })

  test('is a note that ends with the idempotency key', async () => {
    await update({ comment: 'Still down\r\nin eu' })
    expect(notes()).toEqual([`Still down\r\nin eu\n\nRef: caw-${keyOf(1)}`])
  })

  test('fails if Redmine ignores it', async () => {
    expect((await failureOf(update({ comment: 'x' }, { as: 'editor' }))).kind).toBe('refused')
    expect((await failureOf(update({ comment: 'x' }, { as: 'editor', key: undefined }))).kind).toBe('refused')
    expect(await update({ comment: 'x' }, { key: undefined })).toMatchObject({ result: 'pass' })
  })
})

describe('Redmine: close', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
  })

  test('prefers Closed to other closed statuses', async () => {
    server.state.statuses.reverse()
    expect(await close()).toMatchObject({ result: 'pass', data: { state: 'Closed' } })
  })

  test.each([
    ['close', () => close({ id: '1' })],
    ['an update to closed', () => update({ state: 'closed' })],
  ])('is refused if the workflow only allows other closed statuses: %s', async (_, act) => {
    server.state.workflow['robot'] = { 1: [2, 6] }
    expect((await failureOf(act())).message).toBe(
      'Redmine does not allow #1 to change from New to Done, Closed or Resolved. Allowed statuses: New, In Progress, Rejected.',
    )
    expect(await update({ state: 'Rejected' })).toMatchObject({ data: { state: 'Rejected' } })
  })

  test('a repeated close adds comment and resolution once', async () => {
    await close({ comment: 'Bye', resolution: 'fixed' })
    expect(await close({ comment: 'Bye', resolution: 'fixed' })).toMatchObject({
      message: expect.stringContaining('already'),
    })
    expect(notes()).toEqual([`Bye\n\nRef: caw-${keyOf(1)}`, 'Resolution: fixed'])
  })

  test('accepts the name of a status as resolution', async () => {
    expect(await close({ resolution: 'rejected' })).toMatchObject({ data: { state: 'Rejected' } })
    expect(notes()).toEqual([])
  })

  test('lists the statuses if the workflow allows no closed one', async () => {
    const words =
      'Redmine does not allow #1 to change from New to Done, Closed or Resolved. Allowed statuses: New, In Progress.'
    await expectFailure(close({}, { as: 'editor' }), 'refused', words)
  })
})

/** Requests to a real Redmine 6.0.5 and its responses, in this order. */
const recorded: [name: string, as: string][] = [
  ['current-user', 'robot'],
  ['current-user-bad-key', 'unknown'],
  ['priorities', 'robot'],
  ['statuses', 'robot'],
  ['project', 'robot'],
  ['project-missing', 'robot'],
  ['memberships', 'robot'],
  ['users', 'admin'],
  ['users-forbidden', 'robot'],
  ['create', 'robot'],
  ['create-no-subject', 'robot'],
  ['create-no-project', 'robot'],
  ['create-long-subject', 'robot'],
  ['create-wrong-ids', 'robot'],
  ['create-not-json', 'robot'],
  ['list-found', 'robot'],
  ['list-empty', 'robot'],
  ['list-unknown-filter', 'robot'],
  ['list-missing-project', 'robot'],
  ['issue', 'robot'],
  ['issue-missing', 'robot'],
  ['note', 'robot'],
  ['update', 'robot'],
  ['update-no-subject', 'robot'],
  ['update-wrong-assignee', 'robot'],
  ['update-unknown-status', 'robot'],
  ['update-missing', 'robot'],
  ['allowed-statuses-of-an-editor', 'editor'],
  ['close-not-allowed', 'editor'],
  ['note-ignored', 'editor'],
  ['update-forbidden', 'viewer'],
  ['issue-with-journals', 'robot'],
  ['close', 'robot'],
  ['issue-closed', 'robot'],
]

test('the fake Redmine responds as a real one', async () => {
  const recordings = new URL('../../fixtures/redmine/', import.meta.url)
  // Members differ between servers.
  const own = ['memberships']
  for (const [name, as] of recorded) {
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
  if (Array.isArray(body)) return body.map(timeless)
  if (body === null || typeof body !== 'object') return body
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) =>
      /(?:_on|_date)$/.test(name)
        ? [name, value === null ? null : 'a time']
        : name === 'api_key'
          ? [name, '']
          : [name, timeless(value)],
    ),
  )
}

ticketConformance(redmine, ticketPlatforms['issue-ticketing/redmine'], {
  refusal: (reason) => ({ errors: [reason] }),
  projects: { accepted: ['ops', 'web-1_a', '1'], refused: ['OPS', 'octo/repo', '', '../x'] },
})
