import { createHash } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, createServer } from 'node:net'
import { hostname } from 'node:os'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { generate as makeCertificate } from 'selfsigned'
import { loadTesting } from '../../../functions/load-testing/index.ts'
import { autocannon } from '../../../functions/load-testing/providers/autocannon.ts'
import { type Reply, type Served, serve } from '../../../infra/platforms/loopback-server.ts'
import { secretsIn } from '../../../shared/fields.ts'
import type { Outcome } from '../../../shared/outcome.ts'
import type { StartedJob } from '../../../shared/providers/action.ts'
import type { Run } from '../../../shared/providers/job.ts'
import { isReserved, lookupPublic } from '../../../shared/vendors/load-generator/addresses.ts'
import { faultOf, isAllowed } from '../../../shared/vendors/load-generator/allowed-targets.ts'
import { generate, measure } from '../../../shared/vendors/load-generator/generator.ts'
import { nothing, type Plan } from '../../../shared/vendors/load-generator/plan.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { loadTest } from './load-test.ts'
import { startTable } from './table.ts'

let table: Awaited<ReturnType<typeof startTable>>
beforeAll(async () => {
  table = await startTable()
})
afterAll(() => table.close())

/** Each test of one key is its own. */
let key = 1
let shop: Served
let reply: () => Reply
beforeEach(async () => {
  key++
  reply = () => ({ status: 200, body: 'hello' })
  shop = await serve(() => reply())
})
afterEach(() => shop.close())

const secret = 'Bearer of-a-robot'
const connected = (fields: object = {}) => loadTest(autocannon, () => ({ allow: `${shop.url}/api`, ...fields }))
const target = () => `${shop.url}/api/cart?size=3`
const small = (parameters: object = {}, more: object = {}) => ({
  target: target(),
  parameters: { rate: 20, connections: 20, duration: 1, timeout: 1, ...parameters },
  ...more,
})
/** Its segments as they would be of a longer test. */
const cut = (begun: StartedJob, left: number[]): StartedJob => {
  const run = begun.job as Run & { providerState: object }
  return kept({ ...begun, job: { ...run, providerState: { ...run.providerState, left, of: left.length } } })
}
/** As it comes back from the state of a task. */
const kept = (begun: StartedJob): StartedJob => JSON.parse(JSON.stringify(begun))
const start = (tool: ReturnType<typeof connected>, input: object) => tool.start(input, { key: keyNow() })
const keyNow = () => createHash('sha1').update(String(key)).digest('hex')
/** As the task looks after it, to its end. */
const endOf = async (tool: ReturnType<typeof connected>, begun: StartedJob, input: object): Promise<Outcome> => {
  const look = await tool.poll(begun, input)
  return 'outcome' in look ? look.outcome : endOf(tool, goOn(begun, look), input)
}
const idOf = ({ job }: StartedJob) => (job as Run).id
const goOn = (begun: StartedJob, look: object): StartedJob => {
  if ('outcome' in look || !('job' in look)) throw new Error(`It has ended: ${JSON.stringify(look)}`)
  return kept({ ...begun, job: look.job })
}

