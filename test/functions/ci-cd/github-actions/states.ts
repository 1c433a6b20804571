import { SCHEMAS, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source: 'github/rest-api-description, through npm package @octokit/openapi 23.0.2, generated/api.github.com.json',
  states: [
    'queued',
    'in_progress',
    'waiting',
    'requested',
    'pending',
    'completed/action_required',
    'completed/cancelled',
    'completed/failure',
    'completed/neutral',
    'completed/skipped',
    'completed/stale',
    'completed/success',
    'completed/timed_out',
  ],
  place: {
    contract: 'github',
    states(listed) {
      // The list contains the status of a run and the conclusion of a completed one.
      const now = listed(`${SCHEMAS}/job/properties/status`)
      const all = listed('components/parameters/workflow-run-status/schema')
      const ends = all.filter((state) => !now.includes(state))
      return [...now.filter((state) => state !== 'completed'), ...ends.map((end) => `completed/${end}`)]
    },
  },
} satisfies StateList
