import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { withState } from '../../../conformance/job.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { ticketRow } from './fake.ts'
import { NOT_ALLOWED, testRedmine } from './suite.ts'

const { server, open, update, close, ticket, count, withTicket } = testRedmine(ticketRow, {
  updates: [{ changes: { id: '#1', title: 'with' }, stored: { subject: 'with' } }],
  refusedUpdates: [
    {
      input: { priority: 'high' },
      reason: 'accepted the request but did not set priority of #1: the role of its user or',
      change: withState({ readOnly: ['priority_id'] }),
    },
  ],
})

describe('Redmine: open', () => {
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

test('Redmine: a repeated open creates another issue for another event, even if Redmine lists all issues', async () => {
  await open()
  server.failNext(200, recordingOf('list-unknown-filter').answer.body, { on: 'GET' })
  await open({}, { key: keyOf(3) })
  expect(count()).toBe(2)
})

test('Redmine: a retry opens nothing if Redmine lists all issues, and there are more', async () => {
  await open({}, { key: keyOf(2) })
  const listed = await fetch(`${server.url}/issues.json`, { headers: { 'x-redmine-api-key': server.token } })
  const { issues } = (await listed.json()) as { issues: object[] }
  server.failNext(200, { issues: Array.from({ length: 100 }, () => issues[0]) }, { on: 'GET' })
  await expectFailure(open({}, { isRetry: true }), { kind: 'unconfirmed', transient: false })
  expect(count()).toBe(1)
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
    await expectFailure(act(), 'refused', `${NOT_ALLOWED}, Rejected.`)
    expect(await update({ state: 'Rejected' })).toMatchObject({ data: { state: 'Rejected' } })
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
  return JSON.parse(readFileSync(new URL(`../../../fixtures/redmine/${name}.json`, import.meta.url), 'utf8'))
}

/** Replaces values that differ between runs. */
function timeless(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body), (name, value) => {
    if (/(?:_on|_date)$/.test(name)) return value === null ? null : 'a time'
    return name === 'api_key' ? '' : value
  })
}
