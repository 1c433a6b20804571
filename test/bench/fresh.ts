// Runs in a new process: loads a handler as Lambda does, calls it once, and reports the times. It is compiled before,
// because the times would include the TypeScript parser of Node.js.
import { writeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { lambdaContext } from './event.ts'
import { stopwatch } from './stopwatch.ts'

/** The report of a new process. */
export interface Fresh {
  /** Time of loading the file, including its top-level await. */
  requireMs: number
  cpuMs: number
  /** All loaded files. */
  loaded: string[]
  /** Status, time and CPU time of the call, if there was one. */
  status?: number
  callMs?: number
  callCpuMs?: number
}

interface Handler {
  handler: (event: unknown, context: object) => Promise<{ statusCode: number }>
}

const [file = '', event] = process.argv.slice(2)

async function main() {
  const parsed: unknown = event === undefined ? undefined : JSON.parse(event)
  const stopInit = stopwatch()
  const { handler }: Handler = file.endsWith('.mjs') ? await import(pathToFileURL(file).href) : require(file)
  const init = stopInit()
  const stopCall = stopwatch()
  const answer = parsed === undefined ? undefined : await handler(parsed, lambdaContext())
  const call = stopCall()
  const report: Fresh = {
    requireMs: init.wallMs,
    cpuMs: init.cpuMs,
    loaded: Object.keys(require.cache).filter((name) => name !== __filename),
    ...(answer ? { status: answer.statusCode, callMs: call.wallMs, callCpuMs: call.cpuMs } : {}),
  }
  // To a separate descriptor, because the handler logs to stdout; synchronously, because this line stops the clock.
  writeSync(3, `${JSON.stringify(report)}\n`)
  // Open connections and timers of the SDK would keep the process alive.
  process.exit()
}

void main()
