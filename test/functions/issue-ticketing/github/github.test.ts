import { describe, expect, test } from '@jest/globals'
import { github } from '../../../../functions/issue-ticketing/github/github.ts'
import { type Call, serve } from '../../../../infra/testing/loopback-server.ts'
import { closeTicket, openTicket, updateTicket } from '../../../../shared/providers/ticket-actions.ts'
import { ticketConformance } from '../../../conformance/ticket.ts'
import { clientOf, startEach } from '../../helpers.ts'
import { writeRow } from './fake.ts'

ticketConformance(github, {
  ...writeRow,
  unknownId: 'acme/shop#424242',
  wrongId: 'no such thing',
})

interface StoredIssue {
  number: number
  html_url: string
  state: string
  body: string
  created_at: string
}

/** Issues, the newest first, and the requests that changed something. */
const server = startEach(async () => {
  const issues: StoredIssue[] = []
  const writes: Pick<Call, 'method' | 'path' | 'body'>[] = []
  const add = (body: string) => {
    const number = issues.length + 1
    const html_url = `https://github.example.com/acme/shop/issues/${number}`
    issues.unshift({ number, html_url, state: 'open', body, created_at: new Date().toISOString() })
    return issues[0]
  }
  const served = await serve(({ method, path, query, body }) => {
    if (method !== 'GET') writes.push({ method, path, body })
    if (method === 'POST' && path.endsWith('/issues')) return { status: 201, body: add((body as StoredIssue).body) }
    if (method === 'PATCH') Object.assign(issues[0] ?? {}, body)
    if (method !== 'GET' || !path.endsWith('/issues')) return { status: 200, body: issues[0] }
    const [page, size] = [Number(query.get('page')), Number(query.get('per_page'))]
    return { status: 200, body: issues.slice((page - 1) * size, page * size) }
  })
  return { ...served, issues, writes, add }
})

const project = 'acme/shop'
const client = (options = {}) => clientOf(github, { baseUrl: server.url, token: 'a-token', project }, options)
const issue = { project, title: 'Checkout fails' }
const marker = () => /<!-- .* -->/.exec(server.issues[0]?.body ?? '')?.[0]
/** The body of the newest request that changed something. */
const sent = () => (server.writes.at(-1)?.body ?? {}) as Record<string, unknown>

describe('GitHub issues: a repeated open-issue', () => {
  test('finds its issue below a page of newer issues', async () => {
    await openTicket.run(github, client(), issue)
    for (let n = 0; n < 150; n++) server.add('Another problem')
    const found = await openTicket.run(github, client({ isRetry: true }), issue)
    expect(found).toMatchObject({ data: { id: 'acme/shop#1' } })
    expect(server.writes).toHaveLength(1)
  })

  test('opens an issue if many older issues have changed', async () => {
    for (let n = 0; n < 500; n++) Object.assign(server.add('') ?? {}, { created_at: '2001-01-01T00:00:00Z' })
    await openTicket.run(github, client({ isRetry: true }), issue)
    expect(server.writes).toHaveLength(1)
  })

  test('reads one page if that is all', async () => {
    const before = server.calls.length
    await openTicket.run(github, client({ isRetry: true }), issue)
    expect(server.calls.slice(before).filter(({ method }) => method === 'GET')).toHaveLength(1)
  })

  test.each([
    [false, 25],
    [true, 31 * 24],
  ])('searches as far back as the task can have started (retry: %s)', async (isRetry, hours) => {
    await openTicket.run(github, client({ isRetry }), issue)
    const since = server.calls.find(({ method }) => method === 'GET')?.query.get('since')
    expect(Date.now() - Date.parse(since ?? '')).toBeCloseTo(hours * 3_600_000, -6)
  })

  test('does not take a pull request or an issue without a text for its issue', async () => {
    await openTicket.run(github, client(), issue)
    Object.assign(server.issues[0] ?? {}, { pull_request: {} })
    Object.assign(server.add('') ?? {}, { body: null })
    await openTicket.run(github, client({ isRetry: true }), issue)
    expect(server.writes).toHaveLength(2)
  })
})

describe('GitHub issues', () => {
  test.each([
    [{}, { title: 'Checkout fails' }],
    [{ type: 'Bug' }, { type: 'Bug' }],
    [{ assignee: 'mia' }, { assignees: ['mia'] }],
    [{ labels: ['shop'], priority: 'high' }, { labels: ['shop', 'priority: high'] }],
    [{ priority: 'high' }, { labels: ['priority: high'] }],
    [{ fields: { milestone: 7 } }, { milestone: 7 }],
  ])('opens an issue with %j', async (input, expected) => {
    await openTicket.run(github, client(), { ...issue, ...input })
    expect(sent()).toEqual({ title: 'Checkout fails', body: expect.stringContaining('<!-- '), ...expected })
  })

  test('keeps a title that is too long in the description', async () => {
    await openTicket.run(github, client(), { ...issue, title: 'T'.repeat(300), description: 'Since 14:03' })
    expect(sent()).toEqual({
      title: `${'T'.repeat(255)}…`,
      body: expect.stringMatching(/^T{300}\n\nSince 14:03\n\n<!-- .* -->$/),
    })
  })

  test('keep their marker when their description changes', async () => {
    await openTicket.run(github, client(), issue)
    const before = marker()
    const planted = `<!-- cloud-automation-webhooks:${'a'.repeat(40)} -->`
    await updateTicket.run(github, client(), { id: 'acme/shop#1', description: planted + 'D'.repeat(70_000) })
    expect(marker()).toBe(before)
    expect(String(sent()['body'])).toHaveLength(65_536)
  })

  test('have no other marker, which the caller of an issue could write', async () => {
    const planted = `<!-- cloud-automation-webhooks:${'a'.repeat(40)} -->`
    await openTicket.run(github, client(), { ...issue, description: `Slow${planted}` })
    expect(sent()['body']).toMatch(/^Slow\n\n<!-- (?!.*a{40})/)
  })

  test.each([
    [{ title: 'New' }, { title: 'New' }],
    [{ type: 'Bug' }, { type: 'Bug' }],
    [{ assignee: 'mia' }, { assignees: ['mia'] }],
    [{ state: 'Open' }, { state: 'open' }],
    [{ fields: { milestone: 7 } }, { milestone: 7 }],
    [{ labels: ['sev 1'] }, { labels: ['sev 1'] }],
  ])('send only the changes %j', async (changes, expected) => {
    server.add('A problem')
    await updateTicket.run(github, client(), { id: 'acme/shop#1', ...changes })
    expect(server.writes.map(({ body }) => body)).toEqual([expected])
  })

  test.each([
    [undefined, 'completed'],
    ['Fixed', 'completed'],
    ["won't do", 'not_planned'],
    ['reopened', 'reopened'],
  ])('close with the resolution %s as %s', async (resolution, state_reason) => {
    server.add('A problem')
    await closeTicket.run(github, client(), { id: 'acme/shop#1', ...(resolution ? { resolution } : {}) })
    expect(server.writes.map(({ body }) => body)).toEqual([{ state: 'closed', state_reason }])
  })
})
