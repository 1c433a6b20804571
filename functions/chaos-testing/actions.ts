import { startJob } from '../../shared/providers/start-job.ts'
import { stopJob } from '../../shared/providers/stop-job.ts'

/** Experiments stop at the deadline by default: an unattended experiment must not keep running. */
export const actions = {
  'start-test': startJob({
    summary: 'Starts a chaos experiment and waits for its verdict',
    silent: 'answers',
    onDeadline: 'stop',
  }),
  'stop-test': stopJob({ summary: 'Stops a chaos experiment and waits until it has stopped' }),
}
