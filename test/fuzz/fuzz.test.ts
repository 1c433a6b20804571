import { expect, test } from '@jest/globals'
import { fuzz } from './fuzz.ts'

// The same cases each time, so that who breaks something knows it; npm run fuzz takes others at each run.
const seed = 1

test('the HTTP interface responds correctly to any request, and nothing breaks', async () => {
  const { sent, statuses, findings } = await fuzz({ seed, seconds: 60, requests: 500 })
  expect(findings).toEqual([])
  // Some requests must succeed, and some must be rejected for their content.
  expect(sent).toBeGreaterThan(0)
  expect(Object.keys(statuses)).toEqual(expect.arrayContaining(['200', '400', '401', '404']))
})
