import { aws, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source: 'boto/botocore, botocore/data/stepfunctions/2016-11-23/service-2.json @ 0e6e2404b85d',
  states: ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED', 'PENDING_REDRIVE'],
  place: aws('aws-stepfunctions', 'ExecutionStatus'),
} satisfies StateList
