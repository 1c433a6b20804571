import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { demo } from '../../../../infra/sandbox/platforms/sandbox/demo.ts'
import type { FaultSpec } from '../../../../infra/sandbox/platforms/sandbox/faults.ts'
import { platformTargets, type Target } from '../../../../infra/sandbox/platforms/sandbox/http.ts'
import { until } from '../../../e2e/service.ts'
import { temporaryFolder } from '../../../temporary-folder.ts'
import { finished, start } from './start.ts'
import { advanceClock, stopClock, useSandbox } from './use.ts'

const started = useSandbox()
const state = temporaryFolder()
const shop = '/repos/acme/shop/issues'
const context = '08735340-6f9e-4b32-97ff-3b6c292bc509'

const fault = (spec: FaultSpec) => started.call('POST', '/faults', spec)
const faults = async () => (await started.call('GET', '/faults')).json
const open = (title = 'Slow') => started.github('POST', shop, { title })
const send = () => started.keptn('POST', '/api/v1/event', finished(context))
const opened = () => started.sandbox.github.issues('').map(({ title }) => title)
const url = () => `${started.origin}/sandbox/github/rate_limit`
const headers = { authorization: `Bearer ${demo.githubToken}`, 'user-agent': 'test' }

describe('A fault applies', () => {
  test('to the given number of requests', async () => {
    const { status, json } = await fault({ target: 'github', kind: '500', count: 2 })
    expect([status, json]).toEqual([201, expect.objectContaining({ target: 'github', kind: '500', left: 2 })])
    expect((await open()).status).toBe(500)
    expect(await faults()).toMatchObject([{ left: 1 }])
    expect((await open()).status).toBe(500)
    expect(opened()).toEqual([])
    expect((await open()).status).toBe(201)
    expect(await faults()).toEqual([])
  })

  test('to a share of the notifications', async () => {
    await fault({ target: 'github', kind: 'lost-notification', share: 0.5 })
    const lost = Array.from({ length: 64 }, () => started.sandbox.faults.loses('github'))
    expect(new Set(lost)).toEqual(new Set([true, false]))
  })

  test('for the given number of seconds', async () => {
    stopClock()
    await fault({ target: 'keptn', kind: '503', seconds: 0.2 })
    expect((await send()).status).toBe(503)
    advanceClock(250)
    expect((await send()).status).toBe(200)
  })

  test('until it is deleted by id, target or all', async () => {
    const { json } = await fault({ target: 'github', kind: '503' })
    for (const kind of ['503', '500'] as const) await fault({ target: 'keptn', kind })
    expect((await open()).status).toBe(503)
    expect((await started.call('DELETE', `/faults/${json.id}`)).json).toEqual({ removed: 1 })
    expect((await started.call('DELETE', `/faults/${json.id}`)).status).toBe(404)
    expect((await open()).status).toBe(201)
    expect((await started.call('DELETE', '/faults?target=sso')).json).toEqual({ removed: 0 })
    expect((await started.call('DELETE', '/faults')).json).toEqual({ removed: 2 })
    expect((await send()).status).toBe(200)
  })

  test('only to requests that match method, path and body', async () => {
    await fault({ target: 'github', kind: '500', match: { method: 'post', path: '/shop/issues', body: 'Slow' } })
    expect((await open('Slow')).status).toBe(500)
    expect((await open('Fast')).status).toBe(201)
    expect((await started.github('GET', `${shop}?labels=Slow`)).status).toBe(200)
    expect((await started.github('POST', '/repos/acme/other/issues', { title: 'Slow' })).status).toBe(201)
  })

  test('to the message bus of Keptn only if its path says so', async () => {
    await fault({ target: 'keptn', kind: '503' })
    expect((await started.keptn('POST', '/record', { type: 'a' })).status).toBe(200)
    await fault({ target: 'keptn', kind: '500', match: { path: '/record' } })
    expect((await started.keptn('POST', '/record', { type: 'a' })).status).toBe(500)
  })
})

