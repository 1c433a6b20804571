import { setFlag } from '../../shared/providers/set-flags.ts'
import { rollbackJob, startJob } from '../../shared/providers/start-job.ts'
import { stopJob } from '../../shared/providers/stop-job.ts'

/** A runbook is what must have worked; a job of CI/CD is followed by who waits for it. */
export const actions = {
  'run-runbook': startJob({ summary: 'Runs a runbook, and answers how it ended', silent: 'waits' }),
  'stop-runbook': stopJob({ summary: 'Stops a runbook or a job, and answers when it has stopped' }),
  'toggle-flag': setFlag,
  'run-job': startJob({ summary: 'Starts a job of CI/CD, and follows it to its end', silent: 'answers' }),
  rollback: rollbackJob({ summary: 'Goes back to what was deployed before, and answers how that ended' }),
}
