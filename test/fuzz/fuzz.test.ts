import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { runInProcess } from '../runner/in-process.ts'
import { fuzz } from './fuzz.ts'
import { fuzzPolicy } from './fuzz-policy.ts'
import { describeFailed, failedProperties } from './fuzz-properties.ts'

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

test('policies only restrict, and decide as their documentation says, for any file and any call', () => {
  const { findings, invalidFiles, refused, waiting, allowed, starts } = fuzzPolicy(seed, 200)
  expect(findings).toEqual([])
  expect(Math.min(invalidFiles, refused, waiting, allowed)).toBeGreaterThan(50)
  expect(Math.min(...Object.values(starts))).toBeGreaterThan(5)
})

test('a property that fails with random values is shown with them, and with the way to keep them', () => {
  const message = `Error: Property failed after 3 tests
{ seed: -42, path: "2:0:1", endOnFailure: true }
Counterexample: ["",0]
Shrunk 2 time(s)`
  const results = {
    numTotalTests: 3,
    testResults: [
      {
        name: join(import.meta.dirname, 'sample.test.ts'),
        message: '',
        assertionResults: [
          { status: 'passed', fullName: 'a text is short', failureMessages: [] },
          { status: 'failed', fullName: 'a text has a title', failureMessages: [message] },
          { status: 'failed', fullName: 'a text is English', failureMessages: ['Error: no'] },
        ],
      },
      { name: join(import.meta.dirname, 'broken.test.ts'), message: 'SyntaxError', assertionResults: [] },
    ],
  }
  const failed = failedProperties(results)
  expect(failed).toMatchObject([
    { test: 'a text has a title', counterexample: { values: '["",0]', seed: -42, path: '2:0:1' } },
    { test: 'a text is English', counterexample: undefined, message: 'Error: no' },
    { test: 'the file', counterexample: undefined, message: 'SyntaxError' },
  ])
  const shown = failed.map((property) => describeFailed(property, 42))
  expect(shown[0]).toContain('FUZZ_SEED=42 npm test -- test/fuzz/sample.test.ts')
  expect(shown[0]).toContain('Counterexample: ["",0]')
  expect(shown[0]).toContain("{ seed: -42, path: '2:0:1' }")
  expect(shown[2]).toContain('test/fuzz/broken.test.ts: the file')
})

test('properties try the same values in each run', () => {
  expect(fc.readConfigureGlobal().seed).toBe(Number(process.env.FUZZ_SEED ?? 1))
  const values = () => {
    const tried: number[] = []
    fc.assert(fc.property(fc.integer(), (value) => void tried.push(value)))
    return tried
  }
  expect(values()).toEqual(values())
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
