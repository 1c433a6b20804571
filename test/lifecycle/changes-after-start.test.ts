import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { featureFlags } from '../../functions/feature-flags/index.ts'
import { loadTesting } from '../../functions/load-testing/index.ts'
import { ok, type Served, serve } from '../../infra/testing/loopback-server.ts'
import { changeStops, readStops } from '../../shared/core/stops.ts'
import { hmacHex } from '../../shared/hmac.ts'
import { getStops, replaceStops } from '../../shared/state/stops.ts'
import { flagRow } from '../functions/feature-flags/unleash/fake.ts'
import { startEach } from '../functions/helpers.ts'
import { Lifecycle, triggered } from './lifecycle.ts'
import { passTime } from './runner.ts'

const IDENTITY_KEY = 'an-identity-key-of-the-tests-0123456789'
const jane = { id: 'incident', reason: 'bad release', by: 'jane@example.com', at: 0 }
const stop = (more: object = {}) => changeStops(() => [{ ...jane, ...more }])
const resume = () => changeStops(() => [])
const isWrite = ({ method }: { method: string }) => method !== 'GET'

/** Stops everything as another process: this one keeps the stops that it has read. */
async function stopElsewhere(): Promise<void> {
  const before = await getStops()
  const version = (before?.version ?? 0) + 1
  const stops = JSON.stringify([jane])
  const seal = hmacHex(IDENTITY_KEY, `stops ${version} ${stops}`)
  expect(await replaceStops({ version, stops, seal }, before)).toBe(true)
}

const lifecycle = new Lifecycle({
  ...featureFlags,
  actions: { ...featureFlags.actions, ...loadTesting.actions },
  providers: { ...featureFlags.providers, ...loadTesting.providers },
})
beforeAll(async () => {
  await lifecycle.start()
})
beforeEach(async () => {
  await resume()
})
afterAll(() => lifecycle.close())

let connections = 0
/** Stores a connection, and returns its name. Secrets are cached, so each test has its own. */
function connect(provider: string, fields: object): string {
  const name = `${provider}-${++connections}`
  lifecycle.connect(name, { provider, ...fields })
  return name
}

describe('A flag whose platform asks people for an approval', () => {
  const unleash = startEach(async () => {
    const { server, connection } = await flagRow.start()
    server.state.guarded = ['production']
    return { server, connection, close: server.close }
  })

  const isOn = () => unleash.server.state.flags['checkout-v2']?.environments['production']?.enabled

  /** Sets a flag. When its change request is polled, people stop the action, and approve the request at the platform. */
  async function approveDuring(then: () => Promise<unknown>, wait = 'PT2H') {
    const connection = connect('unleash', unleash.connection)
    let polls = 0
    let writes: string[] = []
    const task = await lifecycle.accept(`set-flag?connection=${connection}&deadline=${wait}`, {
      input: { flag: 'checkout-v2', state: 'on' },
    })
    const ended = await lifecycle.run(task, {
      async onCheckpoint(name) {
        if (!/poll RETRY/.test(name)) return
        polls++
        if (polls === 1) {
          await stop()
          unleash.server.calls.length = 0
          unleash.server.requests.change(1, { state: 'Approved' })
        }
        if (polls === 3) {
          writes = unleash.server.calls.filter(isWrite).map(({ path }) => path)
          await then()
        }
      },
    })
    return { ended, writes }
  }

  it('is not changed during a stop, and is changed after it', async () => {
    const { ended, writes } = await approveDuring(resume)
    expect({ writes, isOn: isOn() }).toEqual({ writes: [], isOn: true })
    expect(ended.outcome).toMatchObject({ status: 'succeeded', result: 'pass' })
  })

  it('is not changed by a task that ends during a stop, whose result says who has stopped it', async () => {
    const { ended } = await approveDuring(async () => undefined, 'PT1H')
    expect(isOn()).toBe(false)
    expect(ended.outcome).toMatchObject({
      status: 'errored',
      message: expect.stringContaining('not changed: Stopped by jane@example.com: bad release'),
    })
  })

  it('is not changed by a silent call during a stop', async () => {
    const connection = connect('unleash', unleash.connection)
    await readStops()
    await stopElsewhere()
    // The stop is in force when the request waits for its approval, which people give.
    unleash.server.replaceNext(({ method, path }) => {
      if (method === 'PUT' && path.endsWith('/state')) passTime(6)
      if (method === 'GET' && path.endsWith('/1')) unleash.server.requests.change(1, { state: 'Approved' })
      return false
    })
    const { status, body } = await lifecycle.post(`set-flag?connection=${connection}`, {
      ...triggered(),
      input: { flag: 'checkout-v2', state: 'on' },
    })
    expect([status, body.result, isOn()]).toEqual([200, 'warning', false])
    expect(unleash.server.requests.get(1)?.state).toBe('Approved')
  })
})

describe('Several flags', () => {
  let patched: string[] = []
  let onPatch: () => Promise<unknown>

  /** LaunchDarkly, with flags that are off. */
  async function launchDarkly(): Promise<Served> {
    patched = []
    return serve(async ({ method, path }) => {
      const key = path.split('/').at(-1) ?? ''
      if (method === 'PATCH') {
        patched.push(key)
        await onPatch()
      }
      const variations = [true, false].map((value, index) => ({ _id: String(index), value }))
      const environments = { production: { on: patched.includes(key), fallthrough: { variation: 0 } } }
      return ok({ key, variations, environments })
    })
  }

  it.each([
    ['silent', (target: string, event: object) => lifecycle.post(target, event).then(({ body }) => body)],
    ['interactive', (target: string, event: object) => lifecycle.call(target, event).then(({ outcome }) => outcome)],
  ])('are changed up to a stop, and the result of the %s call names the others', async (_mode, call) => {
    const server = await launchDarkly()
    onPatch = async () => (patched.length === 2 ? stop({ end: true }) : undefined)
    const token = 'api-0123456789abcdef'
    const place = { project: 'shop', environment: 'production' }
    const connection = connect('launchdarkly', { baseUrl: server.url, token, ...place })
    const input = { flags: ['a', 'b', 'c', 'd'], state: 'on' }
    const outcome = await call(`set-flags?connection=${connection}`, { ...triggered(), input })
    await server.close()
    expect(patched).toEqual(['a', 'b'])
    const failed = 'Not changed: Stopped by jane@example.com: bad release'
    expect(outcome).toMatchObject({ result: 'fail', data: { flags: [{}, {}, { failed }, { failed }] } })
  })
})

describe('The built-in load generator', () => {
  it('sends nothing if people stop it before a start is repeated after a crash', async () => {
    const shop = await serve(() => ok({}))
    lifecycle.connect('built-in', { provider: 'autocannon', allow: shop.url })
    const input = { target: `${shop.url}/`, parameters: { rate: 5, duration: 1 } }
    const meanwhile = async () => void (await stop({ end: true }))
    const { outcome } = await lifecycle.call(
      'start-test?connection=built-in&deadline=PT1H',
      { input },
      { interruption: { checkpoint: 'start SUCCEED', isRecorded: false, effect: 'crash', meanwhile } },
    )
    await shop.close()
    expect({ requests: shop.calls, result: outcome?.result }).toEqual({ requests: [], result: 'fail' })
    expect(outcome?.message).toContain('Stopped by jane@example.com: bad release')
  })
})
