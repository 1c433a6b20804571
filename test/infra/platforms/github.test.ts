import { expect, test } from '@jest/globals'
import { useSandbox } from './use.ts'

const started = useSandbox()
const shop = '/repos/acme/shop/issues'

const open = async (title: string, fields: Record<string, unknown> = {}, path = shop) => {
  const { status, json } = await started.github('POST', path, { title, ...fields })
  expect(status).toBe(201)
  return json
}
const titles = (issues: { title: string }[]) => issues.map(({ title }) => title)

test('GitHub rejects a wrong token and a missing token', async () => {
  for (const [headers, message] of [
    [{ authorization: 'Bearer wrong' }, 'Bad credentials'],
    [{}, 'Requires authentication'],
  ] as const) {
    const { status, json } = await started.call('POST', `/github${shop}`, { title: 'x' }, headers)
    expect([status, json.message]).toEqual([401, message])
  }
})

test.each([
  ['/rate_limit', { resources: { core: { limit: 5_000 } }, rate: { remaining: 5_000 } }],
  ['/repos/Acme/Shop', { full_name: 'Acme/Shop', has_issues: true, owner: { login: 'Acme' } }],
  ['/repos/acme/no-issues-here', { has_issues: false }],
])('GitHub answers GET %s', async (path, expected) => {
  const { status, json, headers } = await started.github('GET', path)
  expect({ status, ...json }).toMatchObject({ status: 200, ...expected })
  expect(headers.get('x-github-request-id')).toBeTruthy()
})

test('A GitHub repository exists from its first use, in any letter case', async () => {
  expect((await open('One')).number).toBe(1)
  expect((await open('Two', {}, '/repos/ACME/shop/issues')).number).toBe(2)
  expect((await open('Other', {}, '/repos/acme/other/issues')).number).toBe(1)
})

test.each([
  ['POST', '/repos/acme/missing-shop/issues', 404, 'Not Found'],
  ['POST', '/repos/acme/no-issues-here/issues', 410, 'Issues are disabled for this repo'],
  ['PATCH', `${shop}/7`, 404, 'Not Found'],
  ['GET', `${shop}/seven`, 404, 'Not Found'],
  ['POST', `${shop}/7/comments`, 404, 'Not Found'],
  ['POST', `${shop}/1/labels`, 422, 'Validation Failed'],
  ['POST', `${shop}/1/comments`, 422, 'Validation Failed'],
  ['GET', '/repos/acme/shop/pulls', 404, 'Not Found'],
  ['GET', '/repos/acme', 404, 'Not Found'],
  ['GET', '/repos/acme/%E0%A4%A/issues', 404, 'Not Found'],
  ['PUT', shop, 404, 'Not Found'],
])('GitHub rejects %s %s with %d', async (method, path, expected, message) => {
  await open('Slow')
  const { status, json } = await started.github(
    method,
    path,
    method === 'GET' ? undefined : { title: 'x', labels: [1], body: '' },
  )
  expect([status, json.message]).toEqual([expected, expect.stringContaining(message)])
})

test('GitHub returns a new issue with its URL', async () => {
  const given = { body: 'It is slow.', labels: ['bug', { name: 'keptn' }, 'BUG'], assignees: ['octocat'], milestone: 3 }
  const { json, headers } = await started.github('POST', shop, { title: 'Slow checkout', ...given })
  expect(headers.get('location')).toBe(json.url)
  expect(json).toMatchObject({
    ...{ number: 1, title: 'Slow checkout', body: 'It is slow.', state: 'open', state_reason: null, comments: 0 },
    ...{ user: { login: 'sandbox-bot' }, assignees: [{ login: 'octocat' }], milestone: { number: 3 } },
    labels: [{ name: 'bug', color: 'ededed' }, { name: 'keptn' }],
    url: `${started.origin}/sandbox/github${shop}/1`,
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
  })
  expect((await started.github('GET', `${shop}/1`)).json).toEqual(json)
})

