import { from, SCHEMAS, type StateList } from '../../../contract/state-list.ts'

export const currentStates = {
  source: 'databricks/databricks-sdk-go, service/jobs/model.go, impl.go @ 1ff3c785425f',
  states: ['BLOCKED', 'PENDING', 'QUEUED', 'RUNNING', 'TERMINATED', 'TERMINATING', 'WAITING'],
  place: from('databricks', `${SCHEMAS}/Run/properties/status/properties/state`),
} satisfies StateList

export const olderStates = {
  source: 'databricks/databricks-sdk-go, service/jobs/model.go, impl.go @ 1ff3c785425f',
  states: [
    'BLOCKED',
    'INTERNAL_ERROR',
    'PENDING',
    'QUEUED',
    'RUNNING',
    'SKIPPED',
    'TERMINATED',
    'TERMINATING',
    'WAITING_FOR_RETRY',
    'CANCELED',
    'DISABLED',
    'EXCLUDED',
    'FAILED',
    'MAXIMUM_CONCURRENT_RUNS_REACHED',
    'SUCCESS',
    'SUCCESS_WITH_FAILURES',
    'TIMEDOUT',
    'UPSTREAM_CANCELED',
    'UPSTREAM_FAILED',
  ],
  place: from(
    'databricks',
    `${SCHEMAS}/Run/properties/state/properties/life_cycle_state`,
    `${SCHEMAS}/Run/properties/state/properties/result_state`,
  ),
} satisfies StateList
