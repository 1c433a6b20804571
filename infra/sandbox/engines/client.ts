import { setTimeout as sleep } from 'node:timers/promises'
import type { RunFaults } from '../platforms/sandbox/faults.ts'
import { type Engine, type EngineClient, EngineError, type EngineRequest, type EngineResponse } from './engine.ts'
import { type EngineHost, placeOf } from './place.ts'
import type { StartedRun } from './routes.ts'
import type { Ending, EngineMessage, EngineRun, Reception } from './runs.ts'
import type { Step } from './step.ts'
import { readTaskStatus } from './task-status.ts'

export interface ClientOptions extends EngineHost, Partial<RunFaults> {
  /** Returns the local Lambda API and the header for it, for engines that invoke functions. Both change when the runtime restarts. */
  lambda?: () => { endpoint: string; authorization: string } | undefined
  signal: AbortSignal
  /** Receives what the engine does. */
  print?: (text: string) => void
  onAccepted?: (taskId: string) => void
  /** Receives each response to a call, and the status 0 for a missing one. */
  onResponse?: (response: SandboxResponse & { sentAt: number }) => void
  pollMs?: number
  /** For tests: divides the delays of the engine. */
  timeScale?: number
}

/** Longer than a webhook may take. */
const TIMEOUT_MS = 40_000
const POLL_MS = 250
/** The status for an answer that comes before the engine waits. It is sent again. */
const TOO_EARLY = 409

/** The engine restarts. */
class Restart extends Error {}

/**
 * Runs a step with an engine.
 *
 * @param id identifies the run. A repeat continues it
 * @throws EngineError if the engine gives up; the reason of the signal if it is aborted
 */
export async function runStep(engine: Engine, id: string, step: Step, options: ClientOptions): Promise<Ending> {
  const sandbox = sandboxOf(options)
  const started = await sandbox<StartedRun>('', { method: 'POST', body: { id, engine: engine.name, step } })
  const { faults, ...run } = started
  if (run.ending) return run.ending
  const ending = await play(engine, run, {
    ...options,
    sendsTwice: options.sendsTwice || faults.sendsTwice,
    restarts: options.restarts || faults.restarts,
  }).catch(async (error: unknown) => {
    // The engine has failed the run, and no longer waits.
    if (error instanceof EngineError) await sandbox(`/${id}`, { method: 'DELETE' })
    if (options.signal.aborted) {
      const { sendsTwice: _, restarts: _1, ...rest } = options
      await engine.cancel?.(run, clientOf(engine, run, { ...rest, signal: AbortSignal.timeout(TIMEOUT_MS) }))
    }
    throw error
  })
  const { reception } = await sandbox<{ reception: Reception }>(`/${id}/ending`, { method: 'POST', body: ending })
  if (reception === 'contradicts') throw new EngineError('The engine got two different results.')
  return ending
}

async function play(engine: Engine, run: EngineRun, options: ClientOptions): Promise<Ending> {
  try {
    return await engine.run(run, clientOf(engine, run, options))
  } catch (error) {
    if (!(error instanceof Restart)) throw error
    options.print?.('The engine restarts.')
    return await engine.run(run, clientOf(engine, run, { ...options, restarts: false }))
  }
}

