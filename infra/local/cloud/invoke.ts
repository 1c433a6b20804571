import { type Core, delayMs } from './core.ts'
import type { DurableService } from './durable.ts'
import { ApiError, invalidParameter, notFound, notJson } from './errors.ts'
import { executionById } from './executions.ts'
import type { Answer } from './http.ts'
import { functionArn } from './names.ts'
import type { FunctionError, LocalFunction } from './types.ts'
import type { PublishedFunction } from './versions.ts'
import type { Workers } from './workers.ts'

const MAX_EVENT_BYTES = 1024 * 1024
const MAX_REQUEST_BYTES = 6 * 1024 * 1024
const MAX_SYNCHRONOUS_SECONDS = 900
/** Lambda tries a failed asynchronous event twice more, after a minute and after two. */
const EVENT_RETRY_SECONDS = [60, 120]

/** The Invoke API: plain functions and durable ones, with and without waiting for the end. */
export class Invoker {
  readonly #core: Core
  readonly #service: DurableService
  readonly #workers: Workers
  readonly #waiting = new Map<number, (() => void)[]>()
  readonly #retries = new Set<NodeJS.Timeout>()

  constructor(core: Core, service: DurableService, workers: Workers) {
    this.#core = core
    this.#service = service
    this.#workers = workers
  }

  /** All functions. */
  get functions(): LocalFunction[] {
    return this.#core.versions.functions
  }

  /**
   * @param version the newest one when left out
   * @throws ResourceNotFoundException when there is no such function or version
   */
  functionOf(name: string, version?: number): PublishedFunction {
    const fn = this.#core.versions.of(name, version)
    if (fn === undefined) throw notFound(`Function not found: ${functionArn(name, version ?? '$LATEST')}`)
    return fn
  }

  /**
   * Invoke.
   * @param type X-Amz-Invocation-Type: RequestResponse, Event or DryRun
   * @param executionName DurableExecutionName
   * @throws InvalidRequestContentException when the body is not JSON, RequestTooLargeException, and others as AWS does
   */
  async invoke(fn: PublishedFunction, type: string, body: Buffer, executionName?: string): Promise<Answer> {
    const limit = type === 'Event' ? MAX_EVENT_BYTES : MAX_REQUEST_BYTES
    if (body.length > limit)
      throw new ApiError(
        'RequestTooLargeException',
        413,
        `${body.length} byte payload is too large for the ${type} invocation type (limit ${limit} bytes)`,
      )
    const event = body.toString() || '{}'
    assertJson(event)
    if (executionName !== undefined && fn.durable === undefined)
      throw invalidParameter('DurableExecutionName is only supported for durable functions.')
    if (type === 'DryRun') return { status: 204 }
    const headers = { 'x-amz-executed-version': String(fn.version) }
    if (type !== 'Event' && type !== 'RequestResponse') throw invalidParameter(`Invalid invocation type: ${type}`)
    if (fn.durable === undefined) {
      if (type === 'RequestResponse') return answer(await this.run(fn.name, event), headers)
      void this.#runEvent(fn, event, [...EVENT_RETRY_SECONDS])
      return { status: 202, body: '', headers }
    }
    if (type === 'RequestResponse' && fn.durable.executionTimeoutSeconds > MAX_SYNCHRONOUS_SECONDS)
      throw invalidParameter(
        'You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes.',
      )
    const { id, arn } = this.#service.start(fn, executionName, event)
    const durableHeaders = { ...headers, 'x-amz-durable-execution-arn': arn }
    if (type === 'Event') return { status: 202, body: '', headers: durableHeaders }
    return answer(await this.#endOf(id), durableHeaders)
  }

  /** Invokes a function and waits: for a plain one's answer, for the end of a durable one's new execution. */
  async run(name: string, event: string, requestId?: string): Promise<{ result?: string; error?: FunctionError }> {
    const fn = this.functionOf(name)
    if (fn.durable !== undefined) return this.#endOf(this.#service.start(fn, undefined, event).id)
    return (await this.#workers.invoke(fn, () => ({ event, requestId }))) ?? { error: CLOSED }
  }

  /** An execution came to its end: answers those who wait for it. */
  ended(executionId: number): void {
    const waiting = this.#waiting.get(executionId) ?? []
    this.#waiting.delete(executionId)
    for (const resolve of waiting) resolve()
  }

  /** Answers all who wait, and forgets about events that would be tried again. */
  close(): void {
    for (const timer of this.#retries) clearTimeout(timer)
    for (const id of [...this.#waiting.keys()]) this.ended(id)
  }

  async #endOf(id: number): Promise<{ result?: string; error?: FunctionError }> {
    const status = () => executionById(this.#core.store, id)?.status
    if (status() === 'RUNNING')
      await new Promise<void>((resolve) => this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), resolve]))
    const execution = executionById(this.#core.store, id)
    if (execution === undefined || execution.status === 'RUNNING') return { error: CLOSED }
    if (execution.status === 'SUCCEEDED') return { result: execution.result ?? 'null' }
    const { ErrorType, ErrorMessage, StackTrace } = JSON.parse(execution.error ?? '{}')
    return {
      error: {
        errorType: ErrorType ?? execution.status,
        errorMessage: ErrorMessage ?? '',
        ...(StackTrace === undefined ? {} : { trace: StackTrace }),
      },
    }
  }

  async #runEvent(fn: PublishedFunction, event: string, retries: number[]): Promise<void> {
    const ending = await this.#workers.invoke(fn, () => ({ event }))
    const seconds = ending?.error === undefined ? undefined : retries.shift()
    if (seconds === undefined) return
    const timer = setTimeout(
      () => {
        this.#retries.delete(timer)
        void this.#runEvent(fn, event, retries)
      },
      delayMs(this.#core, seconds),
    )
    this.#retries.add(timer)
  }
}

const CLOSED: FunctionError = { errorType: 'ServiceException', errorMessage: 'The local cloud was closed.' }

function answer(ending: { result?: string; error?: FunctionError }, headers: Record<string, string>): Answer {
  if (ending.error === undefined) return { status: 200, body: ending.result ?? 'null', headers }
  return { status: 200, body: ending.error, headers: { ...headers, 'x-amz-function-error': 'Unhandled' } }
}

function assertJson(text: string): void {
  try {
    JSON.parse(text)
  } catch (error) {
    throw notJson(error)
  }
}
