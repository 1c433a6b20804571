import { from, SCHEMAS, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source:
    'gitlabhq/gitlabhq, doc/api/pipelines.md, doc/api/issues.md; docs.gitlab.com/api/pipeline_triggers @ 017a6c129d6a',
  states: [
    'created',
    'waiting_for_resource',
    'preparing',
    'pending',
    'running',
    'success',
    'failed',
    'canceled',
    'skipped',
    'manual',
    'scheduled',
    'canceling',
  ],
  place: from('gitlab', `${SCHEMAS}/Pipeline/properties/status`),
} satisfies StateList
