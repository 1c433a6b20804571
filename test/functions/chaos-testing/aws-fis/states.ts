import { aws, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source: 'boto/botocore, botocore/data/fis/2020-12-01/service-2.json @ 0e6e2404b85d',
  states: ['pending', 'initiating', 'running', 'completed', 'stopping', 'stopped', 'failed', 'cancelled'],
  place: aws('aws-fis', 'ExperimentStatus'),
} satisfies StateList
