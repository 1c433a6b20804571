import type { Core } from './core.ts'
import type { DurableService } from './durable.ts'
import type { Invocation } from './environment.ts'
import { ApiError, invalidParameter, notJson } from './errors.ts'
import { executionById } from './executions.ts'
import type { ApiResponse } from './http.ts'
import { functionOf, resolveFunction } from './resolve-function.ts'
import type { FunctionError, LocalFunction } from './types.ts'
import type { InvokedFunction, PublishedFunction, Versions } from './versions.ts'
import type { Workers } from './workers.ts'

const MAX_EVENT_BYTES = 1024 * 1024
const MAX_REQUEST_BYTES = 6 * 1024 * 1024

/** The Invoke API: synchronous for plain functions, asynchronous for durable functions. */
export class Invoker {
  readonly #core: Core
  readonly #service: DurableService
  readonly #workers: Workers
  readonly #waiting = new Map<number, (() => void)[]>()
  constructor(core: Core, service: DurableService, workers: Workers) {
    this.#core = core
    this.#service = service
    this.#workers = workers
  }

  /** All functions. */
  get functions(): LocalFunction[] {
    return this.#core.versions.functions
  }

  get versions(): Versions {
    return this.#core.versions
  }

  /**
   * @param version defaults to the latest
   * @throws ResourceNotFoundException if the function or version does not exist
   */
  functionOf(name: string, version?: number): PublishedFunction {
    return functionOf(this.#core.versions, name, version)
  }

  /** @see resolveFunction */
  resolve(id: string): InvokedFunction {
    return resolveFunction(this.#core.versions, id)
  }

  /**
   * Invoke. Supports the invocation types that this project uses.
   *
   * @param type X-Amz-Invocation-Type: RequestResponse for plain functions, Event for durable functions
   * @param executionName DurableExecutionName
   * @throws InvalidRequestContentException, RequestTooLargeException and InvalidParameterValueException, as AWS does
   */
  async invoke(fn: InvokedFunction, type: string, body: Buffer, executionName?: string): Promise<ApiResponse> {
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
    const headers = { 'x-amz-executed-version': String(fn.version) }
    if (fn.durable === undefined) {
      if (type === 'RequestResponse')
        return invocationResponse(await this.run(fn.name, event, { qualifier: fn.qualifier }), headers)
      throw invalidParameter(`The local cloud does not support the invocation type ${type} for a plain function.`)
    }
    if (type !== 'Event')
      throw invalidParameter(`The local cloud does not support the invocation type ${type} for a durable function.`)
    const { arn } = this.#service.start(fn, executionName, event)
    return { status: 202, body: '', headers: { ...headers, 'x-amz-durable-execution-arn': arn } }
  }

  /** Invokes a function and returns its result. For a durable function, waits until the new execution ends. */
  async run(
    name: string,
    event: string,
    options: Pick<Invocation, 'requestId' | 'qualifier'> = {},
  ): Promise<{ result?: string; error?: FunctionError }> {
    const fn = this.functionOf(name)
    if (fn.durable !== undefined) return this.#endOf(this.#service.start(fn, undefined, event).id)
    return (await this.#workers.invoke(fn, () => ({ event, ...options }))) ?? { error: CLOSED }
  }

  /** Resolves the calls of `run` that wait for an execution. */
  ended(executionId: number): void {
    const waiting = this.#waiting.get(executionId) ?? []
    this.#waiting.delete(executionId)
    for (const resolve of waiting) resolve()
  }

  /** Resolves all calls of `run`. */
  close(): void {
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
}

const CLOSED: FunctionError = { errorType: 'ServiceException', errorMessage: 'The local cloud was closed.' }

function invocationResponse(
  ending: { result?: string; error?: FunctionError },
  headers: Record<string, string>,
): ApiResponse {
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
