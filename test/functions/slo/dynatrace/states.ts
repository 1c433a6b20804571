import { from, SCHEMAS, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source:
    'Dynatrace-Jeroen-Hautekeete/dynatrace-openapi-codegen-java, specs/spec3-env-v2-1.254.47-sprint-orig.json @ d096e10a29b9',
  states: ['FAILURE', 'SUCCESS', 'WARNING'],
  place: from('dynatrace-environment-v2', `${SCHEMAS}/SLO/properties/status`),
} satisfies StateList
