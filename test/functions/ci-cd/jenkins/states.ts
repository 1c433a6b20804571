import { from, SCHEMAS, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source: 'jenkinsci/jenkins + public docs, core/src/main/java/hudson/model/Result.java @ 03f4c9abf313',
  states: ['SUCCESS', 'UNSTABLE', 'FAILURE', 'NOT_BUILT', 'ABORTED'],
  place: from('jenkins', `${SCHEMAS}/Build/properties/result`),
} satisfies StateList
