import { from, SCHEMAS, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source:
    'steadybit/cli + steadybit/run-experiment + steadybit/mcp + steadybit/docs-public, src/experiment/*.ts, steadybitAPI.js, ExecutionTools.java, integrate-with-steadybit/api/api.md @ 6500e4f71428',
  states: ['CREATED', 'PREPARED', 'RUNNING', 'FAILED', 'CANCELED', 'COMPLETED', 'ERRORED'],
  place: from('steadybit', `${SCHEMAS}/Execution/properties/state`),
} satisfies StateList
