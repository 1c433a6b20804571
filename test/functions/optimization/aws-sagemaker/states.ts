import { aws, type StateList } from '../../../contract/state-list.ts'

export const pipelineStates = {
  source: 'boto/botocore, botocore/data/sagemaker/2017-07-24/service-2.json @ 0e6e2404b85d',
  states: ['Executing', 'Stopping', 'Stopped', 'Failed', 'Succeeded'],
  place: aws('aws-sagemaker', 'PipelineExecutionStatus'),
} satisfies StateList

export const trainingStates = {
  source: 'boto/botocore, botocore/data/sagemaker/2017-07-24/service-2.json @ 0e6e2404b85d',
  states: ['InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped', 'Deleting'],
  place: aws('aws-sagemaker', 'TrainingJobStatus'),
} satisfies StateList

export const tuningStates = {
  source: 'boto/botocore, botocore/data/sagemaker/2017-07-24/service-2.json @ 0e6e2404b85d',
  states: ['Completed', 'InProgress', 'Failed', 'Stopped', 'Stopping', 'Deleting', 'DeleteFailed'],
  place: aws('aws-sagemaker', 'HyperParameterTuningJobStatus'),
} satisfies StateList
