import { aws, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source: 'boto/botocore, botocore/data/codebuild/2016-10-06/service-2.json @ 0e6e2404b85d',
  states: ['SUCCEEDED', 'FAILED', 'FAULT', 'TIMED_OUT', 'IN_PROGRESS', 'STOPPED'],
  place: aws('aws-codebuild', 'StatusType'),
} satisfies StateList
