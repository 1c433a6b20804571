import { setTimeout as sleep } from 'node:timers/promises'
import { runStep } from '../../infra/engines/client.ts'
import { EngineError } from '../../infra/engines/engine.ts'
import { engines } from '../../infra/engines/index.ts'
import { ask } from './ask.ts'
import type { CallRecords } from './call-records.ts'
import type { Call, EngineCall } from './calls.ts'
import type { RuntimeProcess } from './child.ts'
import type { Credentials } from './credentials.ts'

/** Lets the engines of the sandbox call, each in its own contract, until they have a result. */
export class EngineCaller {
  readonly #runtime: RuntimeProcess
  readonly #credentials: Credentials
  readonly #callRecords: CallRecords
  readonly #stop = new AbortController()
  readonly #crash = Promise.withResolvers<never>()

  constructor(runtime: RuntimeProcess, credentials: Credentials, callRecords: CallRecords) {
    this.#runtime = runtime
    this.#credentials = credentials
    this.#callRecords = callRecords
  }

  /**
   * Runs a call with its engine.
   *
   * @returns a promise for the first response
   */
  send(call: Call, { name, step, sendsTwice, restarts, givesUpAfter }: EngineCall): Promise<void> {
    const engine = engines.find((one) => one.name === name)
    if (!engine) throw new Error(`Unknown engine ${name}`)
    const entry = this.#callRecords.add(call)
    const first = Promise.withResolvers<void>()
    void runStep(engine, call.id, step, {
      ...{
        url: this.#runtime.url,
        key: () => this.#credentials.engineKey,
        signal: this.#stop.signal,
        sendsTwice,
        restarts,
      },
      pollMs: 1_000,
      lambda: () => ({ endpoint: this.#runtime.lambda, accessKeyId: this.#runtime.accessKeyId }),
      onResponse: ({ sentAt, status, body, taskId }) => {
        const delivery = { at: sentAt, answeredAt: Date.now(), status: status === 0 ? undefined : status }
        this.#callRecords.answered(entry, { ...delivery, ...(taskId === undefined ? {} : { taskId }) }, body)
        first.resolve()
      },
    })
      .catch((error: unknown) => {
        if (!(error instanceof EngineError) && !this.#stop.signal.aborted) this.#crash.reject(error)
      })
      .finally(() => {
        first.resolve()
        this.#callRecords.ended(call.id)
      })
    if (givesUpAfter !== undefined) void first.promise.then(() => this.#giveUp(call.id, givesUpAfter))
    return first.promise
  }

  /** Rejects if an engine fails. */
  get crashed(): Promise<never> {
    return this.#crash.promise
  }

  /** Stops all runs. */
  end(): void {
    this.#stop.abort()
  }

  async #giveUp(id: string, after: number): Promise<void> {
    await sleep(after)
    await this.#runtime.up()
    // If the runtime is killed now, the engine keeps waiting.
    await ask(`${this.#runtime.url}/sandbox/engine-runs/${id}`, { method: 'DELETE' }).catch(() => undefined)
  }
}
