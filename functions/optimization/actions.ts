import { startJob } from '../../shared/providers/start-job.ts'
import { stopJob } from '../../shared/providers/stop-job.ts'

const hours = 3_600

/** Studies, tunings and trainings take long: a day is what most are given. */
export const actions = {
  'start-model': startJob({
    summary: 'Starts an optimization, a tuning or a training, and follows it to its end',
    silent: 'answers',
    deadline: 24 * hours,
  }),
  'stop-model': stopJob({ summary: 'Stops it, and answers when it has stopped' }),
}
