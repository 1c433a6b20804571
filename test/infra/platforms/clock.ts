import { afterEach, beforeEach, jest } from '@jest/globals'

/** Stops the clock of a test file at a time before each test. Returns a function that sets it forward from that time. */
export function useClock(start: number): (ms: number) => void {
  const doNotFake = ['nextTick', 'setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout', 'setInterval'] as const
  beforeEach(() => {
    jest.useFakeTimers({ now: start, doNotFake: [...doNotFake, 'clearInterval', 'queueMicrotask', 'performance'] })
  })
  afterEach(() => void jest.useRealTimers())
  return (ms) => void jest.setSystemTime(start + ms)
}
