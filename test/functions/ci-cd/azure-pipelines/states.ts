import { type StateList, withResults } from '../../../contract/state-list.ts'

export const listedStates = {
  source: 'MicrosoftDocs/vsts-rest-api-specs, specification/build/7.1/build.json @ adb28786a3e9',
  states: [
    'none',
    'inProgress',
    'cancelling',
    'postponed',
    'notStarted',
    'all',
    'completed/none',
    'completed/succeeded',
    'completed/partiallySucceeded',
    'completed/failed',
    'completed/canceled',
  ],
  place: withResults('azure-devops-build', 'definitions/Build', 'status', 'completed', 'result'),
} satisfies StateList
