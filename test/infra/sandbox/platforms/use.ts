import { afterAll, afterEach, beforeAll, beforeEach, jest } from '@jest/globals'
import { temporaryFolder } from '../../../temporary-folder.ts'
import { type Started, start } from './start.ts'

/**
 * One running sandbox for a test file, emptied before each test.
 *
 * @param interactivityUrl receives the button presses in Slack
 */
export function useSandbox(interactivityUrl?: () => string): Started {
  const started = {} as Started
  beforeAll(async () => {
    Object.assign(started, await start(state, interactivityUrl?.()))
  })
  beforeEach(() => {
    started.sandbox.empty()
    started.seen.length = 0
  })
  afterEach(() => void jest.useRealTimers())
  afterAll(() => started.stop())
  const state = temporaryFolder()
  return started
}

/** Stops the clock for the rest of the test; timers still run. */
export function stopClock(now = Date.now()): void {
  jest.useFakeTimers({
    now,
    doNotFake: [
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      'setInterval',
      'clearInterval',
      'setTimeout',
      'clearTimeout',
    ],
  })
}

/** Sets the stopped clock forward. */
export function advanceClock(ms: number): void {
  jest.setSystemTime(Date.now() + ms)
}

/** Stops the clock at a time before each test. Returns a function that sets it to a number of milliseconds later. */
export function useClock(start: number): (ms: number) => void {
  beforeEach(() => stopClock(start))
  return (ms) => void jest.setSystemTime(start + ms)
}
