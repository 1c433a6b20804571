import type * as z from 'zod/mini'
import { actions } from '../../../functions/ci-cd/actions.ts'
import type { JobProvider } from '../../../shared/providers/job.ts'
import { Job } from '../job.ts'

export const pipelineActions = { start: actions['trigger-build'], stop: actions.cancel }

/** Runs the actions for pipelines with a provider, as the framework does. */
export class Pipeline<S extends z.ZodMiniObject> extends Job<S> {
  /** @param values the connection, as in its secret */
  constructor(provider: JobProvider<S>, values: () => z.input<S>) {
    super(provider, pipelineActions, values)
  }
}
