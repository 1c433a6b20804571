import { SCHEMAS, type StateList, withResults } from '../../../contract/state-list.ts'

export const listedStates = {
  source:
    'Azure/azure-rest-api-specs, specification/loadtestservice/data-plane/Microsoft.LoadTestService/stable/2022-11-01/loadtestservice.json (read in part) and examples/CreateAndUpdateTestRun.json, GetTestRun.json @ 00d55ce4e4be',
  states: [
    'ACCEPTED',
    'NOTSTARTED',
    'PROVISIONING',
    'PROVISIONED',
    'CONFIGURING',
    'CONFIGURED',
    'EXECUTING',
    'EXECUTED',
    'DEPROVISIONING',
    'DEPROVISIONED',
    'CANCELLING',
    'CANCELLED',
    'FAILED',
    'VALIDATION_SUCCESS',
    'VALIDATION_FAILURE',
    'DONE/PASSED',
    'DONE/FAILED',
    'DONE/NOT_APPLICABLE',
  ],
  place: withResults('azure-load-testing', `${SCHEMAS}/TestRun`, 'status', 'DONE', 'testResult'),
} satisfies StateList