function clientOf(engine: Engine, run: EngineRun, options: ClientOptions): EngineClient {
  const { url, signal, lambda = () => undefined, print = () => {}, onAccepted = () => {}, timeScale = 1 } = options
  const place = placeOf(engine, options)
  const said = new Set<string>()
  let accepted = ''

  /** Sends a request as often as the faults of the engine say. */
  async function deliver(what: string, address: string, init: RequestInit, isPoll = false): Promise<EngineResponse> {
    client.say(`-> ${what}`)
    const response = await sendRecorded(run, what, address, init, options)
    if (!isPoll) client.say(response.status === 0 ? '<- no response' : `<- ${response.status}`)
    const { taskId } = response
    if (taskId !== undefined && taskId !== accepted) onAccepted(taskId)
    accepted = taskId ?? accepted
    if (options.sendsTwice) await sendRecorded(run, what, address, init, options)
    if (options.restarts) throw new Restart()
    return response
  }

  const client: EngineClient = {
    ...place,
    send: ({ method = 'POST', path, headers, body, isPoll }: EngineRequest) =>
      deliver(
        `${method} ${path}`,
        `${url}${path}`,
        {
          method,
          headers,
          redirect: 'manual',
          ...(body === undefined ? {} : { body }),
        },
        isPoll,
      ),
    async invoke(functionName, payload) {
      const aws = lambda()
      if (!aws) return { status: 0, body: '' }
      return deliver(`Invoke ${functionName}`, `${aws.endpoint}/2015-03-31/functions/${functionName}/invocations`, {
        method: 'POST',
        headers: { authorization: aws.authorization, 'x-amz-invocation-type': 'RequestResponse' },
        body: JSON.stringify(payload),
      })
    },
    ending: () => waitForEnding(engine, run, client, options),
    sleep: (ms) => sleep(ms / timeScale, undefined, { signal }),
    say(text) {
      if (!said.has(text)) print(text)
      said.add(text)
    },
  }
  return client
}

/** Sends a request, and records it with its response in the sandbox. */
async function sendRecorded(
  run: EngineRun,
  what: string,
  address: string,
  init: RequestInit,
  options: ClientOptions,
): Promise<SandboxResponse> {
  const { signal, onResponse } = options
  const sentAt = Date.now()
  const response = await fetchText(address, {
    ...init,
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  })
  signal.throwIfAborted()
  onResponse?.({ ...response, sentAt })
  const { status, body } = response
  const message: Omit<EngineMessage, 'at'> = { direction: 'call', what, status, body }
  await sandboxOf(options)(`/${run.id}/messages`, { method: 'POST', body: message })
  return response
}

/** Waits until the API of the engine has the result of a run. */
async function waitForEnding(
  engine: Engine,
  run: EngineRun,
  { say, sleep }: EngineClient,
  options: ClientOptions,
): Promise<Ending> {
  const sandbox = sandboxOf(options)
  for (;;) {
    const { ending, isGone, messages } = await sandbox<EngineRun & { messages: EngineMessage[] }>(`/${run.id}`)
    for (const { direction, what, status } of messages) {
      // Their number depends on the time, like the number of answers that come before the engine waits.
      const isCounted = direction === 'answer' && status !== TOO_EARLY && !engine.repeats?.includes(what)
      if (isCounted) say(`<- ${what}, answered with ${status}`)
    }
    if (ending) return ending
    if (isGone) throw new EngineError('The engine no longer waits.')
    await sleep(options.pollMs ?? POLL_MS)
  }
}

/** Returns a function that calls the sandbox. It waits while the runtime restarts. */
function sandboxOf({ url, signal, pollMs = POLL_MS }: ClientOptions) {
  return async <T>(path: string, { method = 'GET', body }: { method?: string; body?: object } = {}): Promise<T> => {
    for (;;) {
      signal.throwIfAborted()
      const { status, body: text } = await fetchText(`${url}/sandbox/engine-runs${path}`, {
        method,
        signal,
        headers: { 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      if (status >= 400) throw new Error(`The sandbox responded with ${status}: ${text}`)
      if (status > 0) return (text === '' ? undefined : JSON.parse(text)) as T
      await sleep(pollMs, undefined, { signal })
    }
  }
}

interface SandboxResponse extends EngineResponse {
  /** The task that the webhooks accepted, or that a gate belongs to. */
  taskId?: string | undefined
}

/** The status is 0 if there is no response. */
async function fetchText(address: string, init: RequestInit): Promise<SandboxResponse> {
  try {
    const response = await fetch(address, init)
    const body = await response.text()
    const taskId = response.headers.get('x-task-id') ?? readTaskStatus(body).taskId
    return { status: response.status, body, taskId }
  } catch {
    return { status: 0, body: '' }
  }
}
