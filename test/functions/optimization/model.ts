import type * as z from 'zod/mini'
import { actions } from '../../../functions/optimization/actions.ts'
import type { JobProvider } from '../../../shared/providers/job.ts'
import { Job } from '../job.ts'

export const modelActions = { start: actions['start-model'], stop: actions['stop-model'] }

/** Runs the actions for models with a provider, as the framework does. */
export function model<S extends z.ZodMiniObject>(provider: JobProvider<S>, values: () => z.input<S>): Job<S> {
  return new Job(provider, modelActions, values)
}
