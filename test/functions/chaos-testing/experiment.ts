import type * as z from 'zod/mini'
import { actions } from '../../../functions/chaos-testing/actions.ts'
import type { JobProvider } from '../../../shared/providers/job.ts'
import { Job } from '../job.ts'

export const experimentActions = { start: actions['start-test'], stop: actions['stop-test'] }

/** Runs the actions for chaos experiments with a provider, as the framework does. */
export function experiment<S extends z.ZodMiniObject>(provider: JobProvider<S>, values: () => z.input<S>): Job<S> {
  return new Job(provider, experimentActions, values)
}
