import { expect, jest, test } from '@jest/globals'
import { useSandbox } from './use.ts'

const started = useSandbox()
const toxics = '/proxies/shop-db/toxics'

const ok = async (method: string, path: string, body?: unknown, status = 200) => {
  const answer = await started.toxiproxy(method, path, body)
  expect({ path, status: answer.status }).toEqual({ path, status })
  return answer.json
}
/** Refusals are JSON, but their type does not say so. */
const refusal = async (method: string, path: string, body?: unknown) => {
  const { status, headers, text } = await started.toxiproxy(method, path, body)
  expect(headers.get('content-type')).toBe('text/plain; charset=utf-8')
  expect(JSON.parse(text).status).toBe(status)
  return [status, JSON.parse(text).error]
}
const inject = (toxic: object) => ok('POST', toxics, toxic)
const slow = { name: 'slow', type: 'latency', attributes: { latency: 200 } }
/** Returns the response of the shop and its response time. */
const visit = async () => {
  const start = performance.now()
  const { status, text } = await started.call('GET', '/shop/')
  return { status, text, ms: performance.now() - start }
}

test('Toxiproxy needs no token and rejects browsers', async () => {
  expect(await ok('GET', '/version')).toEqual({ version: '2.12.0' })
  const browser = await started.call('GET', '/toxiproxy/version', undefined, { 'user-agent': 'Mozilla/5.0 (X11)' })
  expect([browser.status, browser.text]).toEqual([403, 'User agent not allowed\n'])
})

test('Toxiproxy lists its proxies', async () => {
  expect(await ok('GET', '/proxies')).toEqual({
    'shop-cache': expect.objectContaining({ name: 'shop-cache', enabled: true, toxics: [] }),
    'shop-db': {
      name: 'shop-db',
      listen: '127.0.0.1:15432',
      upstream: 'shop-db.internal:5432',
      enabled: true,
      Logger: {},
      toxics: [],
    },
  })
})

test.each([
  ['latency', { latency: 0, jitter: 0 }],
  ['bandwidth', { rate: 0 }],
  ['slow_close', { delay: 0 }],
  ['timeout', { timeout: 0 }],
  ['slicer', { average_size: 0, size_variation: 0, delay: 0 }],
  ['limit_data', { bytes: 0 }],
  ['reset_peer', { timeout: 0 }],
])('Toxiproxy adds the default name and attributes to a toxic of type %s', async (type, attributes) => {
  const toxic = { attributes, name: `${type}_downstream`, type, stream: 'downstream', toxicity: 1 }
  expect(await inject({ type })).toEqual(toxic)
  expect(await ok('GET', `${toxics}/${type}_downstream`)).toEqual(toxic)
  expect(await ok('GET', toxics)).toEqual([toxic])
})

test('Toxiproxy lists upstream toxics first and drops unknown attributes', async () => {
  await inject({ ...slow, attributes: { latency: 1, jitter: 2, rate: 3 } })
  await inject({ type: 'timeout', stream: 'upstream', toxicity: 0.5, attributes: null })
  expect(await ok('GET', '/proxies/shop-db')).toMatchObject({
    toxics: [
      { name: 'timeout_upstream', toxicity: 0.5, attributes: { timeout: 0 } },
      { name: 'slow', attributes: { latency: 1, jitter: 2 } },
    ],
  })
  expect((await ok('GET', toxics))[1].attributes).not.toHaveProperty('rate')
})

test.each(['POST', 'PATCH'])('Toxiproxy updates only attributes and toxicity of a toxic with %s', async (method) => {
  await inject({ ...slow, attributes: { latency: 100, jitter: 10 } })
  const change = { name: 'other', type: 'timeout', stream: 'upstream', toxicity: 0.2, attributes: { latency: 50 } }
  expect(await ok(method, `${toxics}/slow`, change)).toEqual({
    attributes: { latency: 50, jitter: 10 },
    name: 'slow',
    type: 'latency',
    stream: 'downstream',
    toxicity: 0.2,
  })
  expect(await ok('GET', `${toxics}/slow`)).toMatchObject({ toxicity: 0.2, attributes: { latency: 50 } })
})

