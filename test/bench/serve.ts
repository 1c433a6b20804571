// Runs the local runtime in a separate process, so that its memory and time do not include the callers.
import { startRuntime } from '../../infra/local/runtime.ts'
import type { RuntimeEvent } from '../../infra/local/runtime-event.ts'

/** Messages of the process. */
export type FromRuntime =
  | { kind: 'ready'; url: string; lambda: string; accessKeyId: string }
  | { kind: 'ended'; task: string }
  | { kind: 'memory'; rss: number; heap: number }
  /** Running tasks, and those that wait for their next attempt. */
  | { kind: 'tasks'; running: number; waiting: number }

export type ToRuntime = 'memory' | 'tasks'

// Counted, because a list of tasks would use memory.
const tasks = { running: 0, waiting: 0 }

function observe(event: RuntimeEvent): void {
  if (event.from !== 'cloud') return
  if (event.kind === 'execution') {
    tasks.running += event.status === 'RUNNING' ? 1 : -1
    if (event.status !== 'RUNNING') send({ kind: 'ended', task: event.execution })
  } else if (event.kind === 'operation') {
    const { type, status } = event
    if (status === 'PENDING' || (type === 'WAIT' && status === 'STARTED')) tasks.waiting += 1
    if (status === 'READY' || (type === 'WAIT' && status === 'SUCCEEDED')) tasks.waiting -= 1
  }
}

function send(message: FromRuntime): void {
  process.send?.(message)
}

const { url, cloud } = await startRuntime({ port: 0, ...JSON.parse(process.argv[2] ?? '{}'), observe })

process.on('message', (request: ToRuntime) => {
  if (request === 'tasks') return send({ kind: 'tasks', ...tasks })
  // Garbage is not memory of the tasks.
  for (let n = 0; n < 3; n++) globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  send({ kind: 'memory', rss, heap: heapUsed + external })
})
process.on('disconnect', () => process.exit())

send({ kind: 'ready', url, lambda: cloud.endpoint, accessKeyId: cloud.credentials.accessKeyId })
