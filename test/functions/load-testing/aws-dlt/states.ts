import { aws, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source: 'aws-solutions/distributed-load-testing-on-aws, source/api-services/**, source/cli/src/lib/** @ 7571a03a0b69',
  states: [
    'created',
    'queued',
    'scheduled',
    'running',
    'cancelling',
    'cancelled',
    'complete',
    'failed',
    'pending',
    'provisioning',
  ],
  place: aws('aws-dlt', 'Status'),
} satisfies StateList
