import { from, SCHEMAS, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source:
    'litmuschaos/litmus, chaoscenter/graphql/definitions/shared/*.graphqls, server.go, mkdocs/docs/auth/v2.0.0/swagger.yml @ 82e67d90b6e4',
  states: [
    'All',
    'Running',
    'Completed',
    'Completed_With_Error',
    'Stopped',
    'Skipped',
    'Error',
    'Timeout',
    'Terminated',
    'Queued',
    'NA',
  ],
  place: from('litmus', `${SCHEMAS}/Phase`),
} satisfies StateList
