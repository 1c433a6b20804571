import { describe, expect, test } from '@jest/globals'
import { evaluationConformance } from '../../conformance/evaluation.ts'
import { failureOf, startEach } from '../../functions/helpers.ts'
import { evaluate } from '../../functions/slo/drive.ts'
import { startAcme } from './fake.ts'
import { acme } from './provider.ts'

const server = startEach(startAcme)

const time = { start: '2026-11-24T10:00:00Z', end: '2026-11-24T10:05:00Z' }
const input = { ...time, queries: { p95: 'checkout-p95' }, thresholds: [{ metric: 'p95', op: '<', value: 400 }] }
const ask = (more: object = {}) => evaluate(acme, { baseUrl: server.url, token: server.token }, { ...input, ...more })

describe('An evaluation by Acme', () => {
  test('reads the values of the period', async () => {
    await ask()
    expect(server.calls.map(({ path }) => path)).toEqual(['/series/checkout-p95/value'])
    expect(Object.fromEntries(server.calls[0]?.query ?? [])).toEqual({ from: time.start, to: time.end })
  })

  test('does not pass without data', async () => {
    const nothing = { queries: { errors: 'errors' }, thresholds: [{ metric: 'errors', op: '<', value: 1 }] }
    const failed = { result: 'fail', message: expect.stringContaining('nothing was measured') }
    expect(await ask(nothing)).toMatchObject(failed)
  })

  test('of a series that does not exist is rejected with the reason of Acme', async () => {
    const failure = await failureOf(ask({ queries: { p95: 'not/there' } }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('unknown series') })
  })
})

evaluationConformance(acme, {
  async start() {
    const server = await startAcme()
    return { server, connection: { baseUrl: server.url, token: server.token }, input }
  },
  verdicts: {
    'a value within its limit': { arrange: () => undefined, result: 'pass', value: 312 },
    'a value beyond its limit': {
      arrange: ({ server }) => Object.assign(server.values, { 'checkout-p95': 700 }),
      result: 'fail',
    },
  },
})
