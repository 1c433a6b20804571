import { afterEach, expect, test } from '@jest/globals'
import { durable, plain, startBefore, until } from './harness.ts'

const trueNow = Date.now
const long = { durable: { executionTimeoutSeconds: 1_000_000, retentionDays: 1 } }
const functions = [...durable(['greet', 'waits'], long), ...plain(['plain'])]
const running = startBefore(() => ({ functions, timeScale: 1, clockCheckMs: 100 }))
const rarelyChecking = startBefore(() => ({ functions, timeScale: 1, clockCheckMs: 600_000 }), 'rare')
afterEach(() => {
  Date.now = trueNow
})

/** Sets the clock ahead, as after a laptop has slept. Timers do not notice. */
const setAhead = (seconds: number) => {
  Date.now = () => trueNow() + seconds * 1_000
}
const untilWaiting = ({ seen }: typeof running) =>
  until(() => seen.some((one) => one.kind === 'operation' && one.type === 'WAIT'), 'the wait')

test('a wait ends soon after the clock was set past its end', async () => {
  const waiting = running.cloud.invoke('waits', { seconds: 7_200 })
  await untilWaiting(running)
  setAhead(7_300)
  await expect(waiting).resolves.toHaveProperty('result')
})

test('an execution that starts after the clock was set past the next due time runs immediately', async () => {
  const { cloud } = rarelyChecking
  void cloud.invoke('waits', { seconds: 7_200 })
  await untilWaiting(rarelyChecking)
  setAhead(20_000)
  await expect(cloud.invoke('greet', { name: 'Ada' })).resolves.toEqual({ result: { greeting: 'Hello Ada' } })
})

test('the remaining time of a function does not depend on the clock', async () => {
  for (const seconds of [3_600, -3_600]) {
    setAhead(seconds)
    const { result } = (await running.cloud.invoke('plain', {})) as { result: { remaining: number } }
    expect(result.remaining).toBeGreaterThan(0)
    expect(result.remaining).toBeLessThanOrEqual(30_000)
  }
})
