import type * as z from 'zod/mini'
import { parseEvent } from '../../shared/orchestrators/keptn/event.ts'
import { type Outcome, passed } from '../../shared/outcome.ts'
import type { JobAction, PollResult, StartedJob } from '../../shared/providers/action.ts'
import type { JobProvider } from '../../shared/providers/job.ts'
import { clientOf } from './helpers.ts'

type Options = Parameters<typeof clientOf>[2]
// biome-ignore lint/suspicious/noExplicitAny: what it takes is checked by its own schema, as in a category.
type AnyAction = JobAction<any, any, any>

/** How long a run took, by the times in its results. */
export function secondsOf({ data }: Outcome): number {
  const { start, end } = data as { start: string; end: string }
  return (Date.parse(end) - Date.parse(start)) / 1_000
}

/** A provider of jobs, driven by the actions of its category as the framework drives it. */
export class Job<S extends z.ZodMiniObject> {
  readonly #provider: JobProvider<S>
  readonly #actions: { start: AnyAction; stop: AnyAction }
  readonly #values: () => z.input<S>

  /** @param values of the connection, as in its secret */
  constructor(provider: JobProvider<S>, actions: { start: AnyAction; stop: AnyAction }, values: () => z.input<S>) {
    this.#provider = provider
    this.#actions = actions
    this.#values = values
  }

  client(options?: Options) {
    return clientOf(this.#provider, this.#connection, options)
  }

  async start(input: object, options?: Options): Promise<StartedJob> {
    return begun(await this.#act(this.#actions.start, input, options))
  }

  look({ job }: StartedJob, input: object): Promise<PollResult> {
    return this.#look(this.#actions.start, input, job)
  }

  /** What it ended with. */
  async end(begun: StartedJob, input: object): Promise<Outcome> {
    const look = await this.look(begun, input)
    if ('outcome' in look) return look.outcome
    throw new Error(`It is still ${look.status}`)
  }

  /** Asks for its end, and looks once whether that has come. */
  async stop(input: object): Promise<Outcome> {
    const result = await this.#act(this.#actions.stop, input)
    if (!('job' in result)) return result
    const look = await this.#look(this.#actions.stop, input, result.job)
    return 'outcome' in look ? look.outcome : passed(`still ${look.status}`)
  }

  /** Asks for the end of what has begun, as at a deadline. */
  async stopAtDeadline(started: StartedJob, input: object): Promise<boolean> {
    const { job } = this.#actions.start
    return job.stop(this.#provider, this.client(), this.#complete(this.#actions.start, input), started.job)
  }

  get #connection(): z.output<S> {
    return this.#provider.connection.parse(this.#values()) as z.output<S>
  }

  async #act(action: AnyAction, input: object, options?: Options): Promise<Outcome | StartedJob> {
    const result = await action.run(this.#provider, this.client(options), this.#complete(action, input))
    if ('delegatedTo' in result) throw new Error(`It was handed over: ${result.outcome.message}`)
    return result
  }

  #look(action: AnyAction, input: object, pending: unknown): Promise<PollResult> {
    return action.job.getStatus(this.#provider, this.client(), this.#complete(action, input), pending)
  }

  #complete(action: AnyAction, input: object): object {
    const connection = this.#connection as Record<string, unknown>
    const event = parseEvent({ id: 'an-event', data: { project: 'shop', stage: 'production', service: 'checkout' } })
    return action.complete(action.input.parse(input), { event, connection, provider: this.#provider })
  }
}

function begun(result: Outcome | StartedJob): StartedJob {
  if ('job' in result) return result
  throw new Error(`Nothing goes on: ${result.message}`)
}
