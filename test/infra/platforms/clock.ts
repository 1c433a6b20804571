import { afterEach, beforeEach, jest } from '@jest/globals'

/** Only the clock of a test file is ours, and begins anew with each test; what is given moves it on, in milliseconds. */
export function useClock(begin: number): (ms: number) => void {
  const doNotFake = ['nextTick', 'setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout', 'setInterval'] as const
  beforeEach(() => {
    jest.useFakeTimers({ now: begin, doNotFake: [...doNotFake, 'clearInterval', 'queueMicrotask', 'performance'] })
  })
  afterEach(() => void jest.useRealTimers())
  return (ms) => void jest.setSystemTime(begin + ms)
}
