import type { Subject } from '../cases.ts'
import { github } from './github.ts'
import { jira } from './jira.ts'
import { keptn } from './keptn.ts'

/** Everything that is driven against a contract. */
export const subjects: Subject[] = [github, jira, keptn]

/** Providers of which there is no contract, and what stands in for one. */
export const withoutContract: Record<string, string> = {
  redmine: 'Redmine publishes none; npm run test:real drives the real program',
}
