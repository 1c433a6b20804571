import { startJob } from '../../shared/providers/start-job.ts'
import { stopJob } from '../../shared/providers/stop-job.ts'

const cancelRun = stopJob({ summary: 'Cancels a run and waits until it has stopped' })

/** A build and a deployment are runs of the same kind. The pipeline that the call names makes the difference. */
export const actions = {
  'trigger-build': startJob({ summary: 'Starts a build and waits until it ends', silent: 'answers' }),
  'trigger-deployment': startJob({ summary: 'Starts a deployment and waits until it ends', silent: 'answers' }),
  'cancel-run': cancelRun,
  cancel: cancelRun,
}

export const formerNames = { 'cancel-run': 'cancel' }
