import { from, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source: 'StackStorm/st2, st2common/st2common/openapi.yaml @ c2eaf56b339b',
  states: [
    'requested',
    'scheduled',
    'delayed',
    'running',
    'succeeded',
    'failed',
    'timeout',
    'abandoned',
    'canceling',
    'canceled',
    'pending',
    'pausing',
    'paused',
    'resuming',
  ],
  place: from('stackstorm', 'definitions/Execution/properties/status'),
} satisfies StateList
