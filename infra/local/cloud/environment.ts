import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { Worker } from 'node:worker_threads'
import { transformSync } from 'esbuild'
import { functionArn } from './names.ts'
import type { FunctionError, Observation } from './types.ts'
import type { PublishedFunction } from './versions.ts'

/** What the thread is started with. */
export interface ThreadData {
  file: string
  handler: string
  functionName: string
  functionVersion: string
  functionArn: string
  logStreamName: string
  memoryMb: number
}

/** One invocation, as the thread gets it; `timeLeft` in milliseconds. */
export interface ToThread {
  requestId: string
  event: string
  timeLeft: number
}

/** What the thread reports. */
export type FromThread =
  | { kind: 'ready' }
  | { kind: 'failed'; error: FunctionError }
  | { kind: 'log'; stream: 'stdout' | 'stderr'; line: string }
  | { kind: 'answer'; requestId: string; result: string }
  | { kind: 'answer'; requestId: string; error: FunctionError }

/** The event of an invocation (JSON text) and the durable execution that it belongs to. */
export interface Invocation {
  event: string
  execution?: string
  /** Made up when undefined. */
  requestId?: string | undefined
}

/** How an invocation ended: the JSON text of its result, or an error. Times in milliseconds since 1970. */
export interface InvocationEnd {
  requestId: string
  startedAt: number
  endedAt: number
  result?: string
  error?: FunctionError
}

const INIT_TIMEOUT_MS = 30_000
export const DEFAULT_MEMORY_MB = 512
/** V8 would let the heap of short-lived objects grow to several times that in every thread, and be no faster. */
const YOUNG_MB = 8
const GONE = { errorType: 'Runtime.ExitError', errorMessage: 'Error: Runtime exited with error' }

interface Job extends Invocation {
  requestId: string
  settle: (ending: { result: string } | { error: FunctionError }) => void
}

/** One Lambda execution environment: a worker thread that runs one invocation at a time. */
export class Environment {
  readonly #fn: PublishedFunction
  readonly #observe: (observation: Observation) => void
  readonly #worker: Worker
  readonly #ready: Promise<FunctionError | undefined>
  /** Settles once the thread is gone. */
  readonly gone: Promise<void>
  #job: Job | undefined
  #crash: FunctionError | undefined
  #ended = false
  #used = false

