import { startJob } from '../../shared/providers/start-job.ts'
import { stopJob } from '../../shared/providers/stop-job.ts'

/** A build and a deployment are runs alike; what tells them apart is the pipeline that is named. */
export const actions = {
  'trigger-build': startJob({ summary: 'Starts a build, and follows it to its end', silent: 'answers' }),
  'trigger-deployment': startJob({ summary: 'Starts a deployment, and follows it to its end', silent: 'answers' }),
  cancel: stopJob({ summary: 'Cancels a run, and answers when it has stopped' }),
}