describe('the connection', () => {
  test('masks the headers of credentials, and no others', () => {
    const headers = { authorization: secret, 'x-key': 'a-key-of-ours', 'x-env': 'production' }
    const secretHeaders = { 'x-team': 'the-secret-team' }
    expect(secretsIn(autocannon.connection, { headers, secretHeaders })).toEqual([
      ...[secret, 'a-key-of-ours', 'the-secret-team'],
    ])
  })

  test.each([
    ['nothing that may be called', { allow: [] }],
    ['credentials in a URL', { allow: 'https://user:pass@shop.example.com' }],
    ['a query in a URL', { allow: 'https://shop.example.com/?x=1' }],
    ['another scheme', { allow: 'ftp://shop.example.com' }],
    ['a rate over the bound of the code', { maxRate: 501 }],
    ['connections over the bound of the code', { maxConnections: 201 }],
    ['a duration over the bound of the code', { maxDuration: 'PT31M' }],
    ['a header that decides where a request ends', { headers: { 'Content-Length': '000000' } }],
    ['a header with a line break', { headers: { 'x-key': 'secret\r\nhost: x' } }],
  ])('is refused with %s', (_what, fields) => {
    expect(autocannon.connection.safeParse({ allow: 'https://shop.example.com', ...fields }).success).toBe(false)
  })

  test('takes durations as people write them', () => {
    const { maxDuration } = autocannon.connection.parse({
      allow: 'https://a.example.com,https://b.example.com',
      maxDuration: 'PT10M',
    })
    expect(maxDuration).toBe(600)
  })

  test('needs no platform', async () => {
    await autocannon.check()
    expect(shop.calls).toEqual([])
  })
})

describe('what may be called', () => {
  const allowed = ['https://shop.example.com/api/', 'http://127.0.0.1:8080']

  test.each([
    ['https://shop.example.com/api', true],
    ['https://shop.example.com/api/cart?x=1', true],
    ['https://SHOP.example.com:443/api/cart', true],
    ['http://127.0.0.1:8080/anything', true],
    ['https://shop.example.com/apis', false],
    ['https://shop.example.com/api/../admin', false],
    ['https://shop.example.com/', false],
    ['http://shop.example.com/api', false],
    ['https://shop.example.com:8443/api', false],
    ['https://shop.example.com.evil.example/api', false],
    ['http://127.0.0.1:9001/', false],
  ])('%s: %s', (url, expected) => {
    expect(isAllowed(new URL(url), allowed)).toBe(expected)
  })

  test.each([
    'shop.example.com/api',
    'https://user@shop.example.com/api',
    'https://shop.example.com@evil.example/api',
    'https://shop.example.com/api/%2e%2e%2fadmin',
    'https://shop.example.com/api/..%5Cadmin',
    'https://shop.example.com/api/%252e%252e/admin',
    'https://shop.example.com/api/%25252e%25252e/admin',
    'https://shop.example.com/api/%c0%ae%c0%ae/admin',
    'https://shop.example.com/api/%25c0%25af/admin',
    'https://shop.example.com/api/%e0%80%ae/admin',
    'https://shop.example.com/api/%f0%80%80%ae/admin',
    'https://shop.example.com/api/..;/admin',
    'https://shop.example.com/api/.;a=1/admin',
    'https://shop.example.com/api#x',
    'file:///etc/passwd',
  ])('%s is no target', (url) => {
    expect(faultOf(url)).toBeDefined()
  })

  test.each([
    ['127.0.0.1', true],
    ['0.0.0.0', true],
    ['169.254.169.254', true],
    ['169.254.170.2', true],
    ['::1', true],
    ['fe80::1', true],
    ['fd00:ec2::254', true],
    ['::ffff:169.254.169.254', true],
    ['64:ff9b::a9fe:a9fe', true],
    ['64:ff9b::808:808', false],
    ['64:ff9b:1::a9fe:a9fe', true],
    ['64:ff9b:1:7f00:1::', true],
    ['::127.0.0.1', true],
    ['::169.254.169.254', true],
    ['::ffff:0:127.0.0.1', true],
    ['::ffff:0:a9fe:a9fe', true],
    ['::ffff:0:808:808', false],
    ['10.1.2.3', false],
    ['192.168.1.1', false],
    ['fd12::1', false],
    ['93.184.215.14', false],
    ['2606:2800:21f::1', false],
  ])('a name that leads to %s is refused: %s', (address, expected) => {
    expect(isReserved(address)).toBe(expected)
  })

  test.each(['https://shop.example.com/api/100%25', 'https://shop.example.com/api/caf%C3%A9/%E2%82%AC/%F0%9F%9A%80'])(
    '%s is a target',
    (url) => {
      expect(faultOf(url)).toBeUndefined()
    },
  )

  test('a name that leads to an address like that is not looked up for a call', async () => {
    const found = (name: string) =>
      new Promise((resolve) => lookupPublic(name, { all: true }, (error, list) => resolve(error?.message ?? list)))
    expect(await found('169.254.169.254')).toBe(
      '169.254.169.254 leads to 169.254.169.254, which is called only where the connection allows that address',
    )
    expect(await found('10.1.2.3')).toEqual([{ address: '10.1.2.3', family: 4 }])
  })

  test('a name that leads to this machine is not called, though it is allowed', async () => {
    const target = `http://${hostname()}:${new URL(shop.url).port}/api`
    const leadsTo = await lookup(hostname()).catch(() => undefined)
    const input = { ...small({ rate: 2 }), target }
    const tool = connected({ allow: target })
    const ended = await endOf(tool, await start(tool, input), input)
    expect(ended).toMatchObject({ result: 'fail' })
    if (leadsTo && isReserved(leadsTo.address)) expect(ended.message).toContain('which is called only where')
    expect(shop.calls).toEqual([])
  })

  test('localhost is called where it is allowed', async () => {
    const name = `http://localhost:${new URL(shop.url).port}/api`
    const tool = connected({ allow: name })
    const input = { ...small({ rate: 2 }), target: name }
    expect(await endOf(tool, await start(tool, input), input)).toMatchObject({ result: 'pass' })
  })
})

