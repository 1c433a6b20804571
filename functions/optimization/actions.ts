import { startJob } from '../../shared/providers/start-job.ts'
import { stopJob } from '../../shared/providers/stop-job.ts'

const HOUR_SECONDS = 3_600

export const actions = {
  'start-model': startJob({
    summary: 'Starts an optimization, a tuning or a training and returns its result',
    silent: 'answers',
    deadline: 24 * HOUR_SECONDS,
  }),
  'stop-model': stopJob({ summary: 'Stops a run and returns when it has stopped' }),
}
