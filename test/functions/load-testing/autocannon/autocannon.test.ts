import { createHash } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { createServer as createSecureServer } from 'node:https'
import { createServer } from 'node:net'
import { hostname } from 'node:os'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { autocannon } from '../../../../functions/load-testing/autocannon/autocannon.ts'
import { type Reply, serve } from '../../../../infra/testing/loopback-server.ts'
import { secretsIn } from '../../../../shared/fields.ts'
import type { Outcome } from '../../../../shared/outcome.ts'
import type { StartedJob } from '../../../../shared/providers/action.ts'
import type { Run } from '../../../../shared/providers/job.ts'
import { isReserved } from '../../../../shared/vendors/load-generator/addresses.ts'
import { generate, measure } from '../../../../shared/vendors/load-generator/generator.ts'
import { EMPTY_TALLY, type Plan } from '../../../../shared/vendors/load-generator/plan.ts'
import { certificate } from '../../../certificate.ts'
import { listen } from '../../../listen.ts'
import { expectFailure, keyOf, startEach, startOnce } from '../../helpers.ts'
import { Job } from '../../job.ts'
import { loadTestActions } from '../../job-actions.ts'
import { startTable } from '../table.ts'

startOnce(startTable)

/** Each test has its own idempotency key. */
let key = 1
let reply: () => Reply
beforeEach(() => {
  key++
  reply = () => ({ status: 200, body: 'hello' })
})
const shop = startEach(() => serve(() => reply()))

const secret = 'Bearer of-a-robot'
const connected = (fields: object = {}) =>
  new Job(autocannon, loadTestActions, () => ({ allow: `${shop.url}/api`, ...fields }))
const target = () => `${shop.url}/api/cart?size=3`
const given = (parameters: object) => ({
  parameters: { rate: 20, connections: 20, duration: 1, timeout: 30, ...parameters },
})
const small = (parameters: object = {}, more: object = {}) => ({ target: target(), ...given(parameters), ...more })
/** Returns the job as the task's state restores it. */
const restored = (started: StartedJob): StartedJob => JSON.parse(JSON.stringify(started))
/** A test takes a twentieth of its time: a segment of one second takes 50 ms. */
const SPEED = 20
const start = async (input: object = small(), segments = 1, tool = connected()): Promise<StartedJob> => {
  const started = await tool.start(input, { key: keyNow() })
  const run = started.job as Run & { providerState: { plan: Plan } }
  const { plan, ...state } = run.providerState
  const faster = { ...plan, rate: plan.rate * SPEED, timeout: plan.timeout / SPEED }
  const providerState = { ...state, plan: faster, left: Array(segments).fill(1 / SPEED), of: segments }
  return restored({ ...started, job: { ...run, providerState } })
}
const keyNow = () => createHash('sha1').update(String(key)).digest('hex')
/** Polls until the test ends. */
const endOf = async (started: StartedJob, input: object = small(), tool = connected()): Promise<Outcome> => {
  const polled = await tool.poll(started, input)
  return 'outcome' in polled ? polled.outcome : endOf(withJob(started, polled), input, tool)
}
const run = async (input: object = small(), tool = connected()) => endOf(await start(input, 1, tool), input, tool)
const idOf = ({ job }: StartedJob) => (job as Run).id
const withJob = (started: StartedJob, result: object): StartedJob => {
  if ('outcome' in result || !('job' in result)) throw new Error(`The test has ended: ${JSON.stringify(result)}`)
  return restored({ ...started, job: result.job })
}

test('Built-in generator: connection only the headers of credentials are secrets', () => {
  const headers = { authorization: secret, 'x-key': 'a-key-of-ours', 'x-env': 'production' }
  const secretHeaders = { 'x-team': 'the-secret-team' }
  expect(secretsIn(autocannon.connection, { headers, secretHeaders })).toEqual([
    secret,
    'a-key-of-ours',
    'the-secret-team',
  ])
})

test.each([
  ['an empty allow', { allow: [] }],
  ['credentials in a URL', { allow: 'https://user:pass@shop.example.com' }],
  ['a query in a URL', { allow: 'https://shop.example.com/?x=1' }],
  ['another scheme', { allow: 'ftp://shop.example.com' }],
  ['a rate over the upper limit', { maxRate: 501 }],
  ['too many connections', { maxConnections: 201 }],
  ['a duration over the upper limit', { maxDuration: 'PT31M' }],
  ['a header that decides where a request ends', { headers: { 'Content-Length': '000000' } }],
  ['a header with a line break', { headers: { 'x-key': 'secret\r\nhost: x' } }],
])('Built-in generator: connection rejects %s', (_what, fields) => {
  expect(autocannon.connection.safeParse({ allow: 'https://shop.example.com', ...fields }).success).toBe(false)
})

