import { SCHEMAS, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source:
    'Blazemeter/blazemeter-api-client + Blazemeter/bzm-mcp + Blazemeter/taurus, explorer/**, tools/execution_manager.py, bzt/bza.py @ e0805e717746',
  states: ['ENDED/pass', 'ENDED/fail', 'ENDED/unset', 'ENDED/abort', 'ENDED/error', 'ENDED/noData'],
  place: {
    contract: 'blazemeter',
    states: (listed) => listed(`${SCHEMAS}/Master/properties/reportStatus`).map((state) => `ENDED/${state}`),
  },
} satisfies StateList
