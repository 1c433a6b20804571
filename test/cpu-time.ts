// Measures the CPU time of each test file, with the processes that it started and that have ended. Unlike the elapsed
// time, it does not depend on what else the machine does. Linux only, because only /proc has the time of the children.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { afterAll, expect } from '@jest/globals'

const STAT = '/proc/self/stat'
/** The position of utime, stime, cutime and cstime after the name of the command. See proc(5). */
const FIRST_TIME = 11
const TICKS_PER_SECOND = 100

const { TEST_CPU_TIMES: file } = process.env
if (file && existsSync(STAT)) {
  const before = seconds()
  afterAll(() => {
    const { testPath } = expect.getState()
    appendFileSync(file, `${JSON.stringify({ testPath, seconds: seconds() - before })}\n`)
  })
}

function seconds(): number {
  const fields = readFileSync(STAT, 'utf8').split(') ')[1]?.split(' ') ?? []
  const ticks = fields.slice(FIRST_TIME, FIRST_TIME + 4).map(Number)
  return ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND
}