/** A read of each platform, and its errors for 401, 429 and 503. */
const errors: Record<Target, [path: string, unauthorized: object, limited: object, unavailable: object]> = {
  github: ['/rate_limit', { message: 'Bad credentials' }, { status: '429' }, { message: 'Service unavailable' }],
  servicenow: [
    '/api/now/table/incident',
    { error: { message: 'User Not Authenticated' } },
    { status: 'failure' },
    { status: 'failure' },
  ],
  unleash: [
    '/api/admin/user',
    { name: 'UnauthorizedError' },
    { name: 'RateLimitError' },
    { message: 'Service unavailable' },
  ],
  keptn: ['/api/v1/metadata', { code: 401 }, { code: 429 }, { code: 503, message: 'Service unavailable' }],
  sso: ['/oauth2/token', { error: 'invalid_client' }, {}, {}],
  shop: ['/', {}, {}, {}],
  toxiproxy: ['/version', { error: 'Bad credentials', status: 401 }, { status: 429 }, { status: 503 }],
  databricks: ['/api/2.2/jobs/list', { error_code: 401 }, { error_code: 'REQUEST_LIMIT_EXCEEDED' }, {}],
  rundeck: ['/api/44/projects', { errorCode: 'unauthorized' }, { error: true }, { error: true, apiversion: 48 }],
  slack: [
    '/api/auth.test',
    { ok: false, error: 'invalid_auth' },
    { error: 'ratelimited' },
    { error: 'service_unavailable' },
  ],
  dynatrace: ['/api/v2/slo', { error: { code: 401 } }, { error: { code: 429 } }, { error: { code: 503 } }],
  tool: ['/me', { message: 'Bad credentials' }, {}, { message: 'Service unavailable' }],
}

test.each(platformTargets)('The faults of %s have the error format of the platform', async (target) => {
  const [path, ...expected] = errors[target]
  for (const [at, kind] of (['401', '429', '503'] as const).entries()) {
    await fault({ target, kind, retryAfter: 7, count: 1 })
    const answer = await started.call('GET', `/${target}${path}`)
    expect(answer.status).toBe(target === 'slack' && kind === '401' ? 200 : Number(kind))
    expect(answer.headers.get('retry-after')).toBe(kind === '429' ? '7' : null)
    if (target === 'shop') expect(answer.text).toMatch(/<h1>(Bad credentials|API rate|Service unavailable)/)
    else expect(JSON.parse(answer.text)).toMatchObject(expected[at] ?? {})
  }
})

test('A rate limit returns the headers of its platform', async () => {
  await fault({ target: 'github', kind: '429', count: 1 })
  expect((await open()).headers.get('x-ratelimit-remaining')).toBe('0')

  await fault({ target: 'github', kind: 'secondary-limit', retryAfter: 3 })
  const secondary = await open()
  expect([secondary.status, secondary.headers.get('retry-after')]).toEqual([403, '3'])
  expect(secondary.json.message).toContain('secondary rate limit')

  await fault({ target: 'servicenow', kind: '429' })
  const ruled = await started.serviceNow('GET', '/api/now/table/incident')
  expect(Number(ruled.headers.get('x-ratelimit-reset'))).toBeGreaterThan(Date.now() / 1000)
  expect(ruled.headers.get('x-ratelimit-rule')).toBeTruthy()

  await fault({ target: 'keptn', kind: '429', retryAfter: null })
  expect((await send()).headers.get('retry-after')).toBeNull()
})

test.each([
  ['html', {}, { status: 500, text: expect.stringContaining('<html>') }],
  ['wrong-json', {}, { status: 200, json: expect.not.objectContaining({ number: 1 }) }],
  ['empty', {}, { status: 200, text: '' }],
  ['redirect', { headers: { Location: 'http://127.0.0.1:1/' } }, { status: 302 }],
  ['echo', { status: 422 }, { status: 422, json: { message: expect.stringMatching(/Slow.*sandbox-github-token/) } }],
  ['500', { status: 418, body: { own: true } }, { status: 418, json: { own: true } }],
] as const)('A fault %s with %j replaces the response', async (kind, more, expected) => {
  await fault({ target: 'github', kind, ...more, headers: { 'X-Own': 'yes', ...('headers' in more && more.headers) } })
  const answer = await open()
  expect(answer).toMatchObject(expected)
  expect(answer.headers.get('x-own')).toBe('yes')
  expect(answer.headers.get('location')).toBe(kind === 'redirect' ? 'http://127.0.0.1:1/' : null)
  expect(opened()).toEqual([])
})

test('A hang fault never responds', async () => {
  await fault({ target: 'github', kind: 'hang', count: 1 })
  const client = new AbortController()
  const hanging = fetch(url(), { headers, signal: client.signal })
  while ((await faults()).length > 0) await sleep(10)
  client.abort()
  await expect(hanging).rejects.toThrow(/abort/)
  const requests = async () => (await started.call('GET', '/requests')).json
  while ((await requests()).length === 0) await sleep(10)
  expect(await requests()).toMatchObject([{ path: '/rate_limit', status: null, fault: 'hang' }])
})

