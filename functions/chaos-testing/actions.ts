import { startJob } from '../../shared/providers/start-job.ts'
import { stopJob } from '../../shared/providers/stop-job.ts'

/** What nobody looks after any more must not go on breaking things: so an experiment is stopped at the deadline. */
export const actions = {
  'start-test': startJob({
    summary: 'Starts a chaos experiment, and follows it to its verdict',
    silent: 'answers',
    onDeadline: 'stop',
  }),
  'stop-test': stopJob({ summary: 'Stops a chaos experiment, and answers when it has stopped' }),
}
