import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { toxiproxy } from '../../../../functions/chaos-testing/toxiproxy/toxiproxy.ts'
import { secretsIn } from '../../../../shared/fields.ts'
import type { JobProgress, StartedJob } from '../../../../shared/providers/action.ts'
import { jobConformance } from '../../../conformance/job.ts'
import { advanceClock } from '../../clock.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { experimentActions } from '../../job-actions.ts'
import { jobRow } from './fake.ts'

afterEach(() => void jest.restoreAllMocks())

const connected = (fields: object = {}) => connect({ allow: 'checkout-db, cart-*, away', ...fields })
const latency = { type: 'latency', attributes: { latency: 300 }, duration: 30 }
const slow = (parameters: object = {}, more: object = {}) => ({
  target: 'checkout-db',
  parameters: { ...latency, ...parameters },
  ...more,
})
const name = `webhooks-${keyOf(1).slice(0, 20)}`
const id = `checkout-db/${name}`
const toxics = (proxy = 'checkout-db') => server.proxies.get(proxy)?.toxics
const deletions = () => server.calls.filter(({ method }) => method === 'DELETE')
/** Returns the job as the task's state restores it. */
const restored = (started: StartedJob): StartedJob => JSON.parse(JSON.stringify(started))
const start = async () => restored(await connected().start(slow()))
/** Lets the time of the fault pass, and polls once. */
const expired = async (started: StartedJob): Promise<StartedJob> => {
  advanceClock(30)
  const seen = await connected().poll(started, slow())
  expect(seen).toMatchObject({ status: 'injected', pollImmediately: true })
  expect(deletions()).toEqual([])
  return restored({ ...started, job: (seen as JobProgress).job })
}

const { server, connected: connect } = jobConformance(toxiproxy, experimentActions, jobRow, {
  states: { running: ['injected'], aborted: ['gone'], errored: ['lost'] },
  otherStates: ['removed'],
  // The states are those of the provider.
  unknownStates: [],
  unsupported: ['project', 'ref'],
  invalidStarts: [
    { name: 'no toxic', input: { parameters: undefined }, message: 'input.parameters.type' },
    { name: 'an unknown toxic', input: slow({ type: 'lag' }), message: 'input.parameters.type' },
    {
      name: 'an attribute of another toxic',
      input: slow({ attributes: { rate: 1 } }),
      message: 'contains "rate", but latency has only latency, jitter',
    },
    {
      name: 'an attribute that is not a number',
      input: slow({ attributes: { latency: 'much' } }),
      message: 'input.parameters.attributes',
    },
    { name: 'a toxicity of zero', input: slow({ toxicity: 0 }), message: 'input.parameters.toxicity' },
    {
      name: 'a fault that is too long',
      input: slow({ duration: 'PT12H1M' }),
      message: 'the connection allows at most 12 h',
    },
    { name: 'another field', input: slow({ name: 'x' }), message: 'input.parameters.name' },
    { name: 'onDeadline: leave', input: slow({}, { onDeadline: 'leave' }), message: 'a fault ends with its task' },
  ],
  forbidden: [
    {
      name: 'another proxy',
      input: { target: 'orders-db' },
      message: 'outside the blast radius: the connection allows checkout-db',
    },
    {
      name: 'a proxy that shares only a prefix',
      input: { target: 'checkout-db2' },
      message: 'outside the blast radius',
    },
  ],
  refused: [{ name: 'an unknown proxy', input: { target: 'away' }, reason: 'proxy not found' }],
  check: ['GET /version'],
  invalidIds: { ids: ['checkout-db', 'checkout-db/latency_downstream', name, `${id}-2`], message: 'data.id' },
})