describe('Built-in generator: allowed targets', () => {
  test('does not call a name that resolves to this machine, even if it is allowed', async () => {
    const target = `http://${hostname()}:${new URL(shop.url).port}/api`
    const leadsTo = await lookup(hostname()).catch(() => undefined)
    const input = { ...small({ rate: 2 }), target }
    const ended = await run(input, connected({ allow: target }))
    expect(ended).toMatchObject({ result: 'fail' })
    if (leadsTo && isReserved(leadsTo.address)) expect(ended.message).toContain('which the connection must allow')
    expect(shop.calls).toEqual([])
  })

  test('calls localhost if it is allowed', async () => {
    const name = `http://localhost:${new URL(shop.url).port}/api`
    const input = { ...small({ rate: 2 }), target: name }
    expect(await run(input, connected({ allow: name }))).toMatchObject({ result: 'pass' })
  })
})

describe('Built-in generator: start', () => {
  test('sends no requests, and describes the load', async () => {
    const started = await connected().start(small({ method: 'POST', body: '{}', duration: 'PT2M', rate: '50' }))
    expect(started.outcome).toMatchObject({ status: 'succeeded', result: 'pass', data: { id: keyOf(1).slice(0, 20) } })
    expect(started.outcome.message).toBe(
      `Started load test ${keyOf(1).slice(0, 20)}: 50 requests/s of POST ${target()} for 2 min, on at most 20 connections`,
    )
    expect(shop.calls).toEqual([])
  })

  test('takes the target from the connection', async () => {
    const { outcome } = await connected({ target: target() }).start({})
    expect(outcome.message).toContain(`10 requests/s of GET ${target()} for 30 s, on at most 10 connections`)
  })

  test('saves no secret header in the state of the task', async () => {
    const started = await connected({ headers: { authorization: secret } }).start(small())
    expect(JSON.stringify(started)).not.toContain(secret)
  })

  const named = (name: string) => `input.parameters.${name}`
  test.each<[what: string, input: object, message: string]>([
    ['a rate over the limit', given({ rate: 51 }), `${named('rate')} is 51, but the connection allows at most 50`],
    ['too many connections', given({ connections: 51 }), 'connections is 51, but the connection allows at most 50'],
    ['a long duration', given({ duration: 'PT6M' }), 'duration is 360, but the connection allows at most 5 min'],
    ['an invalid duration', given({ duration: 'long' }), named('duration')],
    ['a rate of zero', given({ rate: 0 }), named('rate')],
    ['an unknown parameter', given({ rte: 5 }), 'Did you mean "rate"?'],
    ['an unknown method', given({ method: 'BREW' }), named('method')],
    ['a body with GET', given({ body: 'x' }), `${named('body')} is not supported with GET`],
    ['a body that is too large', given({ method: 'POST', body: 'x'.repeat(8_193) }), named('body')],
    ['a reserved header', given({ headers: { Host: 'evil.example' } }), named('headers')],
    ['an invalid status', given({ expect: '200,ok' }), named('expect')],
    ['a target that is not allowed', { target: 'https://elsewhere.example.com/api' }, 'allows URLs below http'],
    ['the cloud metadata service', { target: 'http://169.254.169.254/latest/meta-data' }, 'is not allowed'],
    ['another spelling of this machine', { target: 'http://2130706433/api' }, 'is not allowed'],
    ['an invalid target', { target: 'checkout' }, 'must be a URL such as https://'],
    ['a project', { project: 'shop' }, 'input.project is not supported'],
    ['a ref', { ref: 'main' }, 'input.ref is not supported'],
    ['onDeadline: leave', { onDeadline: 'leave' }, 'must be stop: a load test ends with its task'],
  ])('rejects %s before the call is accepted', async (_what, input, message) => {
    await expectFailure(connected().start({ ...small(), ...input }), { kind: 'invalid', status: 400 }, message)
  })

  test('requires a task', () => {
    expect(autocannon.requiresTask).toBe(true)
  })
})