test.each([
  ['no title', {}, { resource: 'Issue', field: 'title', code: 'missing_field' }],
  ['a blank title', { title: ' ' }, { field: 'title', code: 'missing_field' }],
  ['a title that is a list', { title: [] }, { field: 'title', code: 'invalid' }],
  ['a title over 256 characters', { title: 'x'.repeat(257) }, { field: 'title', code: 'custom' }],
  ['a body that is a number', { title: 'x', body: 1 }, { field: 'body', code: 'invalid' }],
  ['a body over 65536 characters', { title: 'x', body: 'x'.repeat(65_537) }, { field: 'body', code: 'custom' }],
  ['labels that are text', { title: 'x', labels: 'bug' }, { field: 'labels', code: 'invalid' }],
  ['a label over 50 characters', { title: 'x', labels: ['x'.repeat(51)] }, { resource: 'Label', field: 'name' }],
  ['an unknown assignee', { title: 'x', assignees: ['unknown-user'] }, { field: 'assignees', value: 'unknown-user' }],
  ['an invalid milestone', { title: 'x', milestone: 'soon' }, { field: 'milestone', code: 'invalid' }],
])('GitHub rejects a new issue with %s and names the field', async (_, body, error) => {
  const { status, json } = await started.github('POST', shop, body)
  expect(status).toBe(422)
  expect(json).toMatchObject({ message: 'Validation Failed', errors: [error] })
  expect(json.documentation_url).toMatch(/^https:\/\/docs\.github\.com\/rest\//)
  expect(started.sandbox.github.issues('')).toEqual([])
})

test('GitHub rejects a body that is not JSON', async () => {
  const { status, json } = await started.github('POST', shop, '{"title":')
  expect(status).toBe(400)
  expect(json.message).toBe('Problems parsing JSON')
})

test('GitHub changes, closes and reopens an issue', async () => {
  await open('Slow', { labels: ['bug'] })
  const notPlanned = { state: 'closed', state_reason: 'not_planned' }
  const closedAt = { closed_at: expect.any(String) }
  for (const [change, expected] of [
    [
      { title: 'Slower', body: null, labels: ['perf'] },
      { title: 'Slower', body: null, labels: [{ name: 'perf' }] },
    ],
    [notPlanned, { ...notPlanned, ...closedAt, title: 'Slower' }],
    [{ state: 'closed', state_reason: 'completed' }, notPlanned],
    [{ state: 'open' }, { state: 'open', state_reason: 'reopened', closed_at: null }],
    [{ state: 'closed' }, { state: 'closed', state_reason: 'completed' }],
  ]) {
    expect((await started.github('PATCH', `${shop}/1`, change)).json).toMatchObject(expected ?? {})
  }
})

test.each([
  [{ state: 'done', title: 'x' }, 'state'],
  [{ state: 'closed', state_reason: 'fixed' }, 'state_reason'],
])('GitHub rejects the change %j', async (change, field) => {
  await open('Slow')
  const { status, json } = await started.github('PATCH', `${shop}/1`, change)
  expect([status, json.errors]).toEqual([422, [expect.objectContaining({ field })]])
  expect(started.sandbox.github.issues('')).toMatchObject([{ title: 'Slow', state: 'open' }])
})

test('GitHub lists issues by state and time, newest first', async () => {
  for (const title of ['One', 'Two', 'Three']) await open(title)
  await started.github('PATCH', `${shop}/1`, { state: 'closed' })

  const list = async (query: string) => titles((await started.github('GET', `${shop}?${query}`)).json)
  expect(await list('')).toEqual(['Three', 'Two'])
  expect(await list('state=closed')).toEqual(['One'])
  expect(await list('state=all&direction=asc')).toEqual(['One', 'Two', 'Three'])
  expect(await list('since=2999-01-01T00:00:00Z')).toEqual([])
  expect(await list('since=2020-01-01T00:00:00%2B01:00')).toEqual(['Three', 'Two'])
  expect((await started.github('GET', `${shop}?state=done`)).status).toBe(422)
})

test('GitHub links to the next page of a long list', async () => {
  for (let i = 1; i <= 5; i++) await open(`Issue ${i}`)
  const seen: string[] = []
  let path: string | undefined = `${shop}?per_page=2&direction=asc`
  while (path) {
    const { json, headers } = await started.github('GET', path)
    seen.push(...titles(json))
    const next = /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1]
    path = next?.slice(`${started.origin}/sandbox/github`.length)
  }
  expect(seen).toEqual(['Issue 1', 'Issue 2', 'Issue 3', 'Issue 4', 'Issue 5'])
  const second = await started.github('GET', `${shop}?per_page=2&page=2`)
  expect(second.headers.get('link')).toMatch(/rel="prev".*rel="next".*rel="first"/)
  expect((await started.github('GET', `${shop}?per_page=many`)).json).toHaveLength(5)
})

test('GitHub adds, lists and counts comments', async () => {
  await open('Slow')
  const { status, json, headers } = await started.github('POST', `${shop}/1/comments`, { body: 'First' })
  const page = `${started.origin}/sandbox/github/acme/shop/issues/1#issuecomment-${json.id}`
  expect({ status, ...json }).toMatchObject({ status: 201, body: 'First', html_url: page })
  expect(headers.get('location')).toBe(json.url)
  await started.github('POST', `${shop}/1/comments`, { body: 'Second' })
  const first = await started.github('GET', `${shop}/1/comments?per_page=1`)
  expect(first.json).toMatchObject([{ body: 'First' }])
  expect(first.headers.get('link')).toContain('rel="next"')
  expect((await started.github('GET', `${shop}/1`)).json.comments).toBe(2)
})

test('GitHub adds labels without regard to case', async () => {
  await open('Slow', { labels: ['bug'] })
  const added = await started.github('POST', `${shop}/1/labels`, { labels: ['Bug', 'perf', 'needs review'] })
  expect(added.json.map(({ name }: { name: string }) => name)).toEqual(['bug', 'perf', 'needs review'])
})

test('The page of an issue shows its comments', async () => {
  await open('Slow')
  await started.github('POST', `${shop}/1/comments`, { body: '<b>Seen</b>' })
  expect((await started.call('GET', '/github/acme/shop/issues/1')).text).toContain('&lt;b&gt;Seen')
  expect((await started.call('GET', '/github/acme/shop/issues/99')).status).toBe(404)
})
