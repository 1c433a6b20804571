import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { demo } from '../../../infra/platforms/sandbox/demo.ts'
import type { FaultSpec } from '../../../infra/platforms/sandbox/faults.ts'
import { targets } from '../../../infra/platforms/sandbox/http.ts'
import { finished, start } from './start.ts'
import { advanceClock, stopClock, useSandbox } from './use.ts'

const started = useSandbox()
const shop = '/repos/acme/shop/issues'
const context = '08735340-6f9e-4b32-97ff-3b6c292bc509'

const fault = (spec: FaultSpec) => started.call('POST', '/faults', spec)
const open = (title = 'Slow') => started.github('POST', shop, { title })
const send = () => started.keptn('POST', '/api/v1/event', finished(context))
const opened = () => started.sandbox.github.issues('').map(({ title }) => title)
const headers = { authorization: `Bearer ${demo.githubToken}` }

test('A fault applies to the given number of requests', async () => {
  const { status, json } = await fault({ target: 'github', kind: '500', count: 2 })
  expect(status).toBe(201)
  expect(json).toMatchObject({ id: expect.any(Number), target: 'github', kind: '500', left: 2 })
  const first = await open()
  expect(first.status).toBe(500)
  expect(first.json).toMatchObject({ message: 'Server Error', status: '500' })
  expect((await started.call('GET', '/faults')).json).toMatchObject([{ left: 1 }])
  expect((await open()).status).toBe(500)
  expect(opened()).toEqual([])
  expect((await open()).status).toBe(201)
  expect((await started.call('GET', '/faults')).json).toEqual([])
})

test('A fault applies for the given number of seconds', async () => {
  stopClock()
  await fault({ target: 'keptn', kind: '503', seconds: 0.2 })
  expect((await send()).json).toEqual({ code: 503, message: 'Service unavailable' })
  advanceClock(250)
  expect((await send()).status).toBe(200)
})

test('A fault without an end applies until it is deleted by id, target or all', async () => {
  const { json } = await fault({ target: 'github', kind: '503' })
  await fault({ target: 'keptn', kind: '503' })
  await fault({ target: 'keptn', kind: '500' })
  expect((await open()).status).toBe(503)
  expect((await started.call('DELETE', `/faults/${json.id}`)).json).toEqual({ removed: 1 })
  expect((await started.call('DELETE', `/faults/${json.id}`)).status).toBe(404)
  expect((await open()).status).toBe(201)
  expect((await started.call('DELETE', '/faults?target=sso')).json).toEqual({ removed: 0 })
  expect((await started.call('DELETE', '/faults')).json).toEqual({ removed: 2 })
  expect((await send()).status).toBe(200)
})

test('A fault applies only to requests that match method, path and body', async () => {
  await fault({ target: 'github', kind: '500', match: { method: 'post', path: '/shop/issues', body: 'Slow' } })
  expect((await open('Slow')).status).toBe(500)
  expect((await open('Fast')).status).toBe(201)
  expect((await started.github('GET', `${shop}?labels=Slow`)).status).toBe(200)
  expect((await started.github('POST', '/repos/acme/other/issues', { title: 'Slow' })).status).toBe(201)
})

test('A fault of Keptn does not apply to its message bus unless the path says so', async () => {
  await fault({ target: 'keptn', kind: '503' })
  expect((await started.keptn('POST', '/record', { type: 'a' })).status).toBe(200)
  await fault({ target: 'keptn', kind: '500', match: { path: '/record' } })
  expect((await started.keptn('POST', '/record', { type: 'a' })).status).toBe(500)
})

test('An html fault returns a web page', async () => {
  await fault({ target: 'github', kind: 'html' })
  const { status, headers, text } = await open()
  expect(status).toBe(500)
  expect(headers.get('content-type')).toContain('text/html')
  expect(text).toContain('<html>')
})

test('A rate limit returns the headers of its platform', async () => {
  await fault({ target: 'github', kind: '429', retryAfter: 7, count: 1 })
  const limited = await open()
  expect(limited.status).toBe(429)
  expect(limited.headers.get('retry-after')).toBe('7')
  expect(limited.headers.get('x-ratelimit-remaining')).toBe('0')

  await fault({ target: 'github', kind: 'secondary-limit', retryAfter: 3 })
  const secondary = await open()
  expect(secondary.status).toBe(403)
  expect(secondary.headers.get('retry-after')).toBe('3')
  expect(secondary.json.message).toContain('secondary rate limit')

  await fault({ target: 'servicenow', kind: '429', retryAfter: 5 })
  const ruled = await started.serviceNow('GET', '/api/now/table/incident')
  expect([ruled.status, ruled.headers.get('retry-after'), ruled.json.status]).toEqual([429, '5', 'failure'])
  expect(Number(ruled.headers.get('x-ratelimit-reset'))).toBeGreaterThan(Date.now() / 1000)
  expect(ruled.headers.get('x-ratelimit-rule')).toBeTruthy()

  await fault({ target: 'unleash', kind: '429' })
  const busy = await started.unleash('GET', '/api/admin/user')
  expect([busy.status, busy.json.name]).toEqual([429, 'RateLimitError'])

  await fault({ target: 'keptn', kind: '429', retryAfter: null })
  const bare = await send()
  expect(bare.json).toMatchObject({ code: 429 })
  expect(bare.headers.get('retry-after')).toBeNull()
})

