// The local runtime in a separate process. The chaos test kills it, and injects faults into its threads, clock and platforms.
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import workerThreads, { type WorkerOptions } from 'node:worker_threads'
import { awsVariables } from '../../infra/local/cloud/workers.ts'
import type { Stop } from '../../shared/policy/kinds/stop.ts'
import { shiftDate, shiftThread } from './clock.ts'
import { type Accepted, accept } from './credentials.ts'

/** The options of the process. */
export interface ServeOptions {
  port: number
  state: string
  secretsFile: string
  bundles: string
  timeScale: number
  concurrency?: number
  accepted: Accepted
  engineKey: string
  policyFile?: string
  eventsFile?: string
  clock: { machine: number; functions: number }
}

export type ToServed =
  | { kind: 'kill-worker'; of: 'task' | 'webhook'; index: number }
  | { kind: 'clock'; machine: number; functions: number }
  | { kind: 'accept'; accepted: Accepted }
  | { kind: 'memory' }
  | { kind: 'stops'; stops: Stop[] }

export type FromServed =
  | { kind: 'ready'; url: string; lambda: string; dynamodb: string; accessKeyId: string }
  /** The function of the worker; undefined if none was active. */
  | { kind: 'kill-worker'; functionName: string | undefined }
  | { kind: 'memory'; rss: number; heap: number }
  /** Not stored: the table did not respond in time. */
  | { kind: 'stops'; isStored: boolean }

const options: ServeOptions = JSON.parse(process.argv[2] ?? '{}')
/** The offsets of the clock, which the threads share. */
const offsets = new Float64Array(new SharedArrayBuffer(16))
setClock(options.clock)
shiftDate(offsets, false)

/** The threads that work on an invocation now. */
const busy = new Set<ObservedWorker>()

/** A thread of the runtime, of which it is known whether it works, with the stepped clock. */
class ObservedWorker extends workerThreads.Worker {
  readonly functionName: string

  constructor(file: string | URL, { workerData, execArgv = [], ...rest }: WorkerOptions) {
    super(file, {
      ...rest,
      workerData: { ...workerData, clock: offsets.buffer },
      execArgv: [...execArgv, '--import', shiftThread],
    })
    // There are others, such as that of esbuild.
    this.functionName = workerData.functionName ?? ''
    this.on('message', ({ kind }: { kind: string }) => kind === 'answer' && busy.delete(this))
    this.on('exit', () => busy.delete(this))
  }

  override postMessage(message: unknown): void {
    busy.add(this)
    super.postMessage(message)
  }
}
workerThreads.Worker = ObservedWorker
syncBuiltinESMExports()
// Before anything has read what the platforms take.
accept(options.accepted)

const { startRuntime } = await import('../../infra/local/runtime.ts')
const { demo } = await import('../../infra/sandbox/platforms/sandbox/demo.ts')
const { formatEvent } = await import('../../infra/local/format-event.ts')
const { url, cloud } = await startRuntime({
  ...options,
  credentials: {
    callerToken: demo.callerToken,
    approvalsKey: demo.approvalsKey,
    engineKey: options.engineKey,
  },
  cacheSecrets: true,
  observe(event) {
    // The complete requests are for the console, which masks them.
    if (event.from === 'cloud' && event.kind === 'request') return
    console.log(formatEvent(event) ?? JSON.stringify(event))
  },
})

const answers: { [Kind in ToServed['kind']]: (asked: Extract<ToServed, { kind: Kind }>) => Promise<void> } = {
  async 'kill-worker'({ of, index }) {
    const atWork = () => [...busy].filter(({ functionName }) => functionName.endsWith(`-${of}`))
    for (let attempts = 0; attempts < 200 && atWork().length === 0; attempts++) await sleep(10)
    // Kills it some milliseconds after it started.
    await sleep(index * 50)
    const victim = atWork()[Math.floor(index * atWork().length)]
    send({ kind: 'kill-worker', functionName: victim?.functionName })
    await victim?.terminate()
  },
  async clock(changed) {
    setClock(changed)
  },
  async accept({ accepted }) {
    accept(accepted)
  },
  async memory() {
    // Ignores garbage.
    for (let n = 0; n < 3; n++) globalThis.gc?.()
    const { rss, heapUsed, external } = process.memoryUsage()
    send({ kind: 'memory', rss, heap: heapUsed + external })
  },
  async stops({ stops }) {
    Object.assign(process.env, awsVariables({ lambda, dynamodb }, credentials), { WEBHOOKS_STATE_TABLE: 'webhooks' })
    const { changeStops } = await import('../../shared/core/stops.ts')
    const isStored = await changeStops(() => stops).then(
      () => true,
      (error: Error) => {
        console.log(`stops not stored: ${error.stack}`)
        return false
      },
    )
    send({ kind: 'stops', isStored })
  },
}

function setClock({ machine, functions }: ServeOptions['clock']): void {
  offsets.set([machine, functions])
}

function send(message: FromServed): void {
  process.send?.(message)
}

const { endpoint: lambda, dynamodb, credentials } = cloud
process.on('message', (asked: ToServed) => void answers[asked.kind](asked as never))
process.on('disconnect', () => process.exit())
send({ kind: 'ready', url, lambda, dynamodb, accessKeyId: credentials.accessKeyId })
await once(process, 'disconnect')
