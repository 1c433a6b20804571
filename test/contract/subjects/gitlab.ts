import { casesOf, key, type Subject, tickets } from '../cases.ts'
import { driveProvider } from './drive.ts'

const issues = '/projects/{id}/issues'
const issue = `${issues}/{issue_iid}`
const notes = `GET /api/v4${issue}/notes`
const marker = `<!-- cloud-automation-webhooks:${key} -->`

type Issue = Record<string, unknown>
const closed = (example: Issue) => ({ ...example, state: 'closed' })
const marked = (example: Issue) => ({ ...example, description: `Since 14:03.\n\n${marker}` })
const slow = { project: 'my-group/my-project', title: 'Checkout is slow' }

const opens = casesOf('open-issue', slow)
const updates = casesOf('update-issue')

export const gitlab: Subject = {
  name: 'gitlab',
  contract: 'gitlab',
  cases: [
    ...tickets({
      id: 'my-group/my-project#14',
      project: 'my-group/my-project',
      type: 'incident',
      assignee: 'john_smith',
      resolution: 'duplicate',
      fields: { confidential: true, due_date: '2026-12-24' },
      get: `GET ${issue}`,
      closed: { body: closed },
      readsBeforeClosed: 1,
      readsInUpdate: { state: 0, everything: 1 },
      opened: { [`GET ${issues}`]: [{ body: (list: Issue[]) => list.map(marked) }] },
      commented: { [notes]: [{ body: [{ id: 302, body: `Still slow\n\n${marker}` }] }] },
    }),
    opens.passes('again, on a later page', 'Found', {
      input: { project: '4' },
      answers: {
        [`GET ${issues}`]: [
          { body: (list: Issue[]) => Array.from({ length: 100 }, () => list[0]) },
          { body: (list: Issue[]) => list.map(marked) },
        ],
      },
    }),
    opens.fails('refused', "title: can't be blank", {
      answers: { [`POST ${issues}`]: [{ status: 400, body: { message: { title: ["can't be blank"] } } }] },
    }),
    updates.passes('description of our own issue', '', {
      input: { id: '14', project: '4', description: 'All is different' },
      answers: { [`GET ${issue}`]: [{ body: marked }] },
    }),
  ],
  run: driveProvider('issue-ticketing', 'gitlab', { token: 'a-token-of-gitlab' }),
}
