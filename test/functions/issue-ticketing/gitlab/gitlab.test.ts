import { describe, expect, test } from '@jest/globals'
import { gitlab } from '../../../../functions/issue-ticketing/gitlab/gitlab.ts'
import { withState } from '../../../conformance/job.ts'
import { failureOf, keyOf } from '../../helpers.ts'
import { testTickets } from '../../tickets.ts'
import { ticketRow } from './fake.ts'

const path = 'ops/shop/checkout'
const ours = `${path}#1`
const marker = (call: number) => `<!-- cloud-automation-webhooks:${keyOf(call)} -->`

const { server, open, update, ticket, count, calls, withTicket } = testTickets(ticketRow, gitlab, {
  tickets: ({ state }) => state.issues,
  id: ours,
  refusal: (reason) => ({ message: { base: [reason] } }),
  defaults: { baseUrl: 'https://gitlab.com' },
  projects: {
    accepted: ['group/project', path, '4', 'a.b/_c-d', '.x/y'],
    refused: ['project', 'a/..', '../a', 'a/../b', 'a//b', '-a/b', 'a b/c', 'a/b?x=1', ''],
  },
  opened: ({ url }) => ({ id: ours, number: '1', url: `${url}/${path}/-/issues/1`, state: 'opened' }),
  opens: [
    {
      input: {},
      stored: {
        title: 'Checkout fails',
        description: `Since **14:03**.\n\n${marker(1)}`,
        labels: [],
        issue_type: 'issue',
      },
    },
    { input: { type: 'Incident' }, stored: { issue_type: 'incident' } },
    {
      input: { labels: ['sev 1', 'a,b'], priority: 'critical' },
      stored: { labels: ['sev 1', 'a b', 'priority::critical'] },
    },
    { input: { assignee: '@mia' }, stored: { assignees: [18] } },
    { input: { fields: { confidential: true } }, stored: { confidential: true } },
  ],
  refusedOpens: [
    { input: {}, reason: '403 Forbidden', change: withState({ issuesEnabled: false }) },
    { input: { assignee: 'jdoe' }, reason: 'GitLab has no user "jdoe". Send the username of an existing user.' },
    { input: { title: '' }, reason: "title: can't be blank" },
    { input: { type: 'epos' }, reason: 'issue_type does not have a valid value' },
    { input: { project: 'ops/nope' }, reason: '404 Project Not Found' },
    {
      input: {},
      reason: 'The request requires higher privileges',
      connection: ({ readToken }) => ({ token: readToken }),
    },
  ],
  unsupported: [{ input: { state: 'In Progress' }, message: 'must be open or closed' }],
  earlier: { labels: ['checkout'], priority: 'high' },
  updates: [
    { changes: { title: 'Still\nfails' }, stored: { title: 'Still fails', labels: ['checkout', 'priority::high'] } },
    { changes: { description: `All new${marker(7)}` }, stored: { description: `All new\n\n${marker(9)}` } },
    { changes: { labels: ['sev 1'] }, stored: { labels: ['checkout', 'priority::high', 'sev 1'] } },
    {
      changes: { assignee: 'mia', type: 'incident' },
      stored: { assignees: [18], issue_type: 'incident' },
    },
    { changes: { fields: { confidential: true } }, stored: { confidential: true } },
    { changes: { id: '#1', project: '4', title: 'by number' }, stored: { title: 'by number' } },
    { changes: { priority: 'low' }, stored: { labels: ['checkout', 'priority::low'] } },
  ],
  refusedUpdates: [
    { input: { fields: { title: '' } }, reason: "title: can't be blank" },
    { input: { id: `${path}#77`, title: 'x' }, reason: '404 Issue Not Found' },
  ],
  closes: [
    {
      input: { resolution: 'duplicate' },
      stored: { state: 'closed', labels: ['checkout', 'priority::high', 'resolution::duplicate'] },
    },
  ],
})

test('GitLab: an open accepts the number of a project', async () => {
  expect(await open({ project: '4' })).toMatchObject({ data: { id: '4#1' } })
})

test('GitLab: an open disables quick actions in texts', async () => {
  await open({ description: '/close\r/label ~gone\r\n/confidential\nin /usr/bin' })
  await update({ description: 'again\n/close' })
  await update({ comment: '/close\n/label ~gone' })
  expect(ticket()).toMatchObject({
    state: 'opened',
    labels: [],
    confidential: false,
    description: `again\n /close\n\n${marker(1)}`,
    notes: [{ body: ` /close\n /label ~gone\n\n${marker(1)}` }],
  })
})

test('GitLab: a repeated open finds the issue after it was closed, behind a hundred newer ones', async () => {
  await open()
  ticket().state = 'closed'
  for (let iid = 2; iid < 152; iid++) server.state.issues.push({ ...ticket(), iid, description: null, notes: [] })
  expect(await open()).toMatchObject({ data: { id: ours }, message: 'Found issue 1, opened by an earlier attempt' })
  expect(calls('POST')).toHaveLength(1)
})

test('GitLab: a repeated open searches the last day, and a retry the last month', async () => {
  await open()
  ticket().created_at = new Date(Date.now() - 26 * 3_600_000).toISOString()
  await open({}, { isRetry: true })
  expect(count()).toBe(1)
  await open()
  expect(count()).toBe(2)
})

describe('GitLab: update', () => {
  withTicket()

  test('adds the priority if the edition has no scoped labels', async () => {
    server.state.premium = false
    await update({ priority: 'P1' })
    expect(ticket().labels).toEqual(['checkout', 'priority::high', 'priority::P1'])
  })

  test('finds a comment after a lost response, behind a hundred newer ones', async () => {
    server.loseNext('POST')
    await failureOf(update({ comment: 'x' }))
    const other = { id: 1, body: 'Me too', system: true, created_at: '' }
    for (let at = 0; at < 150; at++) ticket().notes.push(other)
    await update({ comment: 'x' }, { isRetry: true })
    expect(ticket().notes).toHaveLength(151)
  })
})
