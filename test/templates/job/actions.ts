import { startJob } from '../../../shared/providers/start-job.ts'
import { stopJob } from '../../../shared/providers/stop-job.ts'

export const actions = {
  'start-job': startJob({ summary: 'Starts a job and polls it to completion', silent: 'answers' }),
  'stop-job': stopJob({ summary: 'Stops a run and waits until it has stopped' }),
}
