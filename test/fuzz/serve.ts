// The local runtime in a separate process with its own memory and event loop. Reports what responses do not show.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { startRuntime } from '../../infra/local/runtime.ts'
import type { RuntimeEvent } from '../../infra/local/runtime-event.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { messageOf } from '../../shared/errors.ts'

/** Messages of the process. */
export type FromRuntime =
  | { kind: 'ready'; url: string }
  /** Something that must not happen. */
  | { kind: 'wrong'; what: string }
  /** Memory in bytes, and the longest block of the event loop since the last message in milliseconds. */
  | { kind: 'health'; rss: number; heldUp: number }

export interface ServeOptions {
  state: string
  secretsFile: string
  bundles?: string | undefined
  /** Secrets that no log line may contain. */
  secrets: string[]
}

const { secrets, ...options } = JSON.parse(process.argv[2] ?? '{}') as ServeOptions
/** Interval of the health messages. */
const every = 1_000

function send(message: FromRuntime): void {
  process.send?.(message)
}

function observe(event: RuntimeEvent): void {
  if (event.from !== 'cloud') return
  const { kind, functionName } = event
  if (kind === 'invocation' && event.error !== undefined) {
    const { error } = event
    send({ kind: 'wrong', what: `${functionName} failed: ${error.errorType}: ${error.errorMessage}` })
  } else if (kind === 'log') {
    for (const what of wrongIn(event.line)) send({ kind: 'wrong', what: `${functionName} logged ${what}` })
  } else if (kind === 'execution' && event.error !== undefined) {
    send({ kind: 'wrong', what: `${functionName} ended with ${event.error.ErrorType}: ${event.error.ErrorMessage}` })
  }
}

/** Checks that each line is one of our log objects. Otherwise, a request has injected a line. */
function wrongIn(line: string): string[] {
  const found = secrets.some((secret) => line.includes(secret)) ? ['a secret'] : []
  try {
    const { level, message, error } = JSON.parse(line)
    if (!['DEBUG', 'INFO', 'WARN', 'ERROR'].includes(level)) found.push(`a line of no level: ${line.slice(0, 200)}`)
    if (message === 'internal error') found.push(`an internal error: ${error?.message} ${error?.stack?.slice(0, 600)}`)
  } catch (error) {
    found.push(`a line that is not JSON (${messageOf(error)}): ${line.slice(0, 200)}`)
  }
  return found
}

const { url } = await startRuntime({
  port: 0,
  timeScale: 60,
  ...options,
  observe,
  credentials: { callerToken: demo.callerToken, approvalsKey: demo.approvalsKey },
})
const delay = monitorEventLoopDelay({ resolution: 20 })
delay.enable()
setInterval(() => {
  send({ kind: 'health', rss: process.memoryUsage().rss, heldUp: Math.round(delay.max / 1e6) })
  delay.reset()
}, every)
process.on('disconnect', () => process.exit())
send({ kind: 'ready', url })
