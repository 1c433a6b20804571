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
  const wrong = await started.call('GET', '/github/user', undefined, { authorization: 'Bearer wrong' })
  expect(wrong.status).toBe(401)
  expect(wrong.json).toEqual({
    message: 'Bad credentials',
    documentation_url: 'https://docs.github.com/rest',
    status: '401',
  })
  const none = await started.call('POST', `/github${shop}`, { title: 'x' })
  expect(none.status).toBe(401)
  expect(none.json.message).toBe('Requires authentication')
  expect(started.sandbox.github.issues('')).toEqual([])
})

test('GitHub returns the user of the token', async () => {
  const { status, json, headers } = await started.github('GET', '/user')
  expect(status).toBe(200)
  expect(json).toMatchObject({ login: 'sandbox-bot', type: 'User', site_admin: false })
  expect(headers.get('x-github-request-id')).toBeTruthy()
})

test('GitHub returns the rate limits of the token', async () => {
  const { status, json } = await started.github('GET', '/rate_limit')
  expect(status).toBe(200)
  expect(json).toMatchObject({ resources: { core: { limit: 5_000 } }, rate: { remaining: 5_000 } })
})

test('A GitHub repository exists from its first use, in any letter case', async () => {
  const { json } = await started.github('GET', '/repos/Acme/Shop')
  expect(json).toMatchObject({ full_name: 'Acme/Shop', has_issues: true, owner: { login: 'Acme' } })
  expect((await open('One')).number).toBe(1)
  expect((await open('Two', {}, '/repos/ACME/shop/issues')).number).toBe(2)
  expect((await open('Other', {}, '/repos/acme/other/issues')).number).toBe(1)
})

test('A GitHub repository named missing* does not exist, one named no-issues* has no issues', async () => {
  const missing = await started.github('POST', '/repos/acme/missing-shop/issues', { title: 'x' })
  expect(missing.status).toBe(404)
  expect(missing.json).toMatchObject({ message: 'Not Found', status: '404' })
  const disabled = await started.github('POST', '/repos/acme/no-issues-here/issues', { title: 'x' })
  expect(disabled.status).toBe(410)
  expect(disabled.json.message).toBe('Issues are disabled for this repo')
  expect((await started.github('GET', '/repos/acme/no-issues-here')).json.has_issues).toBe(false)
})

