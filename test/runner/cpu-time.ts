// Measures the CPU time of each test file, with the processes that it started and that have ended. Unlike the elapsed
// time, it does not depend on what else the machine does. Linux only, because only /proc has the time of the children.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'

const STAT = '/proc/self/stat'
/** The position of utime, stime, cutime and cstime after the name of the command. See proc(5). */
const FIRST_TIME = 11
const TICKS_PER_SECOND = 100

/** Returns the CPU time of this process and of its ended children. */
export function cpuSeconds(): number {
  if (!existsSync(STAT)) return 0
  const fields = readFileSync(STAT, 'utf8').split(') ')[1]?.split(' ') ?? []
  const ticks = fields.slice(FIRST_TIME, FIRST_TIME + 4).map(Number)
  return ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND
}

/** Saves the CPU time of a test file for the reporter. */
export function saveCpuTime(testPath: string, before: number): void {
  const { TEST_CPU_TIMES: file } = process.env
  if (file) appendFileSync(file, `${JSON.stringify({ testPath, seconds: cpuSeconds() - before })}\n`)
}
