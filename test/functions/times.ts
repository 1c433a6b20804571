import { expect } from '@jest/globals'

/** When a run started and ended: in the results of every run that has ended. Real-server tests run without jest. */
export const times = { start: expect.any(String), end: expect.any(String) }
