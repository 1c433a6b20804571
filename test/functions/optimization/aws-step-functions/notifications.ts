import type { End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = {
  id: 'arn:aws:states:eu-west-1:123456789012:execution:tune:run-1',
  body: {
    id: 'an-event',
    source: 'aws',
    'detail-type': 'Step Functions Execution Status Change',
    detail: { executionArn: 'arn:aws:states:eu-west-1:123456789012:execution:tune:run-1', status: 'FAILED' },
  },
}

export const recorded: Record<string, Row> = {
  'eventbridge/step-functions-execution-status-change.aborted': [
    'ended',
    'Step Functions Execution Status Change: ABORTED',
    'arn:aws:states:us-east-1:012345678912:execution:state-machine-name:execution-name',
  ],
  'eventbridge/step-functions-execution-status-change.failed': [
    'ended',
    'Step Functions Execution Status Change: FAILED',
    'arn:aws:states:us-east-1:012345678912:execution:state-machine-name:execution-name',
  ],
  'eventbridge/step-functions-execution-status-change.running': [
    'progress',
    'Step Functions Execution Status Change: RUNNING',
    'arn:aws:states:us-east-1:012345678912:execution:state-machine-name:execution-name',
  ],
  'eventbridge/step-functions-execution-status-change.succeeded': [
    'ended',
    'Step Functions Execution Status Change: SUCCEEDED',
    'arn:aws:states:us-east-1:012345678912:execution:state-machine-name:execution-name',
  ],
  'eventbridge/step-functions-execution-status-change.timed_out': [
    'ended',
    'Step Functions Execution Status Change: TIMED_OUT',
    'arn:aws:states:us-east-1:012345678912:execution:state-machine-name:execution-name',
  ],
}
