// The local runtime in a process of its own, so that its memory is its own and the callers' work is not in its figures.
import { type RuntimeEvent, startRuntime } from '../../infra/local/runtime.ts'

/** What the process says of itself. */
export type FromRuntime =
  | { kind: 'ready'; url: string; lambda: string; accessKeyId: string }
  | { kind: 'ended'; task: string }
  | { kind: 'memory'; rss: number; heap: number }
  /** How many tasks have not ended, and how many of them wait for their next try. */
  | { kind: 'tasks'; running: number; waiting: number }

export type ToRuntime = 'memory' | 'tasks'

// Counted, not listed: a list of tasks would be measured with them.
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

process.on('message', (asked: ToRuntime) => {
  if (asked === 'tasks') return send({ kind: 'tasks', ...tasks })
  // What is only waiting to be collected is not what the tasks take.
  for (let n = 0; n < 3; n++) globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  send({ kind: 'memory', rss, heap: heapUsed + external })
})
process.on('disconnect', () => process.exit())

send({ kind: 'ready', url, lambda: cloud.endpoint, accessKeyId: cloud.credentials.accessKeyId })
