import { startJob } from '../../../shared/providers/start-job.ts'
import { stopJob } from '../../../shared/providers/stop-job.ts'

export const actions = {
  'start-job': startJob({ summary: 'Starts a job, and follows it to its end', silent: 'answers' }),
  'stop-job': stopJob({ summary: 'Stops a run, and answers when it has stopped' }),
}
