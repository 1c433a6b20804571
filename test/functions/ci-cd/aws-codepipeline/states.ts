import { aws, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source: 'boto/botocore, botocore/data/codepipeline/2015-07-09/service-2.json @ 0e6e2404b85d',
  states: ['Cancelled', 'InProgress', 'Stopped', 'Stopping', 'Succeeded', 'Superseded', 'Failed'],
  place: aws('aws-codepipeline', 'PipelineExecutionStatus'),
} satisfies StateList
