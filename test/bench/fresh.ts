// Runs in a new process: loads a handler as Lambda does, calls it once, and reports the times. It is compiled before,
// because the times would include the TypeScript parser of Node.js.
import { writeSync } from 'node:fs'
import { lambdaContext } from './event.ts'

/** The report of a new process. */
export interface Fresh {
  /** Time of `require`. */
  requireMs: number
  cpuMs: number
  /** All loaded files. */
  loaded: string[]
  /** Status and time of the call, if there was one. */
  status?: number
  callMs?: number
}

const [file = '', event] = process.argv.slice(2)
const cpu = process.cpuUsage()
const startedAt = performance.now()
const { handler } = require(file) as { handler: (event: unknown, context: object) => Promise<{ statusCode: number }> }
const requireMs = performance.now() - startedAt
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
  // To a separate descriptor, because the handler logs to stdout; synchronously, because this line stops the clock.
  writeSync(3, `${JSON.stringify(report)}\n`)
  // Open connections and timers of the SDK would keep the process alive.
  process.exit()
}

void main()
