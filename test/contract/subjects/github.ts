import { casesOf, key, type Subject, tickets } from '../cases.ts'
import { driveProvider } from './drive.ts'

const issues = '/repos/{owner}/{repo}/issues'
const issue = `${issues}/{issue_number}`
const marker = `<!-- cloud-automation-webhooks:${key} -->`

type Issue = Record<string, unknown>
const closed = (example: Issue) => ({ ...example, state: 'closed', state_reason: 'completed' })
// The one of the list is a pull request.
const marked = ({ pull_request: _, ...example }: Issue) => ({ ...example, body: `Since 14:03.\n\n${marker}` })

const opens = casesOf('open-issue')
const updates = casesOf('update-issue')

export const github: Subject = {
  name: 'github',
  contract: 'github',
  // Its contract says nothing of them.
  credentials: [[{ kind: 'bearer' }]],
  cases: [
    ...tickets({
      id: 'octocat/Hello-World#1347',
      project: 'octocat/Hello-World',
      type: 'Bug',
      assignee: 'octocat',
      resolution: 'completed',
      fields: { milestone: 1 },
      get: `GET ${issue}`,
      closed: { body: closed },
      readsBeforeClosed: 1,
      readsInUpdate: { state: 0, everything: 1 },
      opened: { [`GET ${issues}`]: [{ body: (list: Issue[]) => list.map(marked) }] },
      commented: { [`GET ${issue}/comments`]: [{ body: [{ body: `Still slow\n\n${marker}` }] }] },
    }),
    opens.passes('again, on a later page', 'Found', {
      input: { project: 'octocat/Hello-World', title: 'Checkout is slow' },
      answers: {
        [`GET ${issues}`]: [
          { body: (list: Issue[]) => Array.from({ length: 100 }, () => list[0]) },
          { body: (list: Issue[]) => list.map(marked) },
        ],
      },
    }),
    updates.passes('description of our own issue', '', {
      input: { id: '1347', project: 'octocat/Hello-World', description: 'All is different' },
      answers: { [`GET ${issue}`]: [{ body: marked }] },
    }),
    ...["won't do", 'not_planned', 'duplicate', 'fixed'].map((resolution) => ({
      action: 'close-issue',
      how: `as ${resolution}`,
      input: { id: 'octocat/Hello-World#1347', resolution },
      answers: { [`GET ${issue}`]: [{}, { body: closed }] },
      says: 'Closed',
    })),
  ],
  run: driveProvider('issue-ticketing', 'github', { token: 'a-token-of-github' }),
}
