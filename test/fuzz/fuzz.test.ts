import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { runInProcess } from '../runner/in-process.ts'
import { fuzz } from './fuzz.ts'
import { fuzzPolicy } from './fuzz-policy.ts'

// The same cases each time, so that who breaks something knows it; npm run fuzz takes others at each run.
const seed = 1

test('the HTTP interface responds correctly to any request, and nothing breaks', async () => {
  const requests = 150
  const { sent, statuses, findings } = await fuzz({ seed, seconds: Number.POSITIVE_INFINITY, requests })
  expect(findings).toEqual([])
  // Some requests must succeed, and some must be rejected for their content.
  expect(sent).toBe(requests)
  expect(Object.keys(statuses)).toEqual(expect.arrayContaining(['200', '400', '401', '404']))
})

test('policies only restrict, for any file and any call', () => {
  const { findings, invalidFiles, refused, waiting, allowed } = fuzzPolicy(seed, 200)
  expect(findings).toEqual([])
  expect(Math.min(invalidFiles, refused, waiting, allowed)).toBeGreaterThan(50)
})

test.each([
  ['--seconds', 'abc', 1],
  ['--seconds', '0', 1],
  ['--seed', '1e3', 0],
  ['--case', '1.5', 0],
])('npm run fuzz -- %s %s is refused with what to write instead', async (option, value, min) => {
  const { code, out, err } = await runInProcess(join(import.meta.dirname, 'run.ts'), [option, value], {
    env: process.env,
  })
  const expected = `${option} must be a whole number from ${min}, such as ${option} 60, not "${value}".\n`
  expect({ code, out, err }).toEqual({ code: 1, out: '', err: expected })
})
