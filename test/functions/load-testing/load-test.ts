import type * as z from 'zod/mini'
import { actions } from '../../../functions/load-testing/actions.ts'
import type { JobProvider } from '../../../shared/providers/job.ts'
import { Job } from '../job.ts'

export const loadTestActions = { start: actions['start-test'], stop: actions['stop-test'] }

/** Runs the actions for load tests with a provider, as the framework does. */
export function loadTest<S extends z.ZodMiniObject>(provider: JobProvider<S>, values: () => z.input<S>): Job<S> {
  return new Job(provider, loadTestActions, values)
}
