import { rollbackJob, startJob } from '../../shared/providers/start-job.ts'
import { stopJob } from '../../shared/providers/stop-job.ts'
import { toggleFlag } from '../../shared/providers/toggle-flag.ts'

/** A silent call waits for a runbook, but only starts a CI/CD job. */
export const actions = {
  'run-runbook': startJob({ summary: 'Runs a runbook and returns its result', silent: 'waits' }),
  'stop-runbook': stopJob({ summary: 'Stops a runbook or a job and returns when it has stopped' }),
  'toggle-flag': toggleFlag,
  'run-job': startJob({ summary: 'Starts a CI/CD job and returns its result', silent: 'answers' }),
  rollback: rollbackJob({ summary: 'Rolls back to the previous deployment and returns the result' }),
}
