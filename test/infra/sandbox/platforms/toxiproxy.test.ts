import { expect, jest, test } from '@jest/globals'
import { createShop } from '../../../../infra/sandbox/platforms/shop.ts'
import { waitForAll } from '../../../wait-for-all.ts'
import { useSandbox } from './use.ts'

const started = useSandbox()
const toxics = '/proxies/shop-db/toxics'

const ok = async (method: string, path: string, body?: unknown, status = 200) => {
  const answer = await started.toxiproxy(method, path, body)
  expect({ path, status: answer.status }).toEqual({ path, status })
  return answer.json
}
const inject = (toxic: object) => ok('POST', toxics, toxic)
const slow = { name: 'slow', type: 'latency', attributes: { latency: 40 } }
/** Returns the response of the shop and its response time. */
const visit = async () => {
  const start = performance.now()
  const { status, text } = await started.call('GET', '/shop/')
  return { status, text, ms: performance.now() - start }
}

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
})

test.each([
  ['an unknown type', toxics, { type: 'rain' }, 400, 'invalid toxic type'],
  ['a type of every object', toxics, { type: 'constructor' }, 400, 'invalid toxic type'],
  ['a third stream', toxics, { ...slow, stream: 'sideways' }, 400, /stream was invalid/],
  ['half a millisecond', toxics, { ...slow, attributes: { latency: 0.5 } }, 400, /^bad request body: .*latency.*int64/],
  ['a text as an attribute', toxics, { ...slow, attributes: { latency: '5' } }, 400, /^bad request body: .*latency/],
  ['attributes that are a list', toxics, { ...slow, attributes: [] }, 400, /^bad request body/],
  ['a list', toxics, [], 400, /^bad request body/],
  ['a body that is not JSON', toxics, '{', 400, /^bad request body/],
  ['an unknown proxy', '/proxies/nope/toxics', slow, 404, 'proxy not found'],
] as const)('Toxiproxy rejects %s and changes nothing', async (_, path, body, status, error) => {
  const before = await ok('GET', '/proxies')
  const { headers, text } = await started.toxiproxy('POST', path, body)
  // The body is JSON, but its type does not say so.
  expect(headers.get('content-type')).toBe('text/plain; charset=utf-8')
  expect(JSON.parse(text)).toEqual({ status, error: expect.stringMatching(error) })
  expect(await ok('GET', '/proxies')).toEqual(before)
})

test('The shop is slower by the latency of its database in both directions', async () => {
  await inject(slow)
  expect(await visit()).toMatchObject({ status: 200 })
  expect((await visit()).ms).toBeGreaterThan(35)
  await inject({ ...slow, name: 'too', stream: 'upstream' })
  expect((await visit()).ms).toBeGreaterThan(75)
})

test.each([
  [0.25, 20],
  [0.75, 60],
])('The latency of the shop varies with the jitter: a random %d delays by %d ms', async (value, ms) => {
  await inject({ type: 'latency', attributes: { latency: 40, jitter: 40 } })
  const random = jest.spyOn(Math, 'random').mockReturnValue(value)
  expect((await visit()).ms).toBeGreaterThan(ms - 5)
  random.mockRestore()
})

test.each([
  ['resets', { type: 'reset_peer' }, 0, 'resets connections'],
  ['closes after a while', { type: 'timeout', attributes: { timeout: 40 } }, 35, 'does not answer'],
])('The shop fails if its database %s', async (_, toxic, ms, why) => {
  await inject(toxic)
  const failed = await visit()
  expect(failed).toMatchObject({ status: 503, text: expect.stringContaining(`The database of the shop ${why}`) })
  expect(failed.ms).toBeGreaterThan(ms)
})

test('The shop waits if its database never responds', async () => {
  await inject({ type: 'timeout' })
  const signal = AbortSignal.timeout(100)
  await expect(fetch(`${started.origin}/sandbox/shop/`, { signal })).rejects.toThrow(/abort|timeout/)
})

test('A toxic applies to its share of requests', async () => {
  await inject({ name: 'never', type: 'reset_peer', toxicity: 0 })
  expect((await visit()).status).toBe(200)
  await inject({ type: 'reset_peer', toxicity: 0.5 })
  const answers = await waitForAll(Array.from({ length: 100 }, visit))
  const failed = answers.filter(({ status }) => status === 503).length
  expect(failed).toBeGreaterThan(20)
  expect(failed).toBeLessThan(80)
})

test('The shop works without its cache', async () => {
  await ok('POST', '/proxies/shop-cache/toxics', { type: 'reset_peer' })
  expect((await visit()).status).toBe(200)
})

test('A fault of the shop comes first, and delays add up', async () => {
  await inject(slow)
  await started.call('POST', '/faults', { target: 'shop', kind: '500', count: 1 })
  expect((await visit()).status).toBe(500)
  await started.call('POST', '/faults', { target: 'shop', kind: 'slow', delayMs: 40, count: 1 })
  expect((await visit()).ms).toBeGreaterThan(75)
})

test('The shop has one page', async () => {
  for (const path of ['/shop', '/shop/', '/shop/?visitor=1'])
    expect((await started.call('GET', path)).text).toContain('<h1>Shop</h1>')
  const statusOf = async (method: string, path: string) => (await started.call(method, path)).status
  expect(await statusOf('HEAD', '/shop/')).toBe(200)
  expect(await statusOf('POST', '/shop/')).toBe(405)
  expect(await statusOf('GET', '/shop/cart')).toBe(404)
})

test('The sandbox neither lists nor observes requests to the shop', async () => {
  started.seen.length = 0
  await waitForAll(Array.from({ length: 20 }, visit))
  expect((await started.call('GET', '/requests?target=shop')).json).toEqual([])
  expect(started.seen).toEqual([])
})

test.each([
  ['never answers', { takesMs: Number.POSITIVE_INFINITY, lost: 'does not answer' }],
  ['is slower than that', { takesMs: 10_001 }],
])('The shop waits ten seconds for a database that %s', (_, passage) => {
  const call = { method: 'GET', path: '/', query: new URLSearchParams(), headers: {}, body: '', size: 0, root: '' }
  const answer = createShop(() => passage).answer(call)
  expect(answer).toMatchObject({ status: 503, takesMs: 10_000, body: expect.stringContaining('takes too long') })
})

test('The page of Toxiproxy describes proxies and toxics', async () => {
  await inject({ ...slow, toxicity: 0.25 })
  const { text } = await started.call('GET', '/toxiproxy')
  expect(text).toContain('slow: latency downstream, latency 40, jitter 0 on 25 % of connections')
  expect(text).toContain('127.0.0.1:16379 to shop-cache.internal:6379')
})
