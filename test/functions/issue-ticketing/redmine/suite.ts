import { describe, expect, test } from '@jest/globals'
import { redmine } from '../../../../functions/issue-ticketing/redmine/redmine.ts'
import type { Served } from '../../../../infra/testing/loopback-server.ts'
import type { Played, TicketPlatform } from '../../../conformance/platform.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { type TicketTests, testTickets } from '../../tickets.ts'
import type { Issue } from './issue.ts'

/** A Redmine, real or fake. */
interface AnyRedmine extends Served {
  /** The keys of its users, by their logins. */
  keys: Record<string, string>
  state: { issues: Issue[] }
}

const ref = (call: number) => `Ref: caw-${keyOf(call)}`
/** Sends the key of another user. */
const as = (user: string) => (server: AnyRedmine) => ({ token: server.keys[user] })
// With characters that JSON, Markdown and forms escape, and some outside of ASCII.
const TEXT = 'Since **14:03**: "Café" is slow; costs $5 & more > 2 s 🐢'
export const NOT_ALLOWED = 'to change from New to Done, Closed or Resolved. Allowed statuses: New, In Progress'

/**
 * Registers the tests that pass with a real Redmine and with the fake.
 *
 * @param more rows for the fake
 */
export function testRedmine<S extends AnyRedmine>(
  platform: TicketPlatform & { start(): Promise<Played & { server: S }> },
  { updates = [], refusedUpdates = [] }: Pick<TicketTests<S, Issue>, 'updates' | 'refusedUpdates'> = {},
) {
  const suite = testTickets(platform, redmine, {
    tickets: ({ state }) => state.issues,
    id: ({ state }) => String(state.issues[0]?.id),
    refusal: (reason) => ({ errors: [reason] }),
    projects: { accepted: ['ops', 'web-1_a', '1'], refused: ['OPS', 'octo/repo', '', '../x'] },
    opens: [
      {
        input: {},
        stored: {
          subject: 'Checkout fails',
          tracker: 1,
          priority: 2,
          description: `Since **14:03**.\r\n\r\n${ref(1)}`,
        },
      },
      { input: { description: `${TEXT}\n\nx` }, stored: { description: `${TEXT}\r\n\r\nx\r\n\r\n${ref(1)}` } },
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
      ...updates,
      { changes: { description: 'All new' }, stored: { description: `All new\r\n\r\nLabels: checkout\r\n${ref(9)}` } },
    ],
    states: [
      ['in progress', 'In Progress'],
      ['in progress', 'open', 'In Progress'],
    ],
    refusedCloses: [{ input: {}, reason: `${NOT_ALLOWED}.`, connection: as('editor') }],
    refusedUpdates: [
      {
        input: { state: 'Resolved' },
        reason: 'to change from New to Resolved. Allowed statuses: New, In Progress.',
        connection: as('editor'),
      },
      { input: { labels: ['eu'] }, reason: 'did not set notes of #', connection: as('editor') },
      { input: { assignee: '99' }, reason: 'json: Assignee is invalid' },
      { input: { id: '424242', title: 'x' }, reason: '404 to GET /issues/424242.json: an empty response' },
      { input: { title: 'x' }, reason: '403 to PUT /issues/', connection: as('viewer') },
      ...refusedUpdates,
    ],
  })
  const { server, open, update, close, ticket, count, calls, withTicket } = suite
  const notes = () => ticket().journals.flatMap(({ notes }) => notes || [])

  test('Redmine: a repeated open treats the 404 of a proxy as an error', async () => {
    await open()
    server.failNext(404, 'default backend - 404', { on: 'GET' })
    await expectFailure(open({}, { isRetry: true }), { kind: 'platform', transient: true })
    await open({}, { isRetry: true })
    expect(count()).toBe(1)
  })

  test('Redmine: open sends other fields', async () => {
    await open({ fields: { estimated_hours: 2 } })
    expect(calls('POST')[0]?.body).toMatchObject({ issue: { estimated_hours: 2 } })
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

    test('adds a resolution once, as a note', async () => {
      for (let call = 0; call < 2; call++) await close({ comment: 'Bye', resolution: 'fixed' })
      expect(notes()).toEqual([`Bye\n\n${ref(1)}`, 'Resolution: fixed'])
    })

    test('accepts the name of a status as resolution', async () => {
      expect(await close({ resolution: 'rejected' })).toMatchObject({ data: { state: 'Rejected' } })
      expect(notes()).toEqual([])
    })
  })
  return suite
}
