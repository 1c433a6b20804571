import { expect } from '@jest/globals'

/** The times in the results of every run that has ended. In its own file, because tests with real servers run without jest. */
export const times = { start: expect.any(String), end: expect.any(String) }