describe('Built-in generator: stop', () => {
  const stop = (started: StartedJob) => connected().stop({ id: idOf(started) })
  const end = (started: StartedJob) => connected().end(started, small())
  const hadEnded = (state: string) => ({
    result: 'pass',
    message: expect.stringContaining(`had ended already (${state})`),
  })

  test('ends a test before its next segment, with its measurements so far', async () => {
    const first = await start(small({ rate: 10 }), 3)
    const polled = withJob(first, await connected().poll(first, small()))
    expect(await stop(first)).toMatchObject({ message: 'still stopping' })
    const ended = { status: 'aborted', result: 'fail', data: { state: 'stopped', requests: 10 } }
    expect(await end(polled)).toMatchObject(ended)
    expect(await stop(first)).toMatchObject(hadEnded('stopped'))
    // The second poll simulates a crash before the first was saved: the test must not start again.
    expect(await end(polled)).toMatchObject({ status: 'aborted' })
    expect(shop.calls).toHaveLength(10)
  })

  test('changes nothing after the last segment, and passes for a test that has ended', async () => {
    const started = await start(small({ rate: 2 }))
    const polled = withJob(started, await connected().poll(started, small()))
    await stop(started)
    expect(await end(polled)).toMatchObject({ status: 'succeeded', result: 'pass' })
    expect(await stop(started)).toMatchObject(hadEnded('finished'))
  })

  test('before the first segment, no request is sent', async () => {
    const started = await start()
    await stop(started)
    expect(await end(started)).toMatchObject({ status: 'aborted', data: { requests: 0 } })
    expect(shop.calls).toEqual([])
  })

  test('reports an unknown test', async () => {
    await expectFailure(connected().stop({ id: 'x' }), 'refused', 'Unknown load test x.')
  })

  test('is reported as stopped if its task no longer exists', async () => {
    const started = await start()
    await stop(started)
    await autocannon.cleanUp(connected().client({ key: keyNow() }))
    expect(await stop(started)).toMatchObject(hadEnded('stopped'))
  })

  test('is transient while the table is down, and so is the test', async () => {
    const started = await start()
    process.env['WEBHOOKS_STATE_TABLE'] = 'elsewhere'
    for (const call of [connected().poll(started, small()), stop(started)])
      await expectFailure(call, { kind: 'unavailable', transient: true })
    process.env['WEBHOOKS_STATE_TABLE'] = 'runs'
    expect(shop.calls).toEqual([])
  })
})