test.each([
  ['a type that there is not', toxics, { type: 'rain' }, 400, 'invalid toxic type'],
  ['a type of every object', toxics, { type: 'constructor' }, 400, 'invalid toxic type'],
  ['no type', toxics, {}, 400, 'invalid toxic type'],
  [
    'a third stream',
    toxics,
    { ...slow, stream: 'sideways' },
    400,
    'stream was invalid, can be either upstream or downstream',
  ],
  ['half a millisecond', toxics, { ...slow, attributes: { latency: 0.5 } }, 400, /^bad request body: .*latency.*int64/],
  ['a text as an attribute', toxics, { ...slow, attributes: { latency: '5' } }, 400, /^bad request body: .*latency/],
  ['attributes that are a list', toxics, { ...slow, attributes: [] }, 400, /^bad request body/],
  ['a list', toxics, [], 400, /^bad request body/],
  ['what is not JSON', toxics, '{', 400, /^bad request body/],
  ['a proxy that there is not', '/proxies/nope/toxics', slow, 404, 'proxy not found'],
  ['a proxy with no name', '/proxies', { upstream: 'a:1' }, 400, 'missing required field: name'],
  ['a proxy to nowhere', '/proxies', { name: 'a' }, 400, 'missing required field: upstream'],
  ['a proxy twice', '/proxies', { name: 'shop-db', upstream: 'a:1' }, 409, 'proxy already exists'],
  ['proxies that are not a list', '/populate', {}, 400, /^bad request body/],
  ['an invalid proxy in a list', '/populate', [{ name: 'a' }], 400, 'missing required field: upstream at proxy 1'],
] as const)('%s is refused in its words, and changes nothing.', async (_, path, body, status, error) => {
  const before = await ok('GET', '/proxies')
  const message = typeof error === 'string' ? error : expect.stringMatching(error)
  expect(await refusal('POST', path, body)).toEqual([status, message])
  expect(await ok('GET', '/proxies')).toEqual(before)
})

test('Toxiproxy requires unique names of toxics per proxy', async () => {
  await inject(slow)
  expect(await refusal('POST', toxics, slow)).toEqual([409, 'toxic already exists'])
  await ok('POST', '/proxies/shop-cache/toxics', slow)
})

test('Toxiproxy rejects unknown paths and methods', async () => {
  for (const path of ['/metrics', '/proxies/', '/proxies/shop-db/nope', `${toxics}/a/b`, '/version/x']) {
    const { status, text } = await started.toxiproxy('GET', path)
    expect({ path, status, text }).toEqual({ path, status: 404, text: '404 page not found\n' })
  }
  for (const path of ['/version', '/proxies', '/proxies/shop-db', toxics, '/reset']) {
    expect({ path, status: (await started.toxiproxy('PUT', path)).status }).toEqual({ path, status: 405 })
  }
})

test('Toxiproxy creates, updates and deletes proxies', async () => {
  expect(await ok('POST', '/proxies', { name: 'orders', listen: '[::]:9', upstream: 'orders:1' }, 201)).toMatchObject({
    enabled: true,
    toxics: [],
  })
  expect(await ok('POST', '/proxies/orders', { enabled: false })).toMatchObject({
    enabled: false,
    upstream: 'orders:1',
  })
  expect(await ok('PATCH', '/proxies/orders', { upstream: 'orders:2' })).toMatchObject({
    enabled: false,
    listen: '[::]:9',
  })
  for (const name of ['orders', 'shop-cache']) {
    expect((await started.toxiproxy('DELETE', `/proxies/${name}`)).status).toBe(204)
    expect(await refusal('DELETE', `/proxies/${name}`)).toEqual([404, 'proxy not found'])
  }
  expect(Object.keys(await ok('GET', '/proxies'))).toEqual(['shop-db'])
  started.sandbox.empty()
  expect(Object.keys(await ok('GET', '/proxies'))).toEqual(['shop-cache', 'shop-db'])
})

test('Toxiproxy populates missing proxies and keeps existing ones', async () => {
  await inject(slow)
  const given = [
    { name: 'shop-db', upstream: 'elsewhere:1', enabled: false },
    { name: 'orders', upstream: 'orders:1', enabled: false },
  ]
  expect(await ok('POST', '/populate', given, 201)).toMatchObject({
    proxies: [
      { name: 'shop-db', upstream: 'shop-db.internal:5432', enabled: true, toxics: [{ name: 'slow' }] },
      { name: 'orders', enabled: false },
    ],
  })
})

