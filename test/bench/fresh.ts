// The inside of a fresh process: loads a handler as Lambda's runtime does, calls it once, and says what that took. Compiled
// before it is started, since Node's TypeScript parser would be part of every figure.
import { writeSync } from 'node:fs'
import { lambdaContext } from './event.ts'

/** What a fresh process reports. */
export interface Fresh {
  /** Of `require` alone. */
  requireMs: number
  cpuMs: number
  /** The files that are loaded now. */
  loaded: string[]
  /** Status of the answer and how long it took, where it was called. */
  status?: number
  callMs?: number
}

const [file = '', event] = process.argv.slice(2)
const cpu = process.cpuUsage()
const began = performance.now()
const { handler } = require(file) as { handler: (event: unknown, context: object) => Promise<{ statusCode: number }> }
const requireMs = performance.now() - began
const { user, system } = process.cpuUsage(cpu)

async function main() {
  const called = performance.now()
  const answer = event === undefined ? undefined : await handler(JSON.parse(event), lambdaContext())
  const callMs = performance.now() - called
  const report: Fresh = {
    requireMs,
    cpuMs: (user + system) / 1_000,
    loaded: Object.keys(require.cache).filter((name) => name !== __filename),
    ...(answer ? { status: answer.statusCode, callMs } : {}),
  }
  // To a descriptor of its own, since what a handler logs goes to stdout; at once, since this line ends the clock.
  writeSync(3, `${JSON.stringify(report)}\n`)
  // Open connections and the SDK's timers would keep the process.
  process.exit()
}

void main()
