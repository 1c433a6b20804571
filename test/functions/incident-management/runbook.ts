import type * as z from 'zod/mini'
import { actions } from '../../../functions/incident-management/actions.ts'
import type { JobProvider } from '../../../shared/providers/job.ts'
import { stopJob } from '../../../shared/providers/stop-job.ts'
import { Job } from '../job.ts'

export const runbookActions = { start: actions['run-runbook'], stop: stopJob({ summary: 'Stops an execution' }) }

/** Runs the actions for runbooks with a provider, as the framework does. */
export class Runbook<S extends z.ZodMiniObject> extends Job<S> {
  /** @param values the connection, as in its secret */
  constructor(provider: JobProvider<S>, values: () => z.input<S>) {
    super(provider, runbookActions, values)
  }
}
