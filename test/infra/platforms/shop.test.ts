import { expect, test } from '@jest/globals'
import { createShop } from '../../../infra/platforms/shop.ts'
import { useSandbox } from './use.ts'

const started = useSandbox()
const visit = (path = '/shop/', method = 'GET') => started.call(method, path)

test('The shop shows one page', async () => {
  for (const path of ['/shop', '/shop/', '/shop/?visitor=1']) {
    expect(await visit(path)).toMatchObject({ status: 200, text: expect.stringContaining('<h1>Shop</h1>') })
  }
  expect((await visit('/shop/', 'HEAD')).status).toBe(200)
  expect((await visit('/shop/', 'POST')).status).toBe(405)
  expect((await visit('/shop/cart')).status).toBe(404)
})

test('The shop is slow and fails as its faults say', async () => {
  await started.call('POST', '/faults', { target: 'shop', kind: 'slow', delayMs: 100, count: 1 })
  await started.call('POST', '/faults', { target: 'shop', kind: '503', count: 1 })
  const start = performance.now()
  expect((await visit()).status).toBe(200)
  expect(performance.now() - start).toBeGreaterThan(95)
  expect(await visit()).toMatchObject({ status: 503, text: expect.stringContaining('Service unavailable') })
  expect((await visit()).status).toBe(200)
})

test('The sandbox neither lists nor observes requests to the shop', async () => {
  await started.call('POST', '/faults', { target: 'shop', kind: '500', count: 1 })
  await Promise.all(Array.from({ length: 20 }, () => visit()))
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
