import { type Case, casesOf, key, type Subject, tickets } from '../cases.ts'
import { driveProvider } from './drive.ts'

const table = '/table/incident'
const record = `${table}/{sys_id}`

type Example = { result: Record<string, unknown> }
const inState = (state: string) => (example: Example) => ({ result: { ...example.result, state } })
const resolved = { body: inState('6') }
const ours = ({ result: [first] }: { result: object[] }) => ({ result: [{ ...first, correlation_id: key }] })
const slow = { title: 'Checkout is slow' }
const id = 'c537bae64f411200adf9f8e18110c76e'
const number = 'INC0010002'

/** Additional responses for the cases of every ticket platform. */
const special: Record<string, Case['answers']> = {
  'to open': { [`PATCH ${record}`]: [{ body: inState('2') }] },
  // Its comments are read in between, from the incident itself.
  'with comment and resolution': { [`GET ${record}`]: [{}, {}, resolved] },
}

const opens = casesOf('open-ticket', slow)
const updates = casesOf('update-ticket')

export const servicenow: Subject = {
  name: 'servicenow',
  contract: 'servicenow',
  answers: {
    [`GET ${table}`]: { body: { result: [] } },
    // Like an instance, it answers the state that it was brought to; the example is of another.
    [`PATCH ${record}`]: { body: inState('6') },
  },
  cases: [
    ...tickets(
      {
        id,
        project: '287ebd7da9fe198100f92cc8d1d2154e',
        type: 'network',
        assignee: '681b365ec0a80164000fb0b05854a0cd',
        resolution: 'Known error',
        fields: { cmdb_ci: '281190e3c0a8000b003f593aa3f20ca6', contact_type: 'integration' },
        labels: 'refused',
        get: `GET ${record}`,
        closed: resolved,
        readsBeforeClosed: 1,
        readsInUpdate: { state: 1, everything: 2 },
        opened: { [`GET ${table}`]: [{ body: ours }] },
        commented: { [`GET ${record}`]: [{ body: { result: { sys_id: id, work_notes: `x\n\nRef: caw-${key}` } } }] },
      },
      'ticket',
    ).map((row) => ({ ...row, ...(row.answers ? { answers: { ...row.answers, ...special[row.how] } } : {}) })),
    {
      action: 'check',
      how: 'a token in place of user and password',
      connection: { username: undefined, password: undefined, token: 'an-oauth-token' },
    },
    opens.passes('with names of group, user and caller, urgency and severity', 'Opened', {
      input: { project: 'Network', assignee: 'mia@example.com', urgency: 'high', severity: 'low' },
      connection: { callerId: 'mia' },
    }),
    opens.fails('refused, in the words of the contract', 'User Not Authenticated', {
      answers: {
        [`POST ${table}`]: [
          { status: 401, body: { error: { message: 'User Not Authenticated', detail: null }, status: 'failure' } },
        ],
      },
    }),
    updates.passes('by its number, as the caller sees it', '', {
      input: { id: number, comment: 'Still slow' },
      connection: { comments: 'comments' },
      answers: { [`GET ${table}`]: [{}, {}, {}].map(() => ({ body: ours })) },
    }),
    updates.fails('one that is not there', 'No Record found', {
      input: { id: 'a'.repeat(32), title: 'x' },
      answers: { [`GET ${record}`]: [{ status: 404 }] },
    }),
  ],
  run: driveProvider('incident-management', 'servicenow', { username: 'integration', password: 'a-password' }),
}
