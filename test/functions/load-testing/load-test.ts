import type * as z from 'zod/mini'
import { actions } from '../../../functions/load-testing/actions.ts'
import type { JobProvider } from '../../../shared/providers/job.ts'
import { Job } from '../job.ts'

/** A provider of load tests, driven as the framework drives it. */
export function loadTest<S extends z.ZodMiniObject>(provider: JobProvider<S>, values: () => z.input<S>): Job<S> {
  return new Job(provider, { start: actions['start-test'], stop: actions['stop-test'] }, values)
}