test('A 401 fault has the error format of the platform', async () => {
  for (const target of targets) await fault({ target, kind: '401' })
  expect((await open()).json).toMatchObject({ message: 'Bad credentials', status: '401' })
  expect((await started.serviceNow('GET', '/api/now/table/incident')).json).toMatchObject({
    error: { message: 'User Not Authenticated' },
  })
  expect((await started.unleash('GET', '/api/admin/user')).json).toMatchObject({ name: 'UnauthorizedError' })
  expect((await send()).json).toMatchObject({ code: 401 })
  expect((await started.call('POST', '/sso/oauth2/token')).json).toMatchObject({ error: 'invalid_client' })
  expect((await started.call('GET', '/shop/')).text).toContain('<h1>Bad credentials</h1>')
  expect(JSON.parse((await started.toxiproxy('GET', '/version')).text)).toEqual({
    error: 'Bad credentials',
    status: 401,
  })
  expect((await started.databricks('GET', '/api/2.2/jobs/list')).json).toMatchObject({ error_code: 401 })
  expect((await started.rundeck('GET', '/api/44/projects')).json).toMatchObject({ errorCode: 'unauthorized' })
})

test('Databricks, Rundeck and Toxiproxy inject faults before and after they carry out a request', async () => {
  await fault({ target: 'databricks', kind: '429', retryAfter: 3, count: 1 })
  const limited = await started.databricks('GET', '/api/2.2/jobs/list')
  expect([limited.status, limited.headers.get('retry-after'), limited.json.error_code]).toEqual([
    429,
    '3',
    'REQUEST_LIMIT_EXCEEDED',
  ])
  await fault({ target: 'databricks', kind: 'reset', after: true, count: 1 })
  await expect(started.databricks('POST', '/api/2.2/jobs/run-now', { job_id: 101 })).rejects.toThrow()
  expect(started.sandbox.databricks.runs('')).toHaveLength(1)
  await fault({ target: 'rundeck', kind: '503', count: 1 })
  expect((await started.rundeck('GET', '/api/44/projects')).json).toMatchObject({ error: true, apiversion: 48 })
  await fault({ target: 'toxiproxy', kind: 'empty', after: true, count: 1 })
  const toxic = { type: 'latency', attributes: { latency: 1 } }
  expect(await started.toxiproxy('POST', '/proxies/shop-db/toxics', toxic)).toMatchObject({ status: 200, text: '' })
  expect(started.sandbox.toxiproxy.toxics()).toHaveLength(1)
})

test('A hang fault never responds', async () => {
  await fault({ target: 'github', kind: 'hang', count: 1 })
  const client = new AbortController()
  const hanging = fetch(`${started.origin}/sandbox/github/user`, { headers, signal: client.signal })
  while ((await started.call('GET', '/faults')).json.length > 0) await sleep(10)
  client.abort()
  await expect(hanging).rejects.toThrow(/abort/)
  expect(opened()).toEqual([])
  const requests = async () => (await started.call('GET', '/requests')).json
  while ((await requests()).length === 0) await sleep(10)
  expect(await requests()).toMatchObject([{ path: '/user', status: null, fault: 'hang' }])
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
  const answer = await fetch(`${started.origin}/sandbox/github/user`, { headers })
  expect(answer.status).toBe(200)
  await expect(answer.text()).rejects.toThrow()
})

test('Faults return an unrelated document, an empty body and a redirect', async () => {
  await fault({ target: 'github', kind: 'wrong-json', count: 1 })
  const wrong = await open()
  expect(wrong.status).toBe(200)
  expect(wrong.json).not.toHaveProperty('number')
  await fault({ target: 'github', kind: 'empty', count: 1 })
  expect(await open()).toMatchObject({ status: 200, text: '' })
  await fault({ target: 'github', kind: 'redirect', headers: { Location: 'http://127.0.0.1:1/' } })
  const redirect = await open()
  expect(redirect.status).toBe(302)
  expect(redirect.headers.get('location')).toBe('http://127.0.0.1:1/')
})

test('An echo fault returns the request with its credentials in the error format of the platform', async () => {
  await fault({ target: 'github', kind: 'echo', status: 422, count: 1 })
  const echo = await open('Echo')
  expect([echo.status, echo.json.status]).toEqual([422, '500'])
  expect(echo.json.message).toContain('Echo')
  expect(echo.json.message).toContain(demo.githubToken)
  expect(opened()).toEqual([])
  await fault({ target: 'keptn', kind: 'echo', after: true, count: 1 })
  expect((await send()).json.message).toContain(demo.keptnToken)
  expect(started.sandbox.keptn.events()).toHaveLength(1)
})

