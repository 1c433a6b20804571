import { key, type Subject, tickets } from '../cases.ts'
import { driveProvider } from './drive.ts'

const issues = '/projects/{id}/issues'
const issue = `${issues}/{issue_iid}`
const notes = `GET /api/v4${issue}/notes`
const marker = `<!-- cloud-automation-webhooks:${key} -->`

type Issue = Record<string, unknown>
const closed = (example: Issue) => ({ ...example, state: 'closed' })
const marked = (example: Issue) => ({ ...example, description: `Since 14:03.\n\n${marker}` })
const slow = { project: 'my-group/my-project', title: 'Checkout is slow' }

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
    {
      action: 'open-issue',
      how: 'again, on a later page',
      input: { ...slow, project: '4' },
      answers: {
        [`GET ${issues}`]: [
          { body: (list: Issue[]) => Array.from({ length: 100 }, () => list[0]) },
          { body: (list: Issue[]) => list.map(marked) },
        ],
      },
      says: 'Found',
    },
    {
      action: 'open-issue',
      how: 'refused',
      input: slow,
      answers: { [`POST ${issues}`]: [{ status: 400, body: { message: { title: ["can't be blank"] } } }] },
      refused: true,
      says: "title: can't be blank",
    },
    {
      action: 'update-issue',
      how: 'description of our own issue',
      input: { id: '14', project: '4', description: 'All is different' },
      answers: { [`GET ${issue}`]: [{ body: marked }] },
    },
  ],
  run: driveProvider('issue-ticketing', 'gitlab', { token: 'a-token-of-gitlab' }),
}
