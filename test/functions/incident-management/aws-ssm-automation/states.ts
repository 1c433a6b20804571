import { aws, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source: 'boto/botocore, botocore/data/ssm/2014-11-06/service-2.json @ 0e6e2404b85d',
  states: [
    'Pending',
    'InProgress',
    'Waiting',
    'Success',
    'TimedOut',
    'Cancelling',
    'Cancelled',
    'Failed',
    'PendingApproval',
    'Approved',
    'Rejected',
    'Scheduled',
    'RunbookInProgress',
    'PendingChangeCalendarOverride',
    'ChangeCalendarOverrideApproved',
    'ChangeCalendarOverrideRejected',
    'CompletedWithSuccess',
    'CompletedWithFailure',
    'Exited',
  ],
  place: aws('aws-ssm', 'AutomationExecutionStatus'),
} satisfies StateList
