import type * as z from 'zod/mini'
import { parseEvent } from '../../shared/orchestrators/event/event.ts'
import { type Outcome, passed } from '../../shared/outcome.ts'
import type { ActionResult, Completed, JobAction, PollResult, StartedJob } from '../../shared/providers/action.ts'
import type { JobProvider } from '../../shared/providers/job.ts'
import { clientOf } from './client.ts'

type Options = Parameters<typeof clientOf>[2]
// biome-ignore lint/suspicious/noExplicitAny: each action parses its own input.
type AnyAction = JobAction<any, any, any>

/** Returns the duration of a run in seconds, by the times in its results. */
export function secondsOf({ data }: Outcome): number {
  const { start, end } = data as { start: string; end: string }
  return (Date.parse(end) - Date.parse(start)) / 1_000
}

/** Runs the actions of a category with a job provider, as the framework does. */
export class Job<S extends z.ZodMiniObject> {
  readonly #provider: JobProvider<S>
  readonly #actions: { start: AnyAction; stop: AnyAction }
  readonly #values: () => z.input<S>

  /** @param values the connection, as in its secret */
  constructor(provider: JobProvider<S>, actions: { start: AnyAction; stop: AnyAction }, values: () => z.input<S>) {
    this.#provider = provider
    this.#actions = actions
    this.#values = values
  }

  client(options?: Options) {
    return clientOf(this.#provider, this.#connection, options)
  }

  async start(input: object, options?: Options): Promise<StartedJob> {
    return startedJob(await this.#act(this.#actions.start, input, options))
  }

  poll({ job }: StartedJob, input: object, options?: Options): Promise<PollResult> {
    return this.#poll(this.#actions.start, input, job, options)
  }

  /** Polls once and returns the outcome. Throws an error if the run has not ended. */
  async end(started: StartedJob, input: object): Promise<Outcome> {
    const result = await this.poll(started, input)
    if ('outcome' in result) return result.outcome
    throw new Error(`The run is still ${result.status}`)
  }

  /** Starts a run, changes the platform and polls once. */
  async pollAfter(input: object, change: () => unknown): Promise<PollResult> {
    const started = await this.start(input)
    await change()
    return this.poll(started, input)
  }

  /** Starts a run, changes the platform, polls once and returns the outcome. */
  async endAfter(input: object, change: () => unknown): Promise<Outcome> {
    const started = await this.start(input)
    await change()
    return this.end(started, input)
  }

  /** Requests a stop and polls once. */
  async stop(input: object, options?: Options): Promise<Outcome> {
    const result = await this.#act(this.#actions.stop, input, options)
    if (result.type === 'completed') return result.outcome
    const polled = await this.#poll(this.#actions.stop, input, result.job)
    return 'outcome' in polled ? polled.outcome : passed(`still ${polled.status}`)
  }

  /** Requests a stop as the task does at the deadline. */
  async stopAtDeadline(started: StartedJob, input: object): Promise<boolean> {
    const { job } = this.#actions.start
    return job.stop(this.#provider, this.client(), this.#complete(this.#actions.start, input), started.job)
  }

  get #connection(): z.output<S> {
    return this.#provider.connection.parse(this.#values()) as z.output<S>
  }

  /** Checks the input of a start as the webhook does before it accepts the call. */
  check(input: object): void {
    this.#complete(this.#actions.start, input)
  }

  async #act(action: AnyAction, input: object, options?: Options): Promise<Completed | StartedJob> {
    const result = await action.run(this.#provider, this.client(options), this.#complete(action, input))
    if (result.type === 'delegated') throw new Error(`The job was delegated: ${result.outcome.message}`)
    return result
  }

  #poll(action: AnyAction, input: object, job: unknown, options?: Options): Promise<PollResult> {
    return action.job.getStatus(this.#provider, this.client(options), this.#complete(action, input), job)
  }

  #complete(action: AnyAction, input: object): object {
    const connection = this.#connection as Record<string, unknown>
    const event = parseEvent({ id: 'an-event', data: { project: 'shop', stage: 'production', service: 'checkout' } })
    return action.complete(action.input.parse(input), { event, connection, provider: this.#provider })
  }
}

/** Returns the started job. Throws an error if the action has another result. */
export function startedJob(result: ActionResult): StartedJob {
  if (result.type === 'started') return result
  throw new Error(`No job was started: ${result.outcome.message}`)
}
