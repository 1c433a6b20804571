import { expect, test } from '@jest/globals'
import { fuzz } from './fuzz.ts'

// The same cases each time, so that who breaks something knows it; npm run fuzz takes others at each run.
const seed = 1

test('whatever is sent, the HTTP interface answers as it is meant to, and nothing breaks', async () => {
  const { sent, statuses, findings } = await fuzz({ seed, seconds: 60, requests: 500 })
  expect(findings).toEqual([])
  // It is no wall that is tested: some of it is good, and some is refused for what it holds.
  expect(sent).toBeGreaterThan(0)
  expect(Object.keys(statuses)).toEqual(expect.arrayContaining(['200', '400', '401', '404']))
})