test('Toxiproxy removes all toxics and enables all proxies on a reset', async () => {
  await inject(slow)
  await inject({ type: 'reset_peer' })
  expect((await visit()).status).toBe(503)
  await ok('POST', '/proxies/shop-cache', { enabled: false })
  expect(await started.toxiproxy('POST', '/reset')).toMatchObject({ status: 204, text: '' })
  expect(Object.values(await ok('GET', '/proxies'))).toMatchObject([
    { enabled: true, toxics: [] },
    { enabled: true, toxics: [] },
  ])
  expect((await visit()).status).toBe(200)
})

test('The shop is slower by the latency of its database in both directions', async () => {
  await inject(slow)
  expect(await visit()).toMatchObject({ status: 200 })
  expect((await visit()).ms).toBeGreaterThan(195)
  await inject({ ...slow, name: 'too', stream: 'upstream' })
  expect((await visit()).ms).toBeGreaterThan(395)
})

test('The latency of the shop varies with the jitter', async () => {
  await inject({ type: 'latency', attributes: { latency: 200, jitter: 200 } })
  const random = jest.spyOn(Math, 'random')
  try {
    for (const [value, ms] of [
      [0.25, 100],
      [0.75, 300],
    ] as const) {
      random.mockReturnValue(value)
      expect((await visit()).ms).toBeGreaterThan(ms - 5)
    }
  } finally {
    random.mockRestore()
  }
})

test.each([
  ['resets', { type: 'reset_peer' }, 'resets connections'],
  ['closes after a while', { type: 'timeout', attributes: { timeout: 120 } }, 'does not answer'],
])('The shop fails if its database %s', async (_, toxic, why) => {
  await inject(toxic)
  expect(await visit()).toMatchObject({ status: 503, text: expect.stringContaining(`The database of the shop ${why}`) })
  const { timeout = 0 } = (toxic as { attributes?: { timeout: number } }).attributes ?? {}
  expect((await visit()).ms).toBeGreaterThan(timeout - 5)
})

test('The shop waits if its database never responds', async () => {
  await inject({ type: 'timeout' })
  const signal = AbortSignal.timeout(300)
  await expect(fetch(`${started.origin}/sandbox/shop/`, { signal })).rejects.toThrow(/abort|timeout/)
})

test('A toxic applies to its share of requests', async () => {
  await inject({ type: 'reset_peer', toxicity: 0 })
  expect((await visit()).status).toBe(200)
  await ok('PATCH', `${toxics}/reset_peer_downstream`, { toxicity: 0.5 })
  const answers = await Promise.all(Array.from({ length: 100 }, visit))
  const failed = answers.filter(({ status }) => status === 503).length
  expect(failed).toBeGreaterThan(20)
  expect(failed).toBeLessThan(80)
})

test.each([
  ['disabled', (path: string) => ok('POST', path, { enabled: false })],
  ['gone', (path: string) => ok('DELETE', path, undefined, 204)],
])('The shop fails if its database is %s, but works without its cache', async (_, end) => {
  await end('/proxies/shop-cache')
  expect((await visit()).status).toBe(200)
  await end('/proxies/shop-db')
  expect(await visit()).toMatchObject({ status: 503, text: expect.stringContaining('refuses connections') })
  expect((await started.call('GET', '/shop/cart')).status).toBe(404)
})

test('A fault of the shop comes first, and delays add up', async () => {
  await inject(slow)
  await started.call('POST', '/faults', { target: 'shop', kind: '500', count: 1 })
  expect((await visit()).status).toBe(500)
  await started.call('POST', '/faults', { target: 'shop', kind: 'slow', delayMs: 200, count: 1 })
  expect((await visit()).ms).toBeGreaterThan(395)
})

test('Toxiproxy shows the toxics on a page, escaped', async () => {
  await inject({ ...slow, name: '<b>', toxicity: 0.25 })
  await ok('POST', '/proxies/shop-cache', { enabled: false })
  const { status, text } = await started.call('GET', '/toxiproxy', undefined, { 'user-agent': 'Mozilla/5.0' })
  expect(status).toBe(200)
  expect(text).toContain('&lt;b&gt;: latency downstream, latency 200, jitter 0 on 25 % of connections')
  expect(text).toContain('127.0.0.1:16379 to shop-cache.internal:6379, disabled')
  expect(text).not.toContain('<b>')
})

test('Toxiproxy describes each change to the observer', async () => {
  await inject(slow)
  await started.toxiproxy('DELETE', `${toxics}/slow`)
  expect(started.seen.map(({ note }) => note)).toEqual([
    'latency downstream, latency 200, jitter 0 on shop-db',
    'removed slow from shop-db',
  ])
})
