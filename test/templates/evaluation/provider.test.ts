import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { clientOf, failureOf } from '../../functions/helpers.ts'
import { evaluate } from '../../functions/slo/drive.ts'
import { acme } from './provider.ts'
import { type AcmeServer, startAcme } from './server.ts'

let server: AcmeServer
beforeEach(async () => {
  server = await startAcme()
})
afterEach(() => server.close())

const time = { start: '2026-11-24T10:00:00Z', end: '2026-11-24T10:05:00Z' }
const input = { ...time, queries: { p95: 'checkout-p95' }, thresholds: [{ metric: 'p95', op: '<', value: 400 }] }
const connection = () => ({ baseUrl: server.url, token: server.token })
const ask = (more: object = {}) => evaluate(acme, connection(), { ...input, ...more })

describe('An evaluation by Acme', () => {
  test('reads the values of the period', async () => {
    expect(await ask()).toMatchObject({
      result: 'pass',
      data: { indicatorResults: [{ value: { metric: 'p95', value: 312, success: true } }] },
    })
    expect(server.calls.map(({ path }) => path)).toEqual(['/series/checkout-p95/value'])
    expect(server.calls[0]?.query.get('from')).toBe('2026-11-24T10:00:00Z')
    expect(server.calls[0]?.query.get('to')).toBe('2026-11-24T10:05:00Z')
  })

  test('fails if a value exceeds its limit', async () => {
    server.values['checkout-p95'] = 700
    expect(await ask()).toMatchObject({ status: 'succeeded', result: 'fail' })
  })

  test('does not pass without data', async () => {
    const nothing = { queries: { errors: 'errors' }, thresholds: [{ metric: 'errors', op: '<', value: 1 }] }
    expect(await ask(nothing)).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('nothing was measured'),
    })
  })

  test('of a series that does not exist is rejected with the reason of Acme', async () => {
    const failure = await failureOf(ask({ queries: { p95: 'not/there' } }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('there is no series') })
  })

  test('can be retried and changes nothing', async () => {
    server.loseNext('GET')
    expect(await failureOf(ask())).toMatchObject({ transient: true, mayHaveWritten: false })
    expect(await ask()).toMatchObject({ result: 'pass' })
  })
})

describe('Acme', () => {
  test.each([
    [422, 'refused'],
    [401, 'credentials'],
    [503, 'platform'],
  ])('reports the status %s as a failure of kind %s with its reason', async (status, kind) => {
    server.failNext(status, { message: 'not today' })
    expect(await failureOf(ask())).toMatchObject({ kind, message: expect.stringContaining('not today') })
  })

  test('is retried if it is down or its response does not match', async () => {
    server.failNext(200, '<html>')
    expect(await failureOf(ask())).toMatchObject({ transient: true })
    server.down()
    expect(await failureOf(ask())).toMatchObject({ transient: true })
  })

  test('masks its token in messages', async () => {
    server.failNext(422, { message: `no ${server.token}` })
    expect((await failureOf(ask())).message).toContain('no ***')
  })

  test('has a connection test that checks its credentials', async () => {
    await acme.check(clientOf(acme, connection()))
    const wrong = clientOf(acme, { ...connection(), token: 'another-token-0123456789' })
    expect(await failureOf(Promise.resolve(acme.check(wrong)))).toMatchObject({ kind: 'credentials' })
  })
})
