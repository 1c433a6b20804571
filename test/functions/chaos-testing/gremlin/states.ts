import { from, SCHEMAS, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source:
    'gremlin/gremlin-python + gremlin/mcp, gremlinapi/scenarios.py, attacks.py; src/client/gremlin.ts @ bc3483f5503a',
  states: ['NotStarted', 'Active', 'HaltRequested', 'Halted', 'Failed', 'Successful', 'Completed', 'Running'],
  place: from('gremlin', `${SCHEMAS}/ScenarioRun/properties/stage_info/properties/stage`),
} satisfies StateList
