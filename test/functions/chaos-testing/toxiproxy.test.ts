import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { chaosTesting } from '../../../functions/chaos-testing/index.ts'
import { toxiproxy } from '../../../functions/chaos-testing/providers/toxiproxy.ts'
import { type ToxiproxyServer, toxiproxyServer } from '../../../infra/platforms/toxiproxy/server.ts'
import { secretsIn } from '../../../shared/fields.ts'
import type { JobProgress, StartedJob } from '../../../shared/providers/action.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { experiment } from './experiment.ts'

let server: ToxiproxyServer
beforeEach(async () => {
  server = await toxiproxyServer()
})
afterEach(async () => {
  jest.restoreAllMocks()
  await server.close()
})

const connected = (fields: object = {}) =>
  experiment(toxiproxy, () => ({ baseUrl: server.url, allow: 'checkout-db, cart-*, away', ...fields }))
const latency = { type: 'latency', attributes: { latency: 300 }, duration: 30 }
const slow = (parameters: object = {}, more: object = {}) => ({
  target: 'checkout-db',
  parameters: { ...latency, ...parameters },
  ...more,
})
const name = `webhooks-${keyOf(1).slice(0, 20)}`
const id = `checkout-db/${name}`
const toxics = (proxy = 'checkout-db') => server.proxies.get(proxy)?.toxics
const writes = () =>
  server.calls.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`)
/** Advances the clock by the given seconds. */
const passed = (seconds: number) => {
  const then = Date.now() + seconds * 1_000
  jest.spyOn(Date, 'now').mockReturnValue(then)
}
/** Returns the job as the task's state restores it. */
const restored = (started: StartedJob): StartedJob => JSON.parse(JSON.stringify(started))
/** Lets the time of the fault pass, and polls once. */
const expired = async (started: StartedJob): Promise<StartedJob> => {
  passed(30)
  const seen = await connected().poll(started, slow())
  expect(seen).toMatchObject({ status: 'injected', pollImmediately: true })
  expect(writes().filter((call) => call.startsWith('DELETE'))).toEqual([])
  return restored({ ...started, job: (seen as JobProgress).job })
}

describe('Toxiproxy: start', () => {
  test('adds the toxic with the name of the call and describes it', async () => {
    const { outcome } = await connected().start(
      slow({ stream: 'upstream', toxicity: '0.5', attributes: { latency: '300', jitter: 20 } }),
    )
    expect(toxics()).toEqual([
      { name, type: 'latency', stream: 'upstream', toxicity: 0.5, attributes: { latency: 300, jitter: 20 } },
    ])
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'pass', data: { id } })
    expect(outcome.message).toBe(
      `Started fault ${id}: latency upstream, latency 300, jitter 20 on 50 % of connections on checkout-db for 30 s`,
    )
  })

  test.each(['latency', 'bandwidth', 'slow_close', 'timeout', 'reset_peer', 'slicer', 'limit_data'])(
    'accepts the toxic %s with its defaults',
    async (type) => {
      await connected().start({ target: 'checkout-db', parameters: { type } })
      expect(toxics()).toMatchObject([{ type, stream: 'downstream', toxicity: 1 }])
    },
  )

  test('a retry after a lost response adds no second toxic', async () => {
    server.loseNext('POST')
    expect(await failureOf(connected().start(slow()))).toMatchObject({ transient: true, mayHaveWritten: true })
    const again = await connected().start(slow(), { isRetry: true })
    expect(again.outcome.data).toMatchObject({ id })
    expect(toxics()).toHaveLength(1)
  })

  test('a retry is transient while a response does not show whether the toxic exists', async () => {
    for (const strange of [{ status: 'UP' }, '<html>Log in</html>']) {
      server.failNext(200, strange, { on: 'GET' })
      const failure = await failureOf(connected().start(slow(), { isRetry: true }))
      expect(failure).toMatchObject({ kind: 'platform', transient: true })
    }
    server.loseNext('POST')
    await failureOf(connected().start(slow()))
    expect((await connected().start(slow(), { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(toxics()).toMatchObject([{ name }])
  })

  test('a retry does not restore a toxic that was removed', async () => {
    server.loseNext('POST')
    await failureOf(connected().start(slow()))
    await connected().stop({ id })
    expect(await failureOf(connected().start(slow(), { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(writes().filter((call) => call.startsWith('POST'))).toHaveLength(1)
  })

  test('another event adds another toxic', async () => {
    await connected().start(slow())
    await connected().start(slow(), { key: '5'.repeat(40) })
    expect(toxics()).toHaveLength(2)
  })

  test.each([
    [
      'a proxy outside the blast radius',
      { target: 'orders-db' },
      'outside the blast radius: the connection allows checkout-db, cart-*, away',
    ],
    ['a proxy that shares only a prefix', { target: 'checkout-db2' }, 'outside the blast radius'],
  ])('rejects %s with 422', async (_what, input, message) => {
    const failure = await failureOf(connected().start(slow({}, input)))
    expect(failure).toMatchObject({ kind: 'refused', status: 422, message: expect.stringContaining(message) })
    expect(server.calls).toEqual([])
  })

  test.each([
    ['a project', slow({}, { project: 'shop' }), 'input.project is not supported'],
    ['a ref', slow({}, { ref: 'main' }), 'input.ref is not supported'],
    ['no toxic', { target: 'checkout-db' }, 'input.parameters.type'],
    ['an unknown toxic', slow({ type: 'lag' }), 'input.parameters.type'],
    [
      'an attribute of another toxic',
      slow({ attributes: { rate: 1 } }),
      'contains "rate", but latency has only latency, jitter',
    ],
    ['an attribute that is not a number', slow({ attributes: { latency: 'much' } }), 'input.parameters.attributes'],
    ['a toxicity of zero', slow({ toxicity: 0 }), 'input.parameters.toxicity'],
    ['a fault that is too long', slow({ duration: 'PT11M' }), 'the connection allows at most 10 min'],
    ['another field', slow({ name: 'x' }), 'input.parameters.name'],
    ['onDeadline: leave', slow({}, { onDeadline: 'leave' }), 'a fault ends with its task'],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(connected().start(input))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('reports that the proxy does not exist', async () => {
    const failure = await failureOf(connected().start({ ...slow(), target: 'away' }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('proxy not found') })
  })

  test('requires a task, because Toxiproxy never removes a toxic', () => {
    expect(toxiproxy.requiresTask).toBe(true)
  })
})

describe('Toxiproxy: poll', () => {
  test('reports the remaining time and limits the next interval', async () => {
    const started = restored(await connected().start(slow()))
    passed(12)
    expect(await connected().poll(started, slow())).toMatchObject({
      status: 'injected',
      progress: 'latency downstream, latency 300, 18 s left',
      maxSeconds: 18,
    })
    expect(toxics()).toHaveLength(1)
  })

  test('removes the toxic when the time is over and reports it', async () => {
    const started = await expired(restored(await connected().start(slow())))
    expect(await connected().end(started, slow())).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      message: `Fault ${id} ended as removed`,
      data: {
        state: 'removed',
        proxy: 'checkout-db',
        injected: { type: 'latency', attributes: { latency: 300 }, stream: 'downstream', toxicity: 1, duration: 30 },
      },
    })
    expect(toxics()).toEqual([])
  })

  test('recognizes its own removal if the response was lost, even if the clock is set back', async () => {
    const started = await expired(restored(await connected().start(slow())))
    passed(-20)
    server.loseNext('DELETE')
    expect(await failureOf(connected().poll(started, slow()))).toMatchObject({ transient: true })
    expect(await connected().end(started, slow())).toMatchObject({ result: 'pass', data: { state: 'removed' } })
  })

  test('reports a toxic that was removed early', async () => {
    const started = restored(await connected().start(slow()))
    await connected().stop({ id })
    expect(await connected().end(started, slow())).toMatchObject({
      status: 'aborted',
      result: 'fail',
      message: `Fault ${id} ended as gone: it was removed early, by stop-test or manually`,
    })
  })

  test('reports a Toxiproxy that has lost its proxies', async () => {
    const started = restored(await connected().start(slow()))
    server.proxies.remove('checkout-db')
    expect(await connected().end(started, slow())).toMatchObject({
      status: 'errored',
      message: expect.stringContaining('Toxiproxy has no proxy checkout-db'),
    })
  })

  test.each([
    ['a failure', 503, { error: 'away', status: 503 }],
    ['a web page', 500, '<html><h1>Bad</h1></html>'],
    ['a 404 from a gateway', 404, '<html><h1>Not Found</h1></html>'],
    ['a success from a gateway', 200, '<html><h1>Welcome</h1></html>'],
  ])('does not end the fault after %s', async (_what, status, body) => {
    const started = restored(await connected().start(slow()))
    passed(30)
    server.failNext(status, body, { on: 'GET' })
    expect(await failureOf(connected().poll(started, slow()))).toMatchObject({ transient: true })
    expect(await connected().end(await expired(started), slow())).toMatchObject({ data: { state: 'removed' } })
    expect(toxics()).toEqual([])
  })

  test('does not accept a removal that a gateway answered', async () => {
    const started = await expired(restored(await connected().start(slow())))
    server.failNext(404, 'Not Found', { on: 'DELETE' })
    expect(await failureOf(connected().poll(started, slow()))).toMatchObject({ transient: true })
    expect(toxics()).toHaveLength(1)
  })
})

describe('Toxiproxy: stop', () => {
  test('removes the toxic by id', async () => {
    await connected().start(slow({}, { target: 'cart-db' }))
    const stopped = await connected().stop({ id: `cart-db/${name}` })
    expect(stopped).toMatchObject({ result: 'pass', message: `Stopped fault cart-db/${name} (gone)` })
    expect(toxics('cart-db')).toEqual([])
  })

  test('passes if the toxic no longer exists', async () => {
    await connected().start(slow())
    await connected().stop({ id })
    expect(await connected().stop({ id })).toMatchObject({
      result: 'pass',
      message: `Fault ${id} had ended already (gone)`,
    })
    expect(writes().filter((call) => call.startsWith('DELETE'))).toHaveLength(1)
  })

  test.each(['checkout-db', 'checkout-db/latency_downstream', name])(
    'removes only toxics of this service: %s',
    async (id) => {
      const failure = await failureOf(connected().stop({ id }))
      expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining('data.id') })
      expect(server.calls).toEqual([])
    },
  )

  test('also removes it at the deadline', async () => {
    const started = restored(await connected().start(slow()))
    expect(await connected().stopAtDeadline(started, slow())).toBe(true)
    expect(toxics()).toEqual([])
  })

  test('the cleanup of a failed task finds the toxic by the call alone', async () => {
    await connected().start(slow())
    const input = { target: 'checkout-db' }
    await toxiproxy.cleanUp(connected().client(), input)
    expect(toxics()).toEqual([])
    await toxiproxy.cleanUp(connected().client(), input)
  })
})

describe('Toxiproxy: connection', () => {
  test('requires a non-empty allow', () => {
    expect(toxiproxy.connection.safeParse({ baseUrl: 'http://toxiproxy:8474' }).success).toBe(false)
    expect(toxiproxy.connection.safeParse({ baseUrl: 'http://toxiproxy:8474', allow: [] }).success).toBe(false)
    expect(toxiproxy.connection.safeParse({ baseUrl: 'http://toxiproxy:8474', allow: 'db' }).success).toBe(true)
  })

  test('sends the token of a gateway, which is a secret', async () => {
    const token = 'of-the-guard'
    await connected({ token }).start(slow())
    expect(server.calls[0]?.headers['authorization']).toBe(`Bearer ${token}`)
    expect(secretsIn(toxiproxy.connection, { token })).toEqual([token])
    server.failNext(400, { error: `no ${token}`, status: 400 })
    const failure = await failureOf(connected({ token }).start(slow()))
    expect(failure.message).toContain('no ***')
  })

  test('the check reads the version', async () => {
    await toxiproxy.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/version'])
  })

  test.each([
    [401, 'credentials'],
    [403, 'refused'],
    [429, 'platform'],
    [500, 'platform'],
  ])('the status %s is a failure of the kind %s', async (status, kind) => {
    server.failNext(status, { error: 'no', status }, status === 429 ? { headers: { 'retry-after': '7' } } : {})
    expect(await failureOf(connected().start(slow()))).toMatchObject({ kind })
    expect(toxics()).toEqual([])
  })

  test('no response is a transient failure', async () => {
    server.down()
    expect(await failureOf(connected().start(slow()))).toMatchObject({ transient: true })
  })
})

test('Toxiproxy is a provider of chaos testing', async () => {
  expect(await chaosTesting.providers['toxiproxy']?.()).toBe(toxiproxy)
})