  /**
   * @param variables the complete environment of the thread
   * @param observe told of log lines and of each invocation
   */
  constructor(fn: PublishedFunction, variables: Record<string, string>, observe: (observation: Observation) => void) {
    this.#fn = fn
    this.#observe = observe
    this.#worker = startThread(fn, variables)
    const exited = Promise.withResolvers<void>()
    this.gone = exited.promise
    const ready = Promise.withResolvers<FunctionError | undefined>()
    this.#ready = ready.promise
    const initTimer = setTimeout(() => {
      ready.resolve({ errorType: 'Sandbox.Timedout', errorMessage: `Init timed out after ${INIT_TIMEOUT_MS} ms` })
    }, INIT_TIMEOUT_MS)
    this.#worker.on('message', (message: FromThread) => {
      if (message.kind === 'ready') ready.resolve(undefined)
      else if (message.kind === 'failed') {
        // The thread ends by itself now; its exit may be seen first by the invocation that waits.
        this.#crash = message.error
        ready.resolve(message.error)
      } else if (message.kind === 'log') this.#log(message.stream, message.line)
      else if (message.requestId === this.#job?.requestId) this.#job.settle(message)
    })
    this.#worker.on('error', (error) => {
      this.#crash = crashOf(error)
    })
    this.#worker.on('exit', (code) => {
      this.#ended = true
      clearTimeout(initTimer)
      const error = this.#crash ?? { ...GONE, errorMessage: `${GONE.errorMessage}: exit status ${code}` }
      ready.resolve(error)
      if (this.#job !== undefined) this.#job.settle({ error })
      else if (this.#crash !== undefined) this.#log('stderr', `${error.errorType}: ${error.errorMessage}`)
      exited.resolve()
    })
    void ready.promise.then(() => clearTimeout(initTimer))
    // What does not go through process.stdout of the thread, such as Node's own warnings.
    for (const stream of ['stdout', 'stderr'] as const)
      createInterface({ input: this.#worker[stream] }).on('line', (line) => this.#log(stream, line))
  }

  /** Whether the thread can take another invocation. */
  get isUsable(): boolean {
    return !this.#ended
  }

  /** Runs one invocation; an environment that times out, fails to start or crashes is gone afterwards. */
  async run(invocation: Invocation): Promise<InvocationEnd> {
    const { requestId = randomUUID() } = invocation
    const coldStart = !this.#used
    this.#used = true
    const answered = Promise.withResolvers<{ result: string } | { error: FunctionError }>()
    this.#job = { ...invocation, requestId, settle: answered.resolve }
    const initError = await this.#ready
    const startedAt = Date.now()
    let timer: NodeJS.Timeout | undefined
    if (initError !== undefined || this.#ended) {
      answered.resolve({ error: initError ?? this.#crash ?? GONE })
      await this.end()
    } else {
      const timeoutMs = this.#fn.timeoutSeconds * 1000
      timer = setTimeout(() => {
        const seconds = this.#fn.timeoutSeconds.toFixed(2)
        answered.resolve({
          error: {
            errorType: 'Sandbox.Timedout',
            errorMessage: `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`,
          },
        })
        void this.end()
      }, timeoutMs)
      const message: ToThread = { requestId, event: invocation.event, timeLeft: timeoutMs }
      this.#worker.postMessage(message)
    }
    const ending = await answered.promise
    clearTimeout(timer)
    this.#job = undefined
    const endedAt = Date.now()
    this.#observe({
      at: endedAt,
      kind: 'invocation',
      functionName: this.#fn.name,
      ...(invocation.execution === undefined ? {} : { execution: invocation.execution }),
      requestId,
      durationMs: endedAt - startedAt,
      coldStart,
      ...('error' in ending ? { status: 'FAILED', error: ending.error } : { status: 'SUCCEEDED' }),
    })
    return {
      requestId,
      startedAt,
      endedAt,
      ...('error' in ending ? { error: ending.error } : { result: ending.result }),
    }
  }

  /** Ends the thread, also in the middle of an invocation. */
  async end(): Promise<void> {
    this.#ended = true
    await this.#worker.terminate()
  }

  #log(stream: 'stdout' | 'stderr', line: string): void {
    const { execution, requestId } = this.#job ?? {}
    this.#observe({
      at: Date.now(),
      kind: 'log',
      functionName: this.#fn.name,
      ...(execution === undefined ? {} : { execution }),
      ...(requestId === undefined ? {} : { requestId }),
      stream,
      line,
    })
  }
}

let compiled: URL | undefined

// Compiled here, once: else each thread would load Node's TypeScript parser for it, which takes 20 MB and 30 ms.
function threadModule(): URL {
  if (compiled === undefined) {
    const source = readFileSync(new URL('./thread.ts', import.meta.url), 'utf8')
    const { code } = transformSync(source, { loader: 'ts', format: 'esm', target: 'node24' })
    compiled = new URL(`data:text/javascript,${encodeURIComponent(code)}`)
  }
  return compiled
}

function startThread(fn: PublishedFunction, variables: Record<string, string>): Worker {
  const memoryMb = fn.memoryMb ?? DEFAULT_MEMORY_MB
  const workerData: ThreadData = {
    file: resolve(fn.file),
    handler: fn.handler,
    functionName: fn.name,
    functionVersion: String(fn.version),
    functionArn: functionArn(fn.name, fn.version),
    logStreamName: `[${fn.version}]${randomUUID()}`,
    memoryMb,
  }
  return new Worker(threadModule(), {
    workerData,
    env: variables,
    argv: [],
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: YOUNG_MB },
  })
}

// What another thread threw is rebuilt here, and need not be an instance of Error.
function crashOf(error: unknown): FunctionError {
  const { name, message, stack, code } = (error ?? {}) as Partial<NodeJS.ErrnoException>
  return {
    errorType: code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'Runtime.OutOfMemory' : (name ?? typeof error),
    errorMessage: message ?? String(error),
    ...(stack === undefined ? {} : { trace: stack.split('\n') }),
  }
}
