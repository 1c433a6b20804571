import { describe, expect, test } from '@jest/globals'
import { linear } from '../../../../functions/issue-ticketing/linear/linear.ts'
import { expectFailure, failureOf } from '../../helpers.ts'
import { testTickets } from '../../tickets.ts'
import { failed, refused, ticketRow } from './fake.ts'

const t = testTickets(ticketRow, linear, {
  tickets: ({ state }) => state.issues,
  id: 'ENG-1',
  refusal: (reason) => refused(reason).body as object,
  defaults: { baseUrl: 'https://api.linear.app' },
  projects: { accepted: ['ENG', 'A1'], refused: ['eng', 'ENG-1', '1A', 'a/b'] },
  opened: () => {
    const url = 'https://linear.app/acme/issue/ENG-1/checkout'
    return { id: 'ENG-1', number: 'ENG-1', url, state: 'Backlog' }
  },
  opens: [
    // The id is derived from the idempotency key.
    {
      input: {},
      stored: { id: '00000000-0100-4000-8001-000000000100', title: 'Checkout fails', description: 'Since **14:03**.' },
    },
    {
      input: { priority: 'critical', fields: { dueDate: '2026-12-24' } },
      stored: { priority: 1, dueDate: '2026-12-24' },
    },
  ],
  refusedOpens: [
    { input: { assignee: 'jdoe' }, reason: 'Linear has no user "jdoe". Send the e-mail address of one user.' },
    { input: { assignee: 'Mia Krystof' }, reason: 'Linear has several users "Mia Krystof".' },
    { input: { project: 'OPS' }, reason: 'Linear shows no team with the key OPS.' },
    { input: { title: '' }, reason: 'title should not be empty.' },
    {
      input: { labels: ['severity'] },
      reason: 'The label "severity" is a group in Linear. Send a label of the group.',
    },
  ],
  failedChecks: [{ reason: 'no team with the key OPS', connection: { project: 'OPS' } }],
  unsupported: [
    { input: { type: 'Bug' }, message: 'input.type' },
    { input: { priority: 'P1' }, message: 'input.priority' },
    { input: { priority: '5' }, message: 'input.priority' },
  ],
  states: [
    ['closed', 'Done'],
    ['in progress', 'In Progress'],
    ['shipped', 'Shipped'],
    // The first unstarted state.
    ['closed', 'open', 'Todo'],
  ],
  refusedCloses: [{ input: { resolution: 'Todo' }, reason: 'Its states: Done, Shipped, Canceled, Duplicate.' }],
  refusedUpdates: [{ input: { state: 'Doing' }, reason: 'no state "Doing". Its states: Ready,' }],
})
const { server, open, update, close } = t
const labels = () => t.ticket().labels.map((id) => server.state.labels.find((one) => one.id === id)?.name)

test('Linear: an open finds the user of the assignee', async () => {
  await open({ assignee: 'MIA@example.com' })
  expect(t.ticket().assigneeId).toBe(server.state.users[0]?.id)
})

test('Linear: uses labels of any case, and creates missing ones', async () => {
  await open({ labels: ['shop', 'sev 1', 'SEV 1'] })
  expect(labels()).toEqual(['Shop', 'sev 1'])
  await update({ labels: ['SEV 1', 'checkout'] })
  expect(server.state.labels.map(({ name }) => name)).toEqual(['Shop', 'Severity', 'sev 1', 'checkout'])
  expect(labels()).toContain('checkout')
})

describe('Linear: close', () => {
  t.withTicket()

  test.each([
    [undefined, 'Done'],
    ['canceled', 'Canceled'],
    ['Duplicate', 'Duplicate'],
  ])('with the resolution %s is %s', async (resolution, state) => {
    expect(await close({ resolution })).toMatchObject({ data: { state } })
  })

  test('counts an unknown type of state as open', async () => {
    server.state.states.push({ id: 'new', name: 'Paused', type: 'paused', position: 9 })
    await update({ state: 'paused' })
    expect(await close()).toMatchObject({ message: 'Closed issue ENG-1 (Done)' })
  })
})

test.each([
  ['a rate limit by its code', { code: 'RATELIMITED' }, true],
  ['a rate limit by its type', { type: 'ratelimited', statusCode: 400 }, true],
  ['a lock timeout', { type: 'lock timeout' }, true],
  ['an internal error', { type: 'internal error' }, true],
  ['a network error', { type: 'network error' }, true],
  ['an unknown type with a status', { type: 'other', statusCode: 503 }, true],
  ['an unknown type without a status', { type: 'other' }, false],
  ['an exceeded plan', { type: 'usage limit exceeded', statusCode: 400 }, false],
])('Linear: %s (%j) can be retried: %s', async (_what, extensions, transient) => {
  server.failNext(400, failed(extensions).body)
  await expectFailure(open(), { kind: transient ? 'platform' : 'refused', transient, mayHaveWritten: false })
})

test('Linear: a rate limit says how long to wait, by the limit that is used up', async () => {
  const resetIn = (seconds: number) => String(Date.now() + seconds * 1_000)
  const headers = {
    'x-ratelimit-requests-remaining': '12',
    'x-ratelimit-requests-reset': resetIn(3_000),
    'x-ratelimit-complexity-remaining': '0',
    'x-ratelimit-complexity-reset': resetIn(600),
  }
  server.failNext(400, failed({ type: 'ratelimited' }).body, { headers })
  const { retryAfter = 0 } = await failureOf(open())
  expect(retryAfter).toBeGreaterThan(500)
  expect(retryAfter).toBeLessThanOrEqual(601)
})

test('Linear: sends an OAuth token with its scheme', () => {
  const at = { baseUrl: server.url, project: undefined }
  expect(linear.headers({ ...at, token: 'lin_oauth_x' })).toEqual({ authorization: 'Bearer lin_oauth_x' })
})
