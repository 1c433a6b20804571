import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import QuietReporter from './reporter.ts'

const { TEST_CPU_TIMES } = process.env
const rootDir = '/project'
let printed = ''
beforeEach(() => {
  printed = ''
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    printed += text
    return true
  })
  process.env['TEST_CPU_TIMES'] = join(tmpdir(), `reporter-test-${process.pid}`)
  const times = { 'test/fast.test.ts': 1, 'test/slow.test.ts': 12.34, 'test/e2e/jobs.test.ts': 60 }
  const lines = Object.entries(times).map(([path, seconds]) =>
    JSON.stringify({ testPath: `${rootDir}/${path}`, seconds }),
  )
  writeFileSync(process.env['TEST_CPU_TIMES'], lines.join('\n'))
})
afterAll(() => {
  jest.restoreAllMocks()
  Object.assign(process.env, { TEST_CPU_TIMES })
})

describe('The reporter of the tests', () => {
  it('lists files by CPU time, with the total', () => {
    const reporter = new QuietReporter({ rootDir })
    reporter.onRunStart({ numTotalTestSuites: 5 })
    reporter.onRunComplete()
    expect(printed).toMatch(/60\.0 s {2}test\/e2e\/jobs\.test\.ts\n.*12\.3 s {2}test\/slow\.test\.ts\n/)
    expect(printed).toContain('73.3 s  in all 3 files')
  })

  it.each([
    ['lists', undefined, '2 skipped in test/page.test.ts: The page: Chromium was not found. is accessible\n'],
    ['does not list', 'accessible', ''],
  ])('%s skipped tests with the name of the first one if the pattern of names is %j', (_, testNamePattern, line) => {
    const reporter = new QuietReporter({ rootDir, ...(testNamePattern === undefined ? {} : { testNamePattern }) })
    reporter.onRunStart({ numTotalTestSuites: 5 })
    const testResults = ['accessible', 'readable'].map((what) => ({
      status: 'pending',
      fullName: `The page: Chromium was not found. is ${what}`,
    }))
    reporter.onTestResult({ path: `${rootDir}/test/page.test.ts` }, { testResults }, { numFailedTestSuites: 0 })
    reporter.onRunComplete()
    expect(
      printed
        .split('\n')
        .filter((text) => text.includes('skipped'))
        .join('\n'),
    ).toBe(line.trim())
  })
})