test('A huge fault sends data until the client disconnects', async () => {
  await fault({ target: 'github', kind: 'huge' })
  const received = await new Promise<number>((resolve, reject) => {
    let bytes = 0
    const call = request(
      `${started.origin}/sandbox/github/user`,
      { headers: { ...headers, 'user-agent': 'test' } },
      (res) => {
        res.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes < 3_000_000) return
          res.destroy()
          resolve(bytes)
        })
      },
    )
    call.on('error', reject)
    call.end()
  })
  expect(received).toBeGreaterThanOrEqual(3_000_000)
})

test('A fault overrides status, headers and body', async () => {
  await fault({ target: 'keptn', kind: '500', status: 418, headers: { 'X-Own': 'yes' }, body: { own: true } })
  const { status, headers, json } = await send()
  expect([status, headers.get('x-own'), json]).toEqual([418, 'yes', { own: true }])
})

test('A no-id fault carries out the request and returns an empty object for a write', async () => {
  await fault({ target: 'github', kind: 'no-id', count: 3 })
  expect(await open('Created without an id')).toMatchObject({ status: 201, json: {} })
  expect(opened()).toEqual(['Created without an id'])
  expect((await started.github('POST', '/repos/acme/shop/issues', {})).status).toBe(422)
  expect((await started.github('GET', '/repos/acme/shop/issues')).json).toHaveLength(1)
})

test('A fault with after carries out the request and changes the response only', async () => {
  await fault({ target: 'github', kind: '500', after: true, count: 1 })
  expect((await open('Created and 500')).status).toBe(500)
  await fault({ target: 'github', kind: 'reset', after: true, count: 1 })
  await expect(open('Created and reset')).rejects.toThrow()
  await fault({ target: 'github', kind: 'truncate', after: true, count: 1 })
  await expect(open('Created and cut')).rejects.toThrow()
  await fault({ target: 'github', kind: 'slow', after: true, delayMs: 10, count: 1 })
  expect((await open('Created and slow')).status).toBe(201)
  expect(opened()).toEqual(['Created and 500', 'Created and reset', 'Created and cut', 'Created and slow'])

  await fault({ target: 'servicenow', kind: 'empty', after: true, count: 1 })
  expect(await started.serviceNow('POST', '/api/now/table/incident', {})).toMatchObject({ status: 200, text: '' })
  expect(started.sandbox.serviceNow.incidents('')).toHaveLength(1)
  await fault({ target: 'unleash', kind: 'reset', after: true, count: 1 })
  const place = '/api/admin/projects/default/features/checkout-v2/environments/production'
  await expect(started.unleash('POST', `${place}/on`)).rejects.toThrow()
  expect((await started.unleash('GET', place)).json.enabled).toBe(true)

  await fault({ target: 'keptn', kind: 'hang', after: true, count: 1 })
  const body = JSON.stringify(finished(context))
  const keptn = { 'x-token': demo.keptnToken, 'content-type': 'application/json' }
  const signal = AbortSignal.timeout(100)
  const call = fetch(`${started.origin}/sandbox/keptn/api/v1/event`, { method: 'POST', headers: keptn, body, signal })
  await expect(call).rejects.toThrow()
  expect(started.sandbox.keptn.events()).toHaveLength(1)
})

test.each([
  ['an unknown target', { target: 'jira', kind: '500' }, 'target'],
  ['an unknown kind', { target: 'github', kind: 'flood' }, 'kind'],
  ['a secondary limit for Keptn', { target: 'keptn', kind: 'secondary-limit' }, 'only for the target github'],
  ['no calls', { target: 'github', kind: '500', count: 0 }, 'count'],
  ['a misspelt field', { target: 'github', kind: '500', cuont: 1 }, 'cuont'],
  ['an invalid header', { target: 'github', kind: '500', headers: { 'x-a': 'a\r\nb: c' } }, 'headers'],
])('The sandbox rejects a fault with %s', async (_, spec, message) => {
  const { status, json } = await started.call('POST', '/faults', spec)
  expect(status).toBe(400)
  expect(json.message).toContain(message)
  expect(started.sandbox.faults.list()).toEqual([])
})

test('The sandbox rejects a fault that a web form can send', async () => {
  const spec = JSON.stringify({ target: 'github', kind: '500' })
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'text/plain; application/json']) {
    expect((await started.call('POST', '/faults', spec, { 'content-type': type })).status).toBe(415)
  }
  expect(started.sandbox.faults.list()).toEqual([])
})

test('Pending requests end when the sandbox closes', async () => {
  const state = mkdtempSync(join(tmpdir(), 'sandbox-'))
  const other = await start(state)
  other.sandbox.faults.add({ target: 'github', kind: 'hang' })
  await other.toxiproxy('POST', '/proxies/shop-db/toxics', { type: 'timeout' })
  const hanging = [other.github('GET', '/user'), other.github('GET', '/user'), other.call('GET', '/shop/')]
  const calls = hanging.map((call) =>
    call.then(
      () => 'answered',
      () => 'cut off',
    ),
  )
  await sleep(100)
  await other.stop()
  expect(await Promise.all(calls)).toEqual(['cut off', 'cut off', 'cut off'])
  other.sandbox.close()
  rmSync(state, { recursive: true })
})
