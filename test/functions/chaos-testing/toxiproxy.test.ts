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
/** Time goes on. */
const passed = (seconds: number) => {
  const then = Date.now() + seconds * 1_000
  jest.spyOn(Date, 'now').mockReturnValue(then)
}
/** As it comes back from the state of a task. */
const kept = (begun: StartedJob): StartedJob => JSON.parse(JSON.stringify(begun))
/** Its time is over, and its task has seen that. */
const over = async (begun: StartedJob): Promise<StartedJob> => {
  passed(30)
  const seen = await connected().poll(begun, slow())
  expect(seen).toMatchObject({ status: 'injected', pollImmediately: true })
  expect(writes().filter((call) => call.startsWith('DELETE'))).toEqual([])
  return kept({ ...begun, job: (seen as JobProgress).job })
}

describe('a start', () => {
  test('injects the toxic under the name of the call, and says what it is', async () => {
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
    'knows the toxic %s, with what it has where nothing is said',
    async (type) => {
      await connected().start({ target: 'checkout-db', parameters: { type } })
      expect(toxics()).toMatchObject([{ type, stream: 'downstream', toxicity: 1 }])
    },
  )

  test('is one toxic for one event, whatever became of the first answer', async () => {
    server.loseNext('POST')
    expect(await failureOf(connected().start(slow()))).toMatchObject({ transient: true, afterWrite: true })
    const again = await connected().start(slow(), { isRetry: true })
    expect(again.outcome.data).toMatchObject({ id })
    expect(toxics()).toHaveLength(1)
  })

  test('is injected where an answer that tells of no toxic came to the question whether it is there', async () => {
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

  test('is not repeated where an earlier try may have injected it, and it is gone', async () => {
    server.loseNext('POST')
    await failureOf(connected().start(slow()))
    await connected().stop({ id })
    expect(await failureOf(connected().start(slow(), { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(writes().filter((call) => call.startsWith('POST'))).toHaveLength(1)
  })

  test('of another event is another toxic', async () => {
    await connected().start(slow())
    await connected().start(slow(), { key: '5'.repeat(40) })
    expect(toxics()).toHaveLength(2)
  })

  test.each([
    [
      'a proxy outside of the blast radius',
      { target: 'orders-db' },
      'outside of the blast radius: the connection allows checkout-db, cart-*, away',
    ],
    ['a proxy that only begins alike', { target: 'checkout-db2' }, 'outside of the blast radius'],
  ])('is refused with 422 for %s', async (_what, input, message) => {
    const failure = await failureOf(connected().start(slow({}, input)))
    expect(failure).toMatchObject({ kind: 'refused', status: 422, message: expect.stringContaining(message) })
    expect(server.calls).toEqual([])
  })

  test.each([
    ['a project', slow({}, { project: 'shop' }), 'input.project is of no use'],
    ['a ref', slow({}, { ref: 'main' }), 'input.ref is of no use'],
    ['no toxic', { target: 'checkout-db' }, 'input.parameters.type'],
    ['a toxic that there is not', slow({ type: 'lag' }), 'input.parameters.type'],
    [
      'an attribute of another toxic',
      slow({ attributes: { rate: 1 } }),
      'holds "rate", and latency has latency, jitter',
    ],
    ['an attribute that is no number', slow({ attributes: { latency: 'much' } }), 'input.parameters.attributes'],
    ['a toxicity of nothing', slow({ toxicity: 0 }), 'input.parameters.toxicity'],
    ['a fault that is too long', slow({ duration: 'PT11M' }), 'the connection allows at most 10 min'],
    ['another field', slow({ name: 'x' }), 'input.parameters.name'],
    ['a wish that it be left', slow({}, { onDeadline: 'leave' }), 'a fault ends with its task'],
  ])('is refused at the door with %s', async (_what, input, message) => {
    const failure = await failureOf(connected().start(input))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('of a proxy that is not there says so in the words of Toxiproxy', async () => {
    const failure = await failureOf(connected().start({ ...slow(), target: 'away' }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('proxy not found') })
  })

  test('is for tasks only, since Toxiproxy never removes a toxic', () => {
    expect(toxiproxy.requiresTask).toBe(true)
  })
})

describe('a look', () => {
  test('says how long it is for still, and comes again in time', async () => {
    const begun = kept(await connected().start(slow()))
    passed(12)
    expect(await connected().poll(begun, slow())).toMatchObject({
      status: 'injected',
      progress: 'latency downstream, latency 300, 18 s left',
      maxSeconds: 18,
    })
    expect(toxics()).toHaveLength(1)
  })

  test('at its end removes it, and says what was injected', async () => {
    const begun = await over(kept(await connected().start(slow())))
    expect(await connected().end(begun, slow())).toMatchObject({
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

  test('whose removal got through without an answer sees that it is removed, also by a clock that was set back', async () => {
    const begun = await over(kept(await connected().start(slow())))
    passed(-20)
    server.loseNext('DELETE')
    expect(await failureOf(connected().poll(begun, slow()))).toMatchObject({ transient: true })
    expect(await connected().end(begun, slow())).toMatchObject({ result: 'pass', data: { state: 'removed' } })
  })

  test('tells a fault that somebody has removed before its time', async () => {
    const begun = kept(await connected().start(slow()))
    await connected().stop({ id })
    expect(await connected().end(begun, slow())).toMatchObject({
      status: 'aborted',
      result: 'fail',
      message: `Fault ${id} ended as gone: it was removed before its time, by stop-test or by hand`,
    })
  })

  test('tells a Toxiproxy that has lost its proxies', async () => {
    const begun = kept(await connected().start(slow()))
    server.proxies.remove('checkout-db')
    expect(await connected().end(begun, slow())).toMatchObject({
      status: 'errored',
      message: expect.stringContaining('Toxiproxy does not have checkout-db'),
    })
  })

  test.each([
    ['a failure', 503, { error: 'away', status: 503 }],
    ['a web page', 500, '<html><h1>Bad</h1></html>'],
    ['a 404 of something in between', 404, '<html><h1>Not Found</h1></html>'],
    ['a success of something in between', 200, '<html><h1>Welcome</h1></html>'],
  ])('takes %s for no end', async (_what, status, body) => {
    const begun = kept(await connected().start(slow()))
    passed(30)
    server.failNext(status, body, { on: 'GET' })
    expect(await failureOf(connected().poll(begun, slow()))).toMatchObject({ transient: true })
    expect(await connected().end(await over(begun), slow())).toMatchObject({ data: { state: 'removed' } })
    expect(toxics()).toEqual([])
  })

  test('takes a removal that something in between has answered for none', async () => {
    const begun = await over(kept(await connected().start(slow())))
    server.failNext(404, 'Not Found', { on: 'DELETE' })
    expect(await failureOf(connected().poll(begun, slow()))).toMatchObject({ transient: true })
    expect(toxics()).toHaveLength(1)
  })
})

describe('a stop', () => {
  test('removes it with the id alone', async () => {
    await connected().start(slow({}, { target: 'cart-db' }))
    const stopped = await connected().stop({ id: `cart-db/${name}` })
    expect(stopped).toMatchObject({ result: 'pass', message: `Stopped fault cart-db/${name} (gone)` })
    expect(toxics('cart-db')).toEqual([])
  })

  test('of what is gone passes and says so', async () => {
    await connected().start(slow())
    await connected().stop({ id })
    expect(await connected().stop({ id })).toMatchObject({
      result: 'pass',
      message: `Fault ${id} had ended already (gone)`,
    })
    expect(writes().filter((call) => call.startsWith('DELETE'))).toHaveLength(1)
  })

  test.each(['checkout-db', 'checkout-db/latency_downstream', name])(
    'removes nothing that is not ours: %s',
    async (id) => {
      const failure = await failureOf(connected().stop({ id }))
      expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining('data.id') })
      expect(server.calls).toEqual([])
    },
  )

  test('at the deadline removes it', async () => {
    const begun = kept(await connected().start(slow()))
    expect(await connected().stopAtDeadline(begun, slow())).toBe(true)
    expect(toxics()).toEqual([])
  })

  test('of what a task left that is no more finds it by the call alone', async () => {
    await connected().start(slow())
    const input = { target: 'checkout-db' }
    await toxiproxy.cleanUp(connected().client(), input)
    expect(toxics()).toEqual([])
    await toxiproxy.cleanUp(connected().client(), input)
  })
})

describe('the connection', () => {
  test('must say what may be touched', () => {
    expect(toxiproxy.connection.safeParse({ baseUrl: 'http://toxiproxy:8474' }).success).toBe(false)
    expect(toxiproxy.connection.safeParse({ baseUrl: 'http://toxiproxy:8474', allow: [] }).success).toBe(false)
    expect(toxiproxy.connection.safeParse({ baseUrl: 'http://toxiproxy:8474', allow: 'db' }).success).toBe(true)
  })

  test('sends the token of what guards it, which is a secret', async () => {
    const token = 'of-the-guard'
    await connected({ token }).start(slow())
    expect(server.calls[0]?.headers['authorization']).toBe(`Bearer ${token}`)
    expect(secretsIn(toxiproxy.connection, { token })).toEqual([token])
    server.failNext(400, { error: `no ${token}`, status: 400 })
    const failure = await failureOf(connected({ token }).start(slow()))
    expect(failure.message).toContain('no ***')
  })

  test('is checked with the cheapest call', async () => {
    await toxiproxy.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/version'])
  })

  test.each([
    [401, 'credentials'],
    [403, 'refused'],
    [429, 'platform'],
    [500, 'platform'],
  ])('an answer of %s is a failure of the kind %s', async (status, kind) => {
    server.failNext(status, { error: 'no', status }, status === 429 ? { headers: { 'retry-after': '7' } } : {})
    expect(await failureOf(connected().start(slow()))).toMatchObject({ kind })
    expect(toxics()).toEqual([])
  })

  test('without an answer is a failure that passes', async () => {
    server.down()
    expect(await failureOf(connected().start(slow()))).toMatchObject({ transient: true })
  })
})

test('the category has it', async () => {
  expect(await chaosTesting.providers['toxiproxy']?.()).toBe(toxiproxy)
})
