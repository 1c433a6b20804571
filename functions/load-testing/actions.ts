import { startJob } from '../../shared/providers/start-job.ts'
import { stopJob } from '../../shared/providers/stop-job.ts'

export const actions = {
  'start-test': startJob({ summary: 'Starts a load test and waits for its verdict', silent: 'answers' }),
  'stop-test': stopJob({ summary: 'Stops a load test and waits until it has stopped' }),
}
