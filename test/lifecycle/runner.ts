// AWS's test runner, without the time for which it waits, and without the threads that it leaves.
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import type * as Testing from '@aws/durable-execution-sdk-js-testing'

/** How long the runner waits at the end of each execution for its last records. */
const RUNNER_WAITS_MS = 100

export type LocalDurableTestRunner<Result> = Testing.LocalDurableTestRunner<Result>
export const { CloudDurableTestRunner, LocalDurableTestRunner } = await loadRunner()

/** The runner keeps the `setTimeout` that it finds when it is loaded. */
async function loadRunner(): Promise<typeof Testing> {
  const { setTimeout } = globalThis
  const withoutWait = (callback: () => void, delay?: number) =>
    setTimeout(callback, delay === RUNNER_WAITS_MS ? 0 : delay)
  Object.assign(globalThis, { setTimeout: withoutWait })
  try {
    return await import('@aws/durable-execution-sdk-js-testing')
  } finally {
    Object.assign(globalThis, { setTimeout })
  }
}

/** The clock that the runner installs. */
interface FakeClock {
  setSystemTime(milliseconds: number): void
  setTickMode(mode: { mode: 'interval'; delta: number }): void
  tick(milliseconds: number): void
}

function fakeClock(): FakeClock {
  return (setTimeout as typeof setTimeout & { clock: FakeClock }).clock
}

/** The thread in which the runner records executions. */
let thread: Worker | undefined
let restorePauses = () => {}

/** @param skipTime whether the delays of steps and the pauses of the code under test only move the clock */
export async function startRunner({ skipTime = true } = {}): Promise<void> {
  const { nextTick } = process
  const { setImmediate } = globalThis
  process.once('worker', (worker) => {
    thread = worker
  })
  await LocalDurableTestRunner.setupTestEnvironment({ skipTime })
  if (!skipTime) return
  // The runner also replaces this function, on whose order Node.js itself relies.
  process.nextTick = nextTick
  // A fake one takes until the next tick of the clock, and the runner calls it for each record.
  Object.assign(globalThis, { setImmediate })
  // Otherwise each timer takes 20 ms.
  fakeClock().setTickMode({ mode: 'interval', delta: 1 })
  skipPauses()
}

/** Lets the pauses of the code under test only move the clock. */
function skipPauses(): void {
  // Not with `jest.spyOn`: it would restore the runner's own fake when the test file ends.
  const { setTimeout } = timers
  const pause: typeof setTimeout = async (milliseconds = 0, value) => {
    passTime(milliseconds / 1_000)
    return value as never
  }
  Object.assign(timers, { setTimeout: pause })
  restorePauses = () => Object.assign(timers, { setTimeout })
  syncBuiltinESMExports()
}

/** Lets pauses take their time, for requests that wait for each other. */
export async function withPauses<T>(run: () => Promise<T>): Promise<T> {
  restorePauses()
  syncBuiltinESMExports()
  try {
    return await run()
  } finally {
    skipPauses()
  }
}

export async function stopRunner(): Promise<void> {
  restorePauses()
  await LocalDurableTestRunner.teardownTestEnvironment()
  // The runner leaves it, and warns when it ends.
  thread?.removeAllListeners('exit')
  await thread?.terminate()
}

/** Moves the clock without firing timers. */
export function passTime(seconds: number): void {
  if (seconds > 0) fakeClock().setSystemTime(Date.now() + seconds * 1_000)
}

/**
 * Moves the clock to a time that has not passed, without firing timers.
 *
 * @param time epoch milliseconds
 */
export function moveClock(time: number): void {
  if (time > Date.now()) fakeClock().setSystemTime(time)
}

/** Moves the clock and fires the timers that are due, such as those of requests without a response. */
export function fireTimers(seconds: number): void {
  fakeClock().tick(seconds * 1_000)
}
