import type { Platform } from '../platforms/sandbox/http.ts'
import type { Ending, EngineRun, EngineRuns } from './runs.ts'
import type { Step } from './step.ts'

/**
 * An orchestrator of the sandbox: one file, and one line in `index.ts`. It calls the webhooks in the contract of the real
 * engine, and gets the answers in it.
 */
export interface Engine {
  /** The name of the engine, its caller and its fault target `engines/<name>`. */
  name: string
  title: string
  /** How it calls and gets results, as a sentence for people. */
  summary: string
  /** Returns the secrets that the local runtime has for this engine. */
  secrets(place: EnginePlace): EngineSecrets
  /** Returns the API that gets the answers, at `<url>/sandbox/engines/<name>`. Omit it if the engine polls. */
  platform?(runs: EngineRuns, place: EnginePlace): Platform
  /** Kinds of answers that a run may get several of, such as heartbeats. Transcripts omit them. */
  repeats?: readonly string[]
  /** Why the engine cannot run a step, for example because it has no way to ask people. Omit it if it runs all. */
  refuses?(step: Step): string | undefined
  /**
   * Runs a step: calls the webhook, and waits until it has the result. After a restart of the engine, it is called again
   * for the same run, and must continue it.
   *
   * @throws EngineError if the engine ends the run without a result, for example because the call is refused
   */
  run(run: EngineRun, client: EngineClient): Promise<Ending>
  /** Called if a user stops the engine while it runs a step. Omit it if the task of the real engine then keeps running. */
  cancel?(run: EngineRun, client: EngineClient): Promise<void>
}

/** The addresses and credentials of an engine. */
export interface EnginePlace {
  /** URL of the local runtime. */
  url: string
  /** URL of the API of the engine: `<url>/sandbox/engines/<name>`. */
  root: string
  /** Returns a credential of the engine. Each purpose has its own. */
  credential(purpose: string): string
}

/** Entries of the secrets, without the prefix of the deployment. */
interface EngineSecrets {
  /** Entries of the secret `callers`, by name. */
  callers: Record<string, object>
  /** The secrets `orchestrators/<name>`, by name. */
  orchestrators?: Record<string, object>
}

/** The tools of an engine that runs a step. They record everything that it sends. */
export interface EngineClient extends EnginePlace {
  /** Sends a request to the webhooks. Resolves with the status 0 if there is no response. */
  send(request: EngineRequest): Promise<EngineResponse>
  /** Invokes a function without HTTP, as AWS services do. The status is 0 without a response. */
  invoke(functionName: string, payload: object): Promise<EngineResponse>
  /** Waits until the API of the engine has the result. */
  ending(): Promise<Ending>
  sleep(ms: number): Promise<void>
  /** Prints a line, once per run: polls would repeat it. */
  say(text: string): void
}

export interface EngineRequest {
  method?: string
  /** Path with query, such as `/v1/ci-cd/trigger-build?mode=interactive`. */
  path: string
  headers: Record<string, string>
  body?: string
  /** The engine repeats the request until something changes, and prints what the response means. */
  isPoll?: true
}

export interface EngineResponse {
  status: number
  body: string
}

/** The engine gives up a run. */
export class EngineError extends Error {
  override name = 'EngineError'
}