describe('Toxiproxy: start', () => {
  test('adds the toxic with the name of the call and describes it', async () => {
    const attributes = { latency: '300', jitter: 20 }
    const { outcome } = await connected().start(slow({ stream: 'upstream', toxicity: '0.5', attributes }))
    expect(toxics()).toEqual([
      { name, type: 'latency', stream: 'upstream', toxicity: 0.5, attributes: { latency: 300, jitter: 20 } },
    ])
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

  test('is retried after a response that does not show whether the toxic exists', async () => {
    for (const strange of [{ status: 'UP' }, '<html>Log in</html>']) {
      server.failNext(200, strange, { on: 'GET' })
      await expectFailure(connected().start(slow(), { isRetry: true }), { kind: 'platform', transient: true })
    }
  })

  test('requires a task, because Toxiproxy never removes a toxic', () => {
    expect(toxiproxy.requiresTask).toBe(true)
  })
})

describe('Toxiproxy: poll', () => {
  test('reports the remaining time and limits the next interval', async () => {
    const running = await connected().pollAfter(slow(), () => advanceClock(12))
    const progress = 'latency downstream, latency 300, 18 s left'
    expect(running).toMatchObject({ status: 'injected', progress, maxSeconds: 18 })
    expect(toxics()).toHaveLength(1)
  })

  test('removes the toxic when the time is over and reports it', async () => {
    expect(await connected().end(await expired(await start()), slow())).toMatchObject({
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
    const started = await expired(await start())
    advanceClock(-20)
    server.loseNext('DELETE')
    await expectFailure(connected().poll(started, slow()), { transient: true })
    expect(await connected().end(started, slow())).toMatchObject({ result: 'pass', data: { state: 'removed' } })
  })

  test('passes if the toxic is missing after its time, because a stop at the end is not early', async () => {
    const started = await start()
    await connected().stop({ id })
    advanceClock(30)
    expect(await connected().end(started, slow())).toMatchObject({ result: 'pass', data: { state: 'removed' } })
  })

  test.each([
    [
      'a toxic that was removed early',
      () => connected().stop({ id }),
      'gone: it was removed early, by stop-test or manually',
    ],
    ['a Toxiproxy that has lost its proxies', () => server.proxies.remove('checkout-db'), 'has no proxy checkout-db'],
  ])('reports %s', async (_what, change, message) => {
    expect((await connected().endAfter(slow(), change)).message).toContain(message)
  })

  test.each([
    ['a failure', 503, { error: 'away', status: 503 }],
    ['a web page', 500, '<html><h1>Bad</h1></html>'],
    ['a 404 from a gateway', 404, '<html><h1>Not Found</h1></html>'],
    ['a success from a gateway', 200, '<html><h1>Welcome</h1></html>'],
  ])('does not end the fault after %s', async (_what, status, body) => {
    const started = await start()
    advanceClock(30)
    server.failNext(status, body, { on: 'GET' })
    await expectFailure(connected().poll(started, slow()), { transient: true })
    expect(await connected().end(await expired(started), slow())).toMatchObject({ data: { state: 'removed' } })
    expect(toxics()).toEqual([])
  })

  test('does not accept a removal that a gateway answered', async () => {
    const started = await expired(await start())
    server.failNext(404, 'Not Found', { on: 'DELETE' })
    await expectFailure(connected().poll(started, slow()), { transient: true })
    expect(toxics()).toHaveLength(1)
  })
})

test('Toxiproxy: a stop removes the toxic of the proxy in its id, once', async () => {
  await connected().start(slow({}, { target: 'cart-db' }))
  for (const message of ['Stopped fault', 'Fault'])
    expect((await connected().stop({ id: `cart-db/${name}` })).message).toMatch(`${message} cart-db/${name}`)
  expect(toxics('cart-db')).toEqual([])
  expect(deletions()).toHaveLength(1)
})

test('Toxiproxy: the cleanup of a failed task finds the toxic by the call alone', async () => {
  await connected().start(slow())
  for (let cleanups = 0; cleanups < 2; cleanups++) {
    await toxiproxy.cleanUp(connected().client(), { target: 'checkout-db' })
    expect(toxics()).toEqual([])
  }
})

test('Toxiproxy: sends the token of a gateway, which is a secret', async () => {
  const token = 'of-the-guard'
  await connected({ token }).start(slow())
  expect(server.calls[0]?.headers['authorization']).toBe(`Bearer ${token}`)
  expect(secretsIn(toxiproxy.connection, { token })).toEqual([token])
  server.failNext(400, { error: `no ${token}`, status: 400 })
  await expectFailure(connected({ token }).start(slow()), {}, 'no ***')
})