describe('Built-in generator: test', () => {
  test('sends the requests evenly with the headers of call and connection, and measures them', async () => {
    const input = small({ method: 'PUT', body: 'käse', headers: { 'X-Tenant': 'a', Authorization: 'of the caller' } })
    const sentAt = performance.now()
    const ended = await run(input, connected({ headers: { authorization: secret } }))
    // Nineteen pauses between twenty requests.
    expect(performance.now() - sentAt).toBeGreaterThan((18 * 50) / SPEED)
    expect(shop.calls).toHaveLength(20)
    expect(shop.calls[0]).toMatchObject({ method: 'PUT', path: '/api/cart', body: 'käse' })
    expect(shop.calls[0]?.query.get('size')).toBe('3')
    expect(shop.calls[0]?.headers).toMatchObject({ 'x-tenant': 'a', authorization: secret, 'content-length': '5' })
    expect(ended).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      data: {
        state: 'finished',
        requests: 20,
        errors: 0,
        rps: 400,
        errorRate: 0,
        throughput: 2_000,
        statuses: { 200: 20 },
        timeouts: 0,
        dropped: 0,
      },
    })
    const { mean, p50, p90, p95, p99, max } = ended.data as Record<string, number>
    const ordered = [p50, p90, p95, p99, max].map(Number)
    expect(ordered).toEqual([...ordered].sort((a, b) => a - b))
    expect(Number(mean)).toBeGreaterThan(0)
    expect(ended.message).not.toContain('failed')
  })

  test('is judged by thresholds', async () => {
    const thresholds = [
      { metric: 'p95', op: '<', value: 60_000 },
      { metric: 'rps', op: '>=', value: 400 },
      { metric: 'errorRate', op: '<', value: 0.01 },
      { metric: 'requests', op: '>', value: 1_000 },
    ]
    const message = expect.stringMatching(/: requests is 20, not > 1000$/)
    expect(await endOf(await start(), small({}, { thresholds }))).toMatchObject({ result: 'fail', message })
  })

  test('counts expected statuses as success, and follows no redirects', async () => {
    reply = () => ({ status: 302, headers: { location: `${shop.url}/secret` } })
    const moved = await run(small({ rate: 2 }))
    expect(moved).toMatchObject({
      result: 'fail',
      data: { state: 'failed', statuses: { 302: 2 }, errorRate: 1, firstFailure: 'status 302' },
    })
    const input = small({ rate: 2, expect: '302, 404' })
    expect(await run(input)).toMatchObject({ result: 'pass' })
    expect(shop.calls.map(({ path }) => path)).not.toContain('/secret')
  })

  test('counts failures, and passes as long as a request succeeds', async () => {
    let calls = 0
    reply = () => ({ status: ++calls % 4 === 0 ? 503 : 200 })
    const ended = await run()
    expect(ended).toMatchObject({ result: 'pass', data: { errors: 5, errorRate: 0.25, statuses: { 200: 15, 503: 5 } } })
    expect(ended.message).toContain('5 of 20 requests failed, the first with: status 503')
  })

  test('fails with the first reason if no request succeeds, and ends early', async () => {
    shop.down()
    const started = await start(small({ rate: 2 }), 3)
    const ended = await endOf(started)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'fail', data: { state: 'failed', errorRate: 1 } })
    expect(ended.message).toContain('2 of 2 requests failed, the first with: socket hang up')
    expect(ended.data).not.toHaveProperty('p95')
  })

  test('does not exceed the rate for a target that refuses connections', async () => {
    let connections = 0
    const closing = createServer((socket) => {
      connections++
      socket.destroy()
    })
    const target = `http://127.0.0.1:${await listen(closing)}/`
    const tool = connected({ allow: target })
    const input = { ...small({ rate: 5 }), target }
    await run(input, tool)
    closing.close()
    expect(connections).toBe(5)
  })

  test('counts requests that time out, with the time that they waited', async () => {
    shop.hang()
    const ended = await run(small({ rate: 2, connections: 2, timeout: 1 }))
    expect(ended).toMatchObject({ result: 'fail', data: { timeouts: 2, errorRate: 1 } })
    expect(ended.message).toContain('no response within 0.05 s')
    expect(Number((ended.data as { p50: number }).p50)).toBeGreaterThanOrEqual(49)
  })

  test('opens no more connections than allowed, and drops requests that are due meanwhile', async () => {
    shop.hang()
    const ended = await run(small({ rate: 20, connections: 3, timeout: 1 }))
    const { requests, dropped } = ended.data as { requests: number; dropped: number }
    // On a busy machine, a request ends before the server sees it.
    expect(shop.calls.length).toBeLessThanOrEqual(requests)
    expect(requests + dropped).toBe(20)
    expect(requests).toBeLessThanOrEqual(6)
  })
})

describe('Built-in generator: test of several segments', () => {
  test('runs one segment per poll, back to back, and adds them up', async () => {
    const first = await start(small({ rate: 10 }), 2)
    const polled = await connected().poll(first, small())
    expect(polled).toMatchObject({ status: 'running', progress: 'segment 1 of 2, 10 requests', pollImmediately: true })
    const ended = await endOf(withJob(first, polled))
    expect(ended).toMatchObject({ result: 'pass', data: { requests: 20, rps: 200, statuses: { 200: 20 } } })
  })

  test('has short segments', async () => {
    const { job } = await connected().start(small({ duration: 40 }))
    expect((job as Run).providerState).toMatchObject({ left: [15, 15, 10], of: 3 })
  })

  test('saves little state between polls', async () => {
    const started = await start(small({ rate: 50, connections: 50 }), 2)
    const polled = await connected().poll(started, small())
    expect(JSON.stringify(polled).length).toBeLessThan(2_000)
  })
})

test('Built-in generator: verifies certificates, also with the certificate authority of the connection', async () => {
  const { key, cert } = await certificate()
  const secure = createSecureServer({ key, cert }, (_request, response) => response.end('hello'))
  const url = `https://127.0.0.1:${await listen(secure)}/`
  const plan: Plan = { url, method: 'GET', headers: {}, rate: 40, connections: 2, timeout: 5, expect: [] }
  const refused = await generate(plan, 0.05, EMPTY_TALLY, { headers: { authorization: secret } })
  expect(refused).toMatchObject({ succeeded: 0, firstFailure: expect.stringContaining('certificate is not trusted') })
  expect(measure(await generate(plan, 0.05, EMPTY_TALLY, { ca: cert }))).toMatchObject({ requests: 2, errors: 0 })
  secure.closeAllConnections()
  secure.close()
})
