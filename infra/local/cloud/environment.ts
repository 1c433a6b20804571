import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { getCompileCacheDir } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { EXTENSION, PACKAGE } from '../../project/roots.ts'
import { functionArn } from './names.ts'
import type { FunctionError, Observation, ObservedRequest } from './types.ts'
import type { PublishedFunction } from './versions.ts'

/** Start parameters of the thread. */
export interface ThreadData {
  file: string
  handler: string
  functionName: string
  functionVersion: string
  logStreamName: string
  memoryMb: number
  /** Folder with the compiled code, if it is used. */
  compileCache: string | undefined
}

/** An invocation for the thread; `timeLeft` in milliseconds. */
export interface ToThread {
  requestId: string
  event: string
  timeLeft: number
  /** The function as the invoker has named it. */
  functionArn: string
}

/** A message from the thread. */
export type FromThread =
  | { kind: 'ready' }
  | { kind: 'failed'; error: FunctionError }
  | { kind: 'log'; stream: 'stdout' | 'stderr'; line: string }
  | ({ kind: 'request' } & ObservedRequest)
  | { kind: 'answer'; requestId: string; result: string }
  | { kind: 'answer'; requestId: string; error: FunctionError }

export interface Invocation {
  /** JSON text. */
  event: string
  /** Name of the durable execution. */
  execution?: string
  /** Defaults to a random id. */
  requestId?: string | undefined
  /** The version or the alias that the invoker has named. Defaults to the version. */
  qualifier?: string | undefined
}

/** Result of an invocation as JSON text, or its error. Times in milliseconds since 1970. */
export interface InvocationEnd {
  requestId: string
  startedAt: number
  endedAt: number
  result?: string
  error?: FunctionError
}

const INIT_TIMEOUT_MS = 30_000
export const DEFAULT_MEMORY_MB = 512
/** The default of V8 uses several times this memory in each thread without being faster. */
const YOUNG_MB = 8
const GONE = { errorType: 'Runtime.ExitError', errorMessage: 'Error: Runtime exited with error' }

interface Job extends Invocation {
  requestId: string
  resolve: (ending: { result: string } | { error: FunctionError }) => void
}

/** A Lambda execution environment: a worker thread that runs one invocation at a time. */
export class Environment {
  readonly #fn: PublishedFunction
  readonly #observe: (observation: Observation) => void
  readonly #worker: Worker
  readonly #ready: Promise<FunctionError | undefined>
  /** Resolves when the thread has exited. */
  readonly gone: Promise<void>
  #job: Job | undefined
  #crash: FunctionError | undefined
  #ended = false
  #used = false

  /**
   * @param variables all environment variables of the thread
   * @param observe receives log lines and invocations
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
        // The thread exits now. Its exit event may reach the waiting invocation first.
        this.#crash = message.error
        ready.resolve(message.error)
      } else if (message.kind === 'log') this.#report({ kind: 'log', stream: message.stream, line: message.line })
      else if (message.kind === 'request') this.#report(message)
      else if (message.requestId === this.#job?.requestId) this.#job.resolve(message)
    })
    this.#worker.on('error', (error) => {
      this.#crash = crashOf(error)
    })
    this.#worker.on('exit', (code) => {
      this.#ended = true
      clearTimeout(initTimer)
      const error = this.#crash ?? { ...GONE, errorMessage: `${GONE.errorMessage}: exit status ${code}` }
      ready.resolve(error)
      if (this.#job !== undefined) this.#job.resolve({ error })
      else if (this.#crash !== undefined)
        this.#report({ kind: 'log', stream: 'stderr', line: `${error.errorType}: ${error.errorMessage}` })
      exited.resolve()
    })
    void ready.promise.then(() => clearTimeout(initTimer))
    // Output that bypasses process.stdout of the thread, such as warnings of Node.
    for (const stream of ['stdout', 'stderr'] as const)
      createInterface({ input: this.#worker[stream] }).on('line', (line) => this.#report({ kind: 'log', stream, line }))
  }

  /** Whether the thread can run another invocation. */
  get isUsable(): boolean {
    return !this.#ended
  }

  /** Runs an invocation. The environment ends if it times out, fails to start or crashes. */
  async run(invocation: Invocation): Promise<InvocationEnd> {
    const { requestId = randomUUID() } = invocation
    const coldStart = !this.#used
    this.#used = true
    const answered = Promise.withResolvers<{ result: string } | { error: FunctionError }>()
    this.#job = { ...invocation, requestId, resolve: answered.resolve }
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
      const { event, qualifier = this.#fn.version } = invocation
      const invokedArn = functionArn(this.#fn.name, qualifier)
      const message: ToThread = { requestId, event, timeLeft: timeoutMs, functionArn: invokedArn }
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

  /** Ends the thread, even during an invocation. */
  async end(): Promise<void> {
    this.#ended = true
    await this.#worker.terminate()
  }

  /** Reports a log line or a sent request of the current invocation. */
  #report(content: Pick<LogLine, 'kind' | 'stream' | 'line'> | ({ kind: 'request' } & ObservedRequest)): void {
    const { execution, requestId } = this.#job ?? {}
    this.#observe({
      at: Date.now(),
      functionName: this.#fn.name,
      ...(execution === undefined ? {} : { execution }),
      ...(requestId === undefined ? {} : { requestId }),
      ...content,
    })
  }
}

type LogLine = Extract<Observation, { kind: 'log' }>

const THREAD = EXTENSION === '.ts' ? await compiledThread() : undefined

/**
 * Compiles the thread module after a change. Otherwise each thread would load the TypeScript parser of Node (20 MB, 30 ms),
 * or each process would start the compiler (100 ms).
 */
async function compiledThread(): Promise<{ file: string; code: string }> {
  const source = readFileSync(new URL('./thread.ts', import.meta.url), 'utf8')
  const hash = createHash('sha256').update(source).digest('hex').slice(0, 16)
  const file = join(PACKAGE, 'node_modules/.cache/webhooks', `thread-${hash}.mjs`)
  if (existsSync(file)) return { file, code: readFileSync(file, 'utf8') }
  const { transform } = await import('esbuild')
  const { code } = await transform(source, { loader: 'ts', format: 'esm', target: 'node24' })
  return { file, code }
}

/** Returns the module of a thread. Writes it if it is missing: an installation in another terminal deletes it. */
function threadModule(): URL {
  if (!THREAD) return new URL('./thread.js', import.meta.url)
  const { file, code } = THREAD
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true })
    // Another process may read it already.
    const draft = `${file}.${process.pid}`
    writeFileSync(draft, code)
    renameSync(draft, file)
  }
  return pathToFileURL(file)
}

function startThread(fn: PublishedFunction, variables: Record<string, string>): Worker {
  const memoryMb = fn.memoryMb ?? DEFAULT_MEMORY_MB
  const workerData: ThreadData = {
    file: resolve(fn.file),
    handler: fn.handler,
    functionName: fn.name,
    functionVersion: String(fn.version),
    logStreamName: `[${fn.version}]${randomUUID()}`,
    memoryMb,
    // Copies would fill the cache, because each state folder has another path.
    compileCache: fn.isCopy === false ? getCompileCacheDir() : undefined,
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

/** Converts an error of the thread, which need not be an instance of Error. */
function crashOf(error: unknown): FunctionError {
  const { name, message, stack, code } = (error ?? {}) as Partial<NodeJS.ErrnoException>
  return {
    errorType: code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'Runtime.OutOfMemory' : (name ?? typeof error),
    errorMessage: message ?? String(error),
    ...(stack === undefined ? {} : { trace: stack.split('\n') }),
  }
}