describe('a start', () => {
  test('sends nothing, and says what will be', async () => {
    const begun = await connected().start(small({ method: 'POST', body: '{}', duration: 'PT2M', rate: '50' }))
    expect(begun.outcome).toMatchObject({ status: 'succeeded', result: 'pass', data: { id: keyOf(1).slice(0, 20) } })
    expect(begun.outcome.message).toBe(
      `Started load test ${keyOf(1).slice(0, 20)}: 50 requests/s of POST ${target()} for 2 min, on at most 20 connections`,
    )
    expect(shop.calls).toEqual([])
  })

  test('takes the target from the connection', async () => {
    const { outcome } = await connected({ target: target() }).start({})
    expect(outcome.message).toContain(`10 requests/s of GET ${target()} for 30 s, on at most 10 connections`)
  })

  test('keeps no secret header in what is kept of it', async () => {
    const begun = await connected({ headers: { authorization: secret } }).start(small())
    expect(JSON.stringify(begun)).not.toContain(secret)
  })

  test.each([
    ['a rate over the cap', { rate: 51 }, 'input.parameters.rate is 51, and the connection allows at most 50'],
    [
      'connections over the cap',
      { connections: 51 },
      'input.parameters.connections is 51, and the connection allows at most 50',
    ],
    [
      'a duration over the cap',
      { duration: 'PT6M' },
      'input.parameters.duration is 360, and the connection allows at most 5 min',
    ],
    ['a duration that is none', { duration: 'long' }, 'input.parameters.duration'],
    ['no rate at all', { rate: 0 }, 'input.parameters.rate'],
    ['a parameter that is not known', { rte: 5 }, 'Did you mean "rate"?'],
    ['a method that is none', { method: 'BREW' }, 'input.parameters.method'],
    ['a body with GET', { body: 'x' }, 'input.parameters.body is of no use with GET'],
    ['a body that is too large', { method: 'POST', body: 'x'.repeat(8_193) }, 'input.parameters.body'],
    ['a header of its own', { headers: { Host: 'evil.example' } }, 'input.parameters.headers'],
    ['a status that is none', { expect: '200,ok' }, 'input.parameters.expect'],
  ])('is refused at the door with %s', async (_what, parameters, message) => {
    const failure = await failureOf(connected().start(small(parameters)))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
  })

  test.each([
    ['a target that is not allowed', { target: 'https://elsewhere.example.com/api' }, 'allows what is below http'],
    ['the metadata of the cloud', { target: 'http://169.254.169.254/latest/meta-data' }, 'is not allowed'],
    ['another way to write this machine', { target: 'http://2130706433/api' }, 'is not allowed'],
    ['a target that is none', { target: 'checkout' }, 'write it like https://'],
    ['a project', { project: 'shop' }, 'input.project is of no use'],
    ['a ref', { ref: 'main' }, 'input.ref is of no use'],
    ['a wish that it be left', { onDeadline: 'leave' }, 'does not outlive its task: write stop'],
  ])('is refused at the door with %s', async (_what, input, message) => {
    const failure = await failureOf(connected().start({ ...small(), ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
  })

  test('is for tasks only', () => {
    expect(autocannon.requiresTask).toBe(true)
  })
})

describe('a stop', () => {
  test('ends a test before its next segment, with what was measured until then', async () => {
    const first = cut(await start(connected(), small({ rate: 10 })), [1, 1, 1])
    const look = await connected().poll(first, small())
    expect(await connected().stop({ id: idOf(first) })).toMatchObject({ message: 'still stopping' })
    const ended = await connected().end(goOn(first, look), small())
    expect(ended).toMatchObject({ status: 'aborted', result: 'fail', data: { state: 'stopped', requests: 10 } })
    expect(shop.calls).toHaveLength(10)
    expect(await connected().stop({ id: idOf(first) })).toMatchObject({
      result: 'pass',
      message: expect.stringContaining('had ended already (stopped)'),
    })
    // As after a crash before the look was kept: it must not begin again.
    expect(await connected().end(goOn(first, look), small())).toMatchObject({ status: 'aborted' })
    expect(shop.calls).toHaveLength(10)
  })

  test('of what has ended passes and says so, whatever it ended with', async () => {
    const begun = await start(connected(), small({ rate: 2 }))
    await endOf(connected(), begun, small())
    expect(await connected().stop({ id: idOf(begun) })).toMatchObject({
      result: 'pass',
      message: `Load test ${idOf(begun)} had ended already (finished)`,
    })
  })

  test('that comes after the last segment changes nothing', async () => {
    const begun = await start(connected(), small({ rate: 2 }))
    const look = await connected().poll(begun, small())
    await connected().stop({ id: idOf(begun) })
    expect(await connected().end(goOn(begun, look), small())).toMatchObject({ status: 'succeeded', result: 'pass' })
  })

  test('before the first segment sends nothing at all', async () => {
    const begun = await start(connected(), small())
    await connected().stop({ id: idOf(begun) })
    expect(await connected().end(begun, small())).toMatchObject({ status: 'aborted', data: { requests: 0 } })
    expect(shop.calls).toEqual([])
  })

  test('of one that is not there says so', async () => {
    const failure = await failureOf(connected().stop({ id: 'x' }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('There is no load test x here') })
  })

  test('is seen to be over where its task is no more', async () => {
    const begun = await start(connected(), small())
    await connected().stop({ id: idOf(begun) })
    await autocannon.cleanUp(connected().client({ key: keyNow() }))
    expect(await connected().stop({ id: idOf(begun) })).toMatchObject({
      message: expect.stringContaining('had ended already (stopped)'),
    })
  })

  test('waits for the table where that is down, and so does the test', async () => {
    const begun = await start(connected(), small())
    process.env['WEBHOOKS_STATE_TABLE'] = 'elsewhere'
    for (const call of [connected().poll(begun, small()), connected().stop({ id: idOf(begun) })])
      expect(await failureOf(call)).toMatchObject({ kind: 'unavailable', transient: true })
    process.env['WEBHOOKS_STATE_TABLE'] = 'runs'
    expect(shop.calls).toEqual([])
  })
})

describe('a test', () => {
  test('sends what was asked for, with the headers of both, and measures it', async () => {
    const input = small({ method: 'PUT', body: 'käse', headers: { 'X-Tenant': 'a', Authorization: 'of the caller' } })
    const tool = connected({ headers: { authorization: secret } })
    const ended = await endOf(tool, await start(tool, input), input)
    expect(shop.calls).toHaveLength(20)
    expect(shop.calls[0]).toMatchObject({ method: 'PUT', path: '/api/cart', body: 'käse' })
    expect(shop.calls[0]?.query.get('size')).toBe('3')
    expect(shop.calls[0]?.headers).toMatchObject({ 'x-tenant': 'a', authorization: secret, 'content-length': '5' })
    expect(ended).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      data: {
        ...{
          state: 'finished',
          requests: 20,
          errors: 0,
          rps: 20,
          errorRate: 0,
          throughput: 100,
          statuses: { 200: 20 },
        },
        ...{ timeouts: 0, dropped: 0 },
      },
    })
    const { mean, p50, p90, p95, p99, max } = ended.data as Record<string, number>
    const ordered = [p50, p90, p95, p99, max].map(Number)
    expect(ordered).toEqual([...ordered].sort((a, b) => a - b))
    expect(Number(mean)).toBeGreaterThan(0)
    expect(ended.message).not.toContain('failed')
  })

  test('is held against thresholds by their names', async () => {
    const thresholds = [
      { metric: 'p95', op: '<', value: 60_000 },
      { metric: 'rps', op: '>=', value: 20 },
      { metric: 'errorRate', op: '<', value: 0.01 },
      { metric: 'requests', op: '>', value: 1_000 },
    ]
    const ended = await endOf(connected(), await start(connected(), small()), small({}, { thresholds }))
    expect(ended).toMatchObject({ result: 'fail', message: expect.stringContaining('requests is 20, not > 1000') })
    expect((ended.data as { thresholds: { result: string }[] }).thresholds.map(({ result }) => result)).toEqual([
      'pass',
      'pass',
      'pass',
      'fail',
    ])
  })

  test('takes for success what is expected, and follows no redirect', async () => {
    reply = () => ({ status: 302, headers: { location: `${shop.url}/secret` } })
    const moved = await endOf(connected(), await start(connected(), small({ rate: 2 })), small())
    expect(moved).toMatchObject({
      result: 'fail',
      data: { state: 'failed', statuses: { 302: 2 }, errorRate: 1, firstFailure: 'status 302' },
    })
    const input = small({ rate: 2, expect: '302, 404' })
    expect(await endOf(connected(), await start(connected(), input), input)).toMatchObject({ result: 'pass' })
    expect(shop.calls.map(({ path }) => path)).not.toContain('/secret')
  })

  test('counts what failed, and passes as long as anything succeeds', async () => {
    let calls = 0
    reply = () => ({ status: ++calls % 4 === 0 ? 503 : 200 })
    const ended = await endOf(connected(), await start(connected(), small()), small())
    expect(ended).toMatchObject({ result: 'pass', data: { errors: 5, errorRate: 0.25, statuses: { 200: 15, 503: 5 } } })
    expect(ended.message).toContain('5 of 20 requests failed, the first with: status 503')
  })

  test('fails with the first reason where nothing succeeds, and is not gone on with', async () => {
    shop.down()
    const begun = cut(await start(connected(), small({ rate: 2 })), [1, 1, 1])
    const ended = await endOf(connected(), begun, small())
    expect(ended).toMatchObject({ status: 'succeeded', result: 'fail', data: { state: 'failed', errorRate: 1 } })
    expect(ended.message).toContain('2 of 2 requests failed, the first with: socket hang up')
    expect(ended.data).not.toHaveProperty('p95')
  })

  test('tries a target that refuses connections no more often than it was asked to', async () => {
    let connections = 0
    const closing = createServer((socket) => {
      connections++
      socket.destroy()
    })
    await once(closing.listen(0, '127.0.0.1'), 'listening')
    const target = `http://127.0.0.1:${(closing.address() as AddressInfo).port}/`
    const tool = connected({ allow: target })
    const input = { ...small({ rate: 5 }), target }
    await endOf(tool, await start(tool, input), input)
    closing.close()
    expect(connections).toBe(5)
  })

  test('counts those without an answer in time, with the time that was waited', async () => {
    shop.hang()
    const input = small({ rate: 2, connections: 2 })
    const ended = await endOf(connected(), await start(connected(), input), input)
    expect(ended).toMatchObject({ result: 'fail', data: { timeouts: 2, errorRate: 1 } })
    expect(ended.message).toContain('no answer in 1 s')
    expect(Number((ended.data as { p50: number }).p50)).toBeGreaterThanOrEqual(990)
  })

  test('opens no more connections than it may, and drops what is due meanwhile', async () => {
    shop.hang()
    const input = small({ rate: 20, connections: 3 })
    const ended = await endOf(connected(), await start(connected(), input), input)
    const { requests, dropped } = ended.data as { requests: number; dropped: number }
    expect(requests).toBe(shop.calls.length)
    expect(requests + dropped).toBe(20)
    expect(requests).toBeLessThanOrEqual(6)
  })
})

describe('a test of several segments', () => {
  test('runs one with each look, at once after each other, and adds them up', async () => {
    const first = cut(await start(connected(), small({ rate: 10 })), [1, 1])
    const look = await connected().poll(first, small())
    expect(look).toMatchObject({ status: 'running', progress: 'segment 1 of 2, 10 requests', pollImmediately: true })
    const ended = await endOf(connected(), goOn(first, look), small())
    expect(ended).toMatchObject({ result: 'pass', data: { requests: 20, rps: 10, statuses: { 200: 20 } } })
  })

  test('is cut so that each is short', async () => {
    const { job: pending } = await connected().start(small({ duration: 40 }))
    expect((pending as Run).providerState).toMatchObject({ left: [15, 15, 10], of: 3 })
  })

  test('counts a segment once that was cut off and run again', async () => {
    const begun = cut(await start(connected(), small({ rate: 5 })), [1, 1])
    await connected().poll(begun, small())
    const look = await connected().poll(begun, small())
    const ended = await endOf(connected(), goOn(begun, look), small())
    expect(ended.data).toMatchObject({ requests: 10 })
    expect(shop.calls).toHaveLength(15)
  })

  test('keeps little from one look to the next', async () => {
    const begun = cut(await start(connected(), small({ rate: 50, connections: 50 })), [1, 1])
    const look = await connected().poll(begun, small())
    expect(JSON.stringify(look).length).toBeLessThan(2_000)
  })
})

test('certificates are verified, against that of the connection as well', async () => {
  const names = [{ type: 7, ip: '127.0.0.1' } as const]
  const { cert, private: key } = await makeCertificate([{ name: 'commonName', value: '127.0.0.1' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: names }],
  })
  const secure = createSecureServer({ key, cert }, (_request, response) => response.end('hello'))
  await once(secure.listen(0, '127.0.0.1'), 'listening')
  const url = `https://127.0.0.1:${(secure.address() as AddressInfo).port}/`
  const plan: Plan = { url, method: 'GET', headers: {}, rate: 2, connections: 2, timeout: 5, expect: [] }
  const refused = await generate(plan, 1, nothing, { headers: { authorization: secret } })
  expect(refused).toMatchObject({ succeeded: 0, firstFailure: expect.stringContaining('certificate is not trusted') })
  expect(measure(await generate(plan, 1, nothing, { ca: cert }))).toMatchObject({ requests: 2, errors: 0 })
  secure.closeAllConnections()
  secure.close()
})

test('the category has it', async () => {
  expect(await loadTesting.providers['autocannon']?.()).toBe(autocannon)
})
