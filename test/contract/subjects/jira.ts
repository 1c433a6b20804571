import { type Case, casesOf, key, type Subject, tickets } from '../cases.ts'
import { driveProvider } from './drive.ts'

const issue = '/rest/api/3/issue/{issueIdOrKey}'
const search = 'GET /rest/api/3/search/jql'
const comments = `GET ${issue}/comment`
const commentProperty = 'GET /rest/api/3/comment/{commentId}/properties/{propertyKey}'
const property = { key: 'cloud-automation-webhooks', value: { key } }

const todo = { id: '1', name: 'To Do', statusCategory: { id: 2, key: 'new', name: 'To Do' } }
const done = { id: '3', name: 'Done', statusCategory: { id: 3, key: 'done', name: 'Done' } }
const found = { id: '10002', key: 'ED-1', fields: { status: todo, labels: [`caw-${key}`] } }
const description = { type: 'doc', version: 1, content: [] }

type Example = { fields: object; transitions: object[] }
/** The transitions of an issue, with the one to Done, whose screen has these resolutions. */
const withResolutions = (required: boolean, ...names: string[]) => ({
  body: ({ transitions: [shown] }: Example) => {
    const resolution = {
      ...{ key: 'resolution', name: 'Resolution', required, hasDefaultValue: false },
      ...{ operations: ['set'], schema: { type: 'resolution', system: 'resolution' } },
      allowedValues: names.map((name, at) => ({ id: String(10_000 + at), name })),
    }
    return { transitions: [{ ...shown, id: '31', name: 'Finish', to: done, fields: { resolution } }] }
  },
})
const inStatus = (status: object) => (example: Example) => ({ ...example, fields: { ...example.fields, status } })
const unresolved = (example: Example) => ({ ...example, fields: { resolution: null } })

export const jira: Subject = {
  name: 'jira',
  contract: 'jira',
  answers: {
    // The example shows every field, but not the status; and its other one is a transition's.
    [`GET ${issue}`]: { body: inStatus(todo) },
    // Jira does not have the categories of the example (in-flight, completed).
    [`GET ${issue}/transitions`]: {
      body: ({ transitions: [shown, ...others] }: Example) => ({
        transitions: [
          { ...shown, id: '31', name: 'Finish', to: done, fields: {} },
          { ...shown, id: '11', name: 'Reopen', to: todo, fields: {} },
          ...others,
        ],
      }),
    },
    // 200 is for who asks for the issue back.
    [`PUT ${issue}`]: { status: 204 },
  },
  cases: jiraCases('issue'),
  run: driveProvider('issue-ticketing', 'jira', { email: 'robot@example.com', token: 'a-token-of-jira' }),
}

/**
 * Returns the cases of Jira for issues and service requests.
 *
 * @param noun the word for a ticket in the names of the actions
 */
export function jiraCases(noun: 'issue' | 'ticket'): Case[] {
  const opens = casesOf(`open-${noun}`, { project: 'ED', title: 'Checkout is slow' })
  const closes = casesOf(`close-${noun}`, { id: 'ED-1' })
  const closing = (resolutions: object, ...after: object[]) => ({
    answers: { [`GET ${issue}`]: [{}, {}, ...after], [`GET ${issue}/transitions`]: [resolutions] },
  })
  const [isDone, isUnresolved] = [{ body: inStatus(done) }, { body: unresolved }]
  return [
    ...tickets(
      {
        id: 'ED-1',
        project: 'ED',
        type: 'Bug',
        assignee: '5b109f2e9729b51b54dc274d',
        resolution: 'Done',
        fields: { customfield_10010: 1, customfield_10000: description },
        get: `GET ${issue}`,
        closed: { body: inStatus(done) },
        readsBeforeClosed: 2,
        readsInUpdate: { state: 1, everything: 1 },
        opened: { [search]: [{ body: { issues: [found] } }] },
        commented: { [comments]: [{ body: { total: 1, comments: [{ id: '10000', properties: [property] }] } }] },
      },
      noun,
    ),
    { action: 'check', how: 'a token without e-mail', connection: { email: undefined } },
    opens.passes('for an e-mail address, in a project by its id', '', {
      input: { project: '10000', assignee: 'mia@example.com' },
    }),
    opens.passes('screen without labels', 'Opened', {
      answers: {
        'POST /rest/api/3/issue': [
          { status: 400, body: { errorMessages: [], errors: { labels: "Field 'labels' cannot be set." } } },
        ],
      },
    }),
    opens.fails('refused, in the words of the contract', "Field 'priority' is required", {
      answers: { 'POST /rest/api/3/issue': [{ status: 400 }] },
    }),
    opens.passes('again, not yet in the index', 'Found', {
      isRetry: true,
      answers: { 'POST /rest/api/3/issue/bulkfetch': [{ body: { issues: [{ ...found, key: 'ED-2' }] } }] },
    }),
    opens.passes('again, at a Jira of before 2025', 'Found', { answers: { [search]: [{ status: 404 }] } }),
    casesOf(`update-${noun}`).passes('isRetry comment without properties in the list', '', {
      input: { id: '10002', comment: 'Still slow' },
      isRetry: true,
      answers: { [commentProperty]: [{ body: property }] },
    }),
    closes.passes('with a resolution of its screen', 'Closed', {
      input: { resolution: 'duplicate' },
      ...closing(withResolutions(false, 'Duplicate'), isDone),
    }),
    closes.passes(
      'with the resolution that its screen requires',
      'Closed',
      closing(withResolutions(true, 'Duplicate', 'Fixed'), isUnresolved, isDone),
    ),
    closes.fails(
      'refused for a missing resolution',
      'requires fields that ED-1 does not have: resolution: "Duplicate", "Rejected"',
      closing(withResolutions(true, 'Duplicate', 'Rejected'), isUnresolved),
    ),
  ]
}
