import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { awsOperation, type Served, serve } from '../../../infra/testing/loopback-server.ts'
import { countStart, nextStartAt } from '../../../shared/state/start-counts.ts'
import { forward, startTable } from '../../functions/load-testing/table.ts'

/** A proxy between the AWS client and the table. */
let between: Served
let table: Awaited<ReturnType<typeof startTable>>
beforeAll(async () => {
  table = await startTable()
  between = await serve((call) => forward(table.endpoint, call))
  process.env['AWS_ENDPOINT_URL_DYNAMODB'] = between.url
})
afterAll(async () => {
  await between.close()
  await table.close()
})
beforeEach(() => {
  between.recover()
  between.calls.length = 0
})

let keys = 0
/** Each test has its own target. */
const limitOf = (count: number) => ({ key: `target-${++keys}`, count, per: 60 })
const NOW = Date.parse('2026-12-07T08:00:00Z')
const MINUTE = 60_000

describe('The starts for a target', () => {
  it('are counted up to the limit, and then say when the oldest one leaves the period', async () => {
    const limit = limitOf(2)
    expect(await countStart(limit, 'a', NOW)).toBeUndefined()
    expect(await countStart(limit, 'b', NOW + 20_000)).toBeUndefined()
    expect(await countStart(limit, 'c', NOW + 30_000)).toBe(NOW + MINUTE)
    expect(await countStart(limit, 'c', NOW + MINUTE - 1)).toBe(NOW + MINUTE)
    expect(await countStart(limit, 'c', NOW + MINUTE)).toBeUndefined()
    expect(await countStart(limit, 'd', NOW + MINUTE)).toBe(NOW + 20_000 + MINUTE)
  })

  it('are counted once for each id, even if the limit is reached', async () => {
    const limit = limitOf(1)
    for (let n = 0; n < 3; n++) expect(await countStart(limit, 'a', NOW + n)).toBeUndefined()
    expect(await countStart(limit, 'b', NOW)).toBe(NOW + MINUTE)
  })

  it('have the time of the latest attempt', async () => {
    const limit = limitOf(1)
    await countStart(limit, 'a', NOW)
    await countStart(limit, 'a', NOW + 50_000)
    expect(await countStart(limit, 'b', NOW + MINUTE)).toBe(NOW + 50_000 + MINUTE)
    expect(await countStart(limit, 'b', NOW + 50_000 + MINUTE)).toBeUndefined()
    // The first one has left the period, so it is a new start.
    expect(await countStart(limit, 'a', NOW + 51_000 + MINUTE)).toBe(NOW + 50_000 + 2 * MINUTE)
  })

  it('are only counted above the limit if people allow it', async () => {
    const limit = limitOf(1)
    await countStart(limit, 'a', NOW)
    expect(await nextStartAt(limit, 'b', NOW)).toBe(NOW + MINUTE)
    expect(await countStart(limit, 'b', NOW + 20_000, true)).toBeUndefined()
    expect(await countStart(limit, 'c', NOW + MINUTE)).toBe(NOW + 20_000 + MINUTE)
  })

  it('are not counted when the limit is only read', async () => {
    const limit = limitOf(1)
    for (const id of ['a', 'b']) expect(await nextStartAt(limit, id, NOW)).toBeUndefined()
    expect(await countStart(limit, 'c', NOW)).toBeUndefined()
    expect(await nextStartAt(limit, 'c', NOW)).toBeUndefined()
  })

  it('count by the limit of today if the policy has changed', async () => {
    const limit = limitOf(3)
    for (const id of ['a', 'b', 'c']) await countStart(limit, id, NOW)
    expect(await countStart({ ...limit, count: 1 }, 'd', NOW + 1)).toBe(NOW + MINUTE)
    expect(await countStart({ ...limit, count: 4 }, 'd', NOW + 1)).toBeUndefined()
  })

  it('are counted without a loss if many start at the same time', async () => {
    const limit = limitOf(3)
    const results = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((id) => countStart(limit, id, NOW)))
    expect(results.filter((opensAt) => opensAt === undefined)).toHaveLength(3)
  })

  it('fit into one item at the highest limit', async () => {
    const limit = limitOf(1_000)
    // The item is written once for each of the first starts only.
    for (let n = 0; n < 20; n++) await countStart(limit, `${n}`.padStart(40, '0'), NOW)
    const puts = between.calls.filter((call) => awsOperation(call) === 'PutItem')
    const sizeOf = (index: number) => JSON.stringify(puts.at(index)?.body).length
    expect((sizeOf(-1) - sizeOf(-2)) * limit.count).toBeLessThan(60_000)
  })

  it('are not counted while the table is not available', async () => {
    between.failNext(400, { __type: 'AccessDeniedException' }, { on: 'POST' })
    await expect(countStart(limitOf(1), 'a', NOW)).rejects.toMatchObject({ kind: 'unavailable', status: 503 })
  })
})