test('GitHub returns a new issue with its URL', async () => {
  const given = { body: 'It is slow.', labels: ['bug', { name: 'keptn' }, 'BUG'], assignees: ['octocat'], milestone: 3 }
  const { status, json, headers } = await started.github('POST', shop, { title: 'Slow checkout', ...given })
  expect(status).toBe(201)
  expect(headers.get('location')).toBe(json.url)
  expect(json).toMatchObject({
    number: 1,
    title: 'Slow checkout',
    body: 'It is slow.',
    state: 'open',
    state_reason: null,
    user: { login: 'sandbox-bot' },
    labels: [
      { name: 'bug', color: 'ededed', default: false },
      { name: 'keptn', default: false },
    ],
    assignee: { login: 'octocat' },
    assignees: [{ login: 'octocat' }],
    milestone: { number: 3, state: 'open' },
    locked: false,
    comments: 0,
    closed_at: null,
    url: `${started.origin}/sandbox/github${shop}/1`,
    comments_url: `${started.origin}/sandbox/github${shop}/1/comments`,
    html_url: `${started.origin}/sandbox/github/acme/shop/issues/1`,
  })
  for (const field of ['id', 'node_id', 'repository_url', 'labels_url', 'events_url']) expect(json[field]).toBeTruthy()
  expect(json.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
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
  const changes = { title: 'Slower', body: null, labels: ['perf'], assignees: ['hubot'], milestone: 2 }
  const changed = await started.github('PATCH', `${shop}/1`, changes)
  expect(changed.status).toBe(200)
  expect(changed.json).toMatchObject({ title: 'Slower', body: null, labels: [{ name: 'perf' }], state: 'open' })

  const closed = await started.github('PATCH', `${shop}/1`, { state: 'closed', state_reason: 'not_planned' })
  expect(closed.json).toMatchObject({ state: 'closed', state_reason: 'not_planned', title: 'Slower' })
  expect(closed.json.closed_at).toBeTruthy()

  const again = await started.github('PATCH', `${shop}/1`, { state: 'closed', state_reason: 'completed' })
  expect(again.json).toMatchObject({ state: 'closed', state_reason: 'not_planned', closed_at: closed.json.closed_at })

  const reopened = await started.github('PATCH', `${shop}/1`, { state: 'open' })
  expect(reopened.json).toMatchObject({ state: 'open', state_reason: 'reopened', closed_at: null })
  const plain = await started.github('PATCH', `${shop}/1`, { state: 'closed' })
  expect(plain.json).toMatchObject({ state: 'closed', state_reason: 'completed' })
})

test('GitHub rejects an unknown state and an unknown issue', async () => {
  await open('Slow')
  expect((await started.github('PATCH', `${shop}/1`, { state: 'done', title: 'x' })).status).toBe(422)
  const reason = await started.github('PATCH', `${shop}/1`, { state: 'closed', state_reason: 'fixed' })
  expect(reason.json.errors).toEqual([{ resource: 'Issue', field: 'state_reason', code: 'invalid' }])
  expect((await started.github('PATCH', `${shop}/7`, { state: 'closed' })).status).toBe(404)
  expect((await started.github('GET', `${shop}/seven`)).status).toBe(404)
  expect(started.sandbox.github.issues('')).toMatchObject([{ title: 'Slow', state: 'open' }])
})

test('GitHub lists open issues by state and labels, newest first', async () => {
  await open('One', { labels: ['bug', 'keptn'] })
  await open('Two', { labels: ['bug'] })
  await open('Three', { labels: ['Keptn', 'bug'] })
  await started.github('PATCH', `${shop}/1`, { state: 'closed' })

  const list = async (query: string) => titles((await started.github('GET', `${shop}?${query}`)).json)
  expect(await list('')).toEqual(['Three', 'Two'])
  expect(await list('state=closed')).toEqual(['One'])
  expect(await list('state=all&direction=asc')).toEqual(['One', 'Two', 'Three'])
  expect(await list('state=all&labels=bug,keptn')).toEqual(['Three', 'One'])
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
  expect(status).toBe(201)
  expect(json).toMatchObject({ body: 'First', user: { login: 'sandbox-bot' } })
  expect(json.issue_url).toBe(`${started.origin}/sandbox/github${shop}/1`)
  expect(json.html_url).toBe(`${started.origin}/sandbox/github/acme/shop/issues/1#issuecomment-${json.id}`)
  expect(headers.get('location')).toBe(json.url)
  await started.github('POST', `${shop}/1/comments`, { body: 'Second' })

  const page = await started.github('GET', `${shop}/1/comments?per_page=1`)
  expect(page.json.map(({ body }: { body: string }) => body)).toEqual(['First'])
  expect(page.headers.get('link')).toContain('rel="next"')
  expect((await started.github('GET', `${shop}/1`)).json.comments).toBe(2)
})

test('GitHub rejects an empty comment and a comment on an unknown issue', async () => {
  await open('Slow')
  const empty = await started.github('POST', `${shop}/1/comments`, { body: '' })
  expect(empty.status).toBe(422)
  expect(empty.json.errors).toEqual([{ resource: 'IssueComment', field: 'body', code: 'missing_field' }])
  expect((await started.github('POST', `${shop}/2/comments`, { body: 'x' })).status).toBe(404)
})

test('GitHub adds and removes labels', async () => {
  await open('Slow', { labels: ['bug'] })
  const names = (labels: { name: string }[]) => labels.map(({ name }) => name)
  const added = await started.github('POST', `${shop}/1/labels`, { labels: ['Bug', 'perf', 'needs review'] })
  expect(added.status).toBe(200)
  expect(names(added.json)).toEqual(['bug', 'perf', 'needs review'])
  expect(names((await started.github('DELETE', `${shop}/1/labels/needs%20review`)).json)).toEqual(['bug', 'perf'])
  const unknown = await started.github('DELETE', `${shop}/1/labels/other`)
  expect(unknown.status).toBe(404)
  expect(unknown.json.message).toBe('Label does not exist')
  expect((await started.github('POST', `${shop}/1/labels`, { labels: [1] })).status).toBe(422)
  expect((await started.github('DELETE', `${shop}/1/labels`)).status).toBe(204)
  expect((await started.github('GET', `${shop}/1/labels`)).json).toEqual([])
})

test('GitHub does not find paths outside the issues API', async () => {
  for (const path of ['/repos/acme/shop/pulls', '/repos/acme', '/orgs/acme', '/repos/acme/%E0%A4%A/issues']) {
    expect((await started.github('GET', path)).json).toMatchObject({ message: 'Not Found' })
  }
  expect((await started.github('PUT', shop, {})).status).toBe(404)
})

test('GitHub shows an issue on a page, escaped', async () => {
  const evil = '<script>alert("x")</script>'
  const { html_url } = await open(evil, { body: `${evil} & more`, labels: ['<b>bug</b>'] })
  await started.github('POST', `${shop}/1/comments`, { body: `'${evil}'` })
  const page = await fetch(html_url)
  const text = await page.text()
  expect(page.status).toBe(200)
  expect(page.headers.get('content-type')).toContain('text/html')
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(text).not.toContain('<script')
  expect(text).not.toContain('<b>')
  expect(text).toContain('<h1>&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;')
  expect(text).toContain('&#39;&lt;script&gt;')
  expect((await started.call('GET', '/github/acme/shop/issues/99')).status).toBe(404)
})
