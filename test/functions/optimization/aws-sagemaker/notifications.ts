import type { End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = {
  id: 'tuning/churn-0123456789abcdef',
  body: {
    id: 'an-event',
    source: 'aws',
    'detail-type': 'SageMaker HyperParameter Tuning Job State Change',
    detail: { HyperParameterTuningJobName: 'churn-0123456789abcdef', HyperParameterTuningJobStatus: 'Completed' },
  },
}

export const recorded: Record<string, Row> = {
  'eventbridge/sagemaker-hyperparameter-tuning-job-state-change.status': [
    'progress',
    'SageMaker HyperParameter Tuning Job State Change: status',
    'tuning/016bffd3-6d71-4d3a-9710-0a332b2759fc',
  ],
  'eventbridge/sagemaker-model-building-pipeline-execution-status-change.succeeded': [
    'ended',
    'SageMaker Model Building Pipeline Execution Status Change: Succeeded',
    'arn:aws:sagemaker:us-east-1:123456789012:pipeline/myPipeline-123/execution/p4jn9xou8a8s',
  ],
  'eventbridge/sagemaker-training-job-state-change.completed': [
    'ended',
    'SageMaker Training Job State Change: Completed',
    'training/89c96cc8-dded-4739-afcc-6f1dc936701d',
  ],
  'eventbridge/sagemaker-transform-job-state-change.another-status-go': [
    'ignored',
    'SageMaker Transform Job State Change',
  ],
}