test('A slow fault delays the response', async () => {
  await fault({ target: 'github', kind: 'slow', delayMs: 150 })
  const start = performance.now()
  expect((await open()).status).toBe(201)
  expect(performance.now() - start).toBeGreaterThan(140)
})

test('A reset fault resets the connection', async () => {
  await fault({ target: 'github', kind: 'reset' })
  await expect(open()).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
  expect(opened()).toEqual([])
})

test('A truncate fault sends less than the content length', async () => {
  await fault({ target: 'github', kind: 'truncate' })
  const answer = await fetch(url(), { headers })
  expect(answer.status).toBe(200)
  await expect(answer.text()).rejects.toThrow()
})

test('A huge fault sends data until the client disconnects', async () => {
  await fault({ target: 'github', kind: 'huge' })
  const received = await new Promise<number>((resolve, reject) => {
    let bytes = 0
    const call = request(url(), { headers }, (res) => {
      res.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes < 3_000_000) return
        res.destroy()
        resolve(bytes)
      })
    })
    call.on('error', reject).end()
  })
  expect(received).toBeGreaterThanOrEqual(3_000_000)
})

test('A no-id fault carries out the request and returns an empty object for a write', async () => {
  await fault({ target: 'github', kind: 'no-id', count: 3 })
  expect(await open('Created without an id')).toMatchObject({ status: 201, json: {} })
  expect(opened()).toEqual(['Created without an id'])
  expect((await started.github('POST', shop, {})).status).toBe(422)
  expect((await started.github('GET', shop)).json).toHaveLength(1)
})

test.each(['500', 'reset', 'truncate', 'slow', 'empty', 'echo', 'hang'] as const)(
  'A fault %s with after carries out the request and changes the response only',
  async (kind) => {
    await fault({ target: 'github', kind, after: true, delayMs: 10, count: 1 })
    const body = JSON.stringify({ title: kind })
    const client = new AbortController()
    const type = { 'content-type': 'application/json' }
    const answer = fetch(`${started.origin}/sandbox/github${shop}`, {
      method: 'POST',
      headers: { ...headers, ...type },
      body,
      signal: client.signal,
    })
    // It never ends: the client gives up after the request was carried out.
    if (kind === 'hang')
      await until(
        async () => opened().includes(kind),
        10,
        () => 'the request',
      ).finally(() => client.abort())
    const status = await answer
      .then(
        async (response) => ((await response.text()) === '' ? 'empty' : response.status),
        () => 'cut off',
      )
      .catch(() => 'cut off')
    expect(status).toBe({ '500': 500, echo: 500, slow: 201, empty: 'empty' }[kind as string] ?? 'cut off')
    expect(opened()).toEqual([kind])
  },
)

test.each([
  ['an unknown target', { target: 'jira', kind: '500' }, 'target'],
  ['an unknown kind', { target: 'github', kind: 'flood' }, 'kind'],
  ['a secondary limit for Keptn', { target: 'keptn', kind: 'secondary-limit' }, 'only for the target github'],
  ['no calls', { target: 'github', kind: '500', count: 0 }, 'count'],
  ['a misspelt field', { target: 'github', kind: '500', cuont: 1 }, 'cuont'],
  ['an invalid header', { target: 'github', kind: '500', headers: { 'x-a': 'a\r\nb: c' } }, 'headers'],
])('The sandbox rejects a fault with %s', async (_, spec, message) => {
  const { status, json } = await started.call('POST', '/faults', spec)
  expect([status, json.message]).toEqual([400, expect.stringContaining(message)])
  expect(await faults()).toEqual([])
})

test.each(['text/plain', 'application/x-www-form-urlencoded', 'text/plain; application/json'])(
  'The sandbox rejects a fault as %s, which a web form can send',
  async (type) => {
    const spec = JSON.stringify({ target: 'github', kind: '500' })
    expect((await started.call('POST', '/faults', spec, { 'content-type': type })).status).toBe(415)
    expect(await faults()).toEqual([])
  },
)

test('Pending requests end when the sandbox closes', async () => {
  const other = await start(state)
  other.sandbox.faults.add({ target: 'github', kind: 'hang' })
  await other.toxiproxy('POST', '/proxies/shop-db/toxics', { type: 'timeout' })
  const hanging = [other.github('GET', '/rate_limit'), other.github('GET', '/rate_limit'), other.call('GET', '/shop/')]
  const ends = Promise.allSettled(hanging)
  await sleep(100)
  await other.stop()
  expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  other.sandbox.close()
})
