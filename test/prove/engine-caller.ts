import { setTimeout as sleep } from 'node:timers/promises'
import { authorizationWith } from '../../infra/local/cloud/index.ts'
import { runStep } from '../../infra/sandbox/engines/client.ts'
import { EngineError } from '../../infra/sandbox/engines/engine.ts'
import { engines } from '../../infra/sandbox/engines/index.ts'
import { ask } from './ask.ts'
import type { CallRecords } from './call-records.ts'
import type { Call, EngineCall } from './calls.ts'
import type { RuntimeProcess } from './child.ts'
import type { Credentials } from './credentials.ts'

/** Lets the engines of the sandbox call, each through its own API, until they have a result. */
export function createEngineCaller(runtime: RuntimeProcess, credentials: Credentials, callRecords: CallRecords) {
  const stop = new AbortController()
  const crash = Promise.withResolvers<never>()

  const giveUp = async (id: string, after: number) => {
    await sleep(after)
    await runtime.up()
    // If the runtime is killed now, the engine keeps waiting.
    await ask(`${runtime.url}/sandbox/engine-runs/${id}`, { method: 'DELETE' }).catch(() => undefined)
  }

  return {
    /** Rejects if an engine fails. */
    crashed: crash.promise,

    /**
     * Runs a call with its engine.
     *
     * @returns a promise for the first response
     */
    send(call: Call, { name, step, sendsTwice, restarts, givesUpAfter }: EngineCall): Promise<void> {
      const engine = engines.find((one) => one.name === name)
      if (!engine) throw new Error(`Unknown engine ${name}`)
      const entry = callRecords.add(call)
      const first = Promise.withResolvers<void>()
      void runStep(engine, call.id, step, {
        url: runtime.url,
        key: () => credentials.engineKey,
        signal: stop.signal,
        sendsTwice,
        restarts,
        pollMs: 1_000,
        lambda: () => ({ endpoint: runtime.aws.lambda, authorization: authorizationWith(runtime.aws) }),
        onResponse: ({ sentAt, status, body, taskId }) => {
          const delivery = { at: sentAt, answeredAt: Date.now(), status: status === 0 ? undefined : status }
          callRecords.answered(entry, { ...delivery, ...(taskId === undefined ? {} : { taskId }) }, body)
          first.resolve()
        },
      })
        .catch((error: unknown) => {
          if (!(error instanceof EngineError) && !stop.signal.aborted) crash.reject(error)
        })
        .finally(() => {
          first.resolve()
          callRecords.ended(call.id)
        })
      if (givesUpAfter !== undefined) void first.promise.then(() => giveUp(call.id, givesUpAfter))
      return first.promise
    },

    /** Stops all runs. */
    end: () => stop.abort(),
  }
}
