import { actions } from '../../../functions/incident-management/actions.ts'
import { stopJob } from '../../../shared/providers/stop-job.ts'

export const runbookActions = { start: actions['run-runbook'], stop: stopJob({ summary: 'Stops an execution' }) }
