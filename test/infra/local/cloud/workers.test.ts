import { describe, expect, test } from '@jest/globals'
import type { Observation } from '../../../../infra/local/cloud/index.ts'
import { Workers } from '../../../../infra/local/cloud/workers.ts'
import { waitForAll } from '../../../wait-for-all.ts'
import { plain } from './harness.ts'

let secretsVersion = 'first'

function pool(idle: { ms: number; lastMs: number }) {
  const seen: Observation[] = []
  const [fn] = plain(['plain'], { concurrency: 2 }).map((plain) => ({ ...plain, version: 1 }))
  if (!fn) throw new Error('The function is missing.')
  const workers = new Workers(
    () => ({}),
    (observation) => seen.push(observation),
    () => secretsVersion,
    idle,
  )
  /** Invokes the function concurrently. Returns the number of new threads. */
  const run = async (times: number) => {
    seen.length = 0
    await waitForAll(Array.from({ length: times }, () => workers.invoke(fn, () => ({ event: '{}' }))))
    return seen.filter((observation) => observation.kind === 'invocation' && observation.coldStart).length
  }
  return { workers, fn, run }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('the threads of a function', () => {
  test('are limited by its concurrency and reused', async () => {
    const { workers, run } = pool({ ms: 60_000, lastMs: 60_000 })
    await expect(run(1)).resolves.toBe(1)
    await expect(run(6)).resolves.toBe(1)
    await expect(run(2)).resolves.toBe(0)
    await workers.close(0)
  })

  test('are replaced after a secret has changed', async () => {
    const { workers, run } = pool({ ms: 60_000, lastMs: 60_000 })
    await expect(run(2)).resolves.toBe(2)
    secretsVersion = 'second'
    await expect(run(2)).resolves.toBe(2)
    await expect(run(2)).resolves.toBe(0)
    await workers.close(0)
  })

  test('end when idle, the last one later than the others', async () => {
    const lasting = pool({ ms: 20, lastMs: 600_000 })
    await expect(lasting.run(2)).resolves.toBe(2)
    await pause(100)
    await expect(lasting.run(2)).resolves.toBe(1)
    await lasting.workers.close(0)
    const brief = pool({ ms: 10, lastMs: 20 })
    await brief.run(1)
    do await pause(100)
    while ((await brief.run(1)) === 0)
    await brief.workers.close(0)
  })

  test('create an event only when a thread is free, and skip an invocation without one', async () => {
    const { workers, fn } = pool({ ms: 1_000, lastMs: 1_000 })
    const prepared: number[] = []
    const waiting = Array.from({ length: 5 }, (_, index) =>
      workers.invoke(fn, () => {
        prepared.push(index)
        return index % 2 === 0 ? undefined : { event: String(index) }
      }),
    )
    expect(prepared.length).toBeLessThan(5)
    const outcomes = await waitForAll(waiting)
    expect(prepared).toEqual([0, 1, 2, 3, 4])
    expect(outcomes.map((outcome) => JSON.parse(outcome?.result ?? 'null')?.event)).toEqual([
      undefined,
      1,
      undefined,
      3,
      undefined,
    ])
    await workers.close(0)
  })

  test('report an unknown function', async () => {
    const { workers } = pool({ ms: 1_000, lastMs: 1_000 })
    await expect(workers.invoke('unknown', () => ({ event: '{}' }))).resolves.toMatchObject({
      error: { errorType: 'ResourceNotFoundException', errorMessage: 'Function not found: unknown' },
    })
    await workers.close(0)
  })
})
