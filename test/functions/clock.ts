import { jest } from '@jest/globals'

/** Advances the clock by the given seconds, and stops it until the test restores its mocks. */
export function advanceClock(seconds: number): void {
  const now = Date.now() + seconds * 1_000
  jest.spyOn(Date, 'now').mockReturnValue(now)
}
