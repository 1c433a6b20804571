import type * as z from 'zod/mini'
import { actions } from '../../../functions/ci-cd/actions.ts'
import type { Outcome } from '../../../shared/outcome.ts'
import type { JobProvider } from '../../../shared/providers/job.ts'
import { Job } from '../job.ts'

/** A provider of pipelines, driven as the framework drives it. */
export class Pipeline<S extends z.ZodMiniObject> extends Job<S> {
  /** @param values of the connection, as in its secret */
  constructor(provider: JobProvider<S>, values: () => z.input<S>) {
    super(provider, { start: actions['trigger-build'], stop: actions.cancel }, values)
  }

  /** Asks for a cancellation, and looks once whether that is done. */
  cancel(input: object): Promise<Outcome> {
    return this.stop(input)
  }
}
