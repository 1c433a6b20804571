import { randomBytes } from 'node:crypto'
import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'
import { startWith, type WriteRow } from '../../../conformance/row.ts'

interface Change {
  sys_id: string
  number: string
  state: string
  approval: string
  [field: string]: string
}

interface Task {
  sys_id: string
  state: string
  [field: string]: string
}

type State = ReturnType<typeof initial>

const TOKEN = 'a-token-of-servicenow'
const FIELDS = [
  'short_description',
  'description',
  'correlation_id',
  'assignment_group',
  'cmdb_ci',
  'start_date',
  'end_date',
  'implementation_plan',
  'backout_plan',
]
const LABELS: Record<string, string> = { '-5': 'New', '-4': 'Assess', '-3': 'Authorize', '-2': 'Scheduled' }
/** The next states of a normal change. It can be canceled until it is closed. */
const MOVES: Record<string, string> = { '-5': '-4', '-2': '-1', '-1': '0', '0': '3' }

const initial = () => ({
  changes: [] as Change[],
  /** The tasks of each change. An open one keeps the change out of review. */
  tasks: [] as Task[],
  approvers: [] as { name: string; state: string; comments: string; sys_updated_on: string }[],
  conflicts: [] as string[],
  /** Fields that the user cannot write. They are dropped. */
  readOnly: [] as string[],
  /** A condition of the move to Assess that is not met. */
  unmetCondition: undefined as string | undefined,
})

/**
 * A fake of the change management API of ServiceNow, with its default states, and of the tables that it needs.
 *
 * @see https://www.servicenow.com/docs/r/api-reference/rest-apis/change-management-api.html
 */
export const startServiceNowChange = definePlatform({
  base: '/api',
  state: initial,
  refuses: requireHeader('authorization', `Bearer ${TOKEN}`, refused(401, 'User is not authenticated')),
  envelope: (result) => ({ result }),
  routes: {
    'GET /now/table/change_request': ({ state, query }) => {
      const [, key] = /^correlation_id=(.+)$/.exec(query.get('sysparm_query') ?? '') ?? []
      return state.changes.filter((change) => key === undefined || change['correlation_id'] === key).slice(0, 1)
    },
    'GET /now/table/sysapproval_approver': ({ state, query }) =>
      state.approvers
        .filter((approver) => query.get('sysparm_query')?.includes(`^state=${approver.state}^`))
        .toReversed()
        .map(({ name, ...approver }) => ({ ...approver, 'approver.name': name })),
    'GET /now/table/sys_user_group': () => [{ sys_id: 'a'.repeat(32), name: 'CAB Approval' }],
    'GET /now/table/{table}': ({ params }) => refused(400, `Invalid table ${params.table}`),
    'POST /sn_chg_rest/v1/change/normal': ({ state, body }) => create(state, body),
    'GET /sn_chg_rest/v1/change/{id}': ({ state, params }) => {
      const change = changeOf(state, params.id)
      return change && wrapped(change)
    },
    'PATCH /sn_chg_rest/v1/change/{id}': ({ state, params, body }) => {
      const change = changeOf(state, params.id)
      return change && move(state, change, body)
    },
    'GET /sn_chg_rest/v1/change/{id}/nextstates': ({ state, params }) => {
      const change = changeOf(state, params.id)
      return change && nextStatesOf(state, change)
    },
    'POST /sn_chg_rest/v1/change/{id}/conflict': ({ state, params }) => {
      const change = changeOf(state, params.id)
      if (change && !change['cmdb_ci']) return refused(400, 'cmdb_ci is required')
      return change && { status: 200, body: { result: newId() } }
    },
    'GET /sn_chg_rest/v1/change/{id}/conflict': ({ state, params }) => {
      const conflicts = state.conflicts.map((type) => ({ type: { value: type, display_value: type } }))
      return changeOf(state, params.id) && { status: 'Conflict', job_status: '2', conflicts }
    },
    'GET /sn_chg_rest/v1/change/{id}/task': ({ state, params }) =>
      changeOf(state, params.id) && state.tasks.map(wrapped),
    'PATCH /sn_chg_rest/v1/change/{id}/task/{task}': ({ state, params, body }) => {
      const task = state.tasks.find(({ sys_id }) => sys_id === params.task)
      return task && wrapped(Object.assign(task, body))
    },
  },
  notFound: refused(404, 'No Record found', 'Record does not exist or ACL restricts the record retrieval'),
  members: (state) => ({
    token: TOKEN,
    /** Decides the newest change as an approver does. */
    decide(approval: 'approved' | 'rejected', name = 'Jane Doe', comments = '') {
      Object.assign(newestOf(state.changes), { approval, state: approval === 'approved' ? '-2' : '-5' })
      state.approvers.push({ name, state: approval, comments, sys_updated_on: '2026-11-27 12:58:05' })
    },
  }),
})

export function refused(status: number, message: string, detail: string | null = null): Reply {
  return { status, body: { error: { message, detail }, status: 'failure' } }
}

function changeOf({ changes }: State, id: string): Change | undefined {
  return changes.find(({ sys_id }) => sys_id === id)
}

function create(state: State, body: Record<string, string>): object {
  const isWritten = (field: string) => FIELDS.includes(field) && !state.readOnly.includes(field)
  const written = Object.entries(body).filter(([field]) => isWritten(field))
  const ignoredFields = Object.keys(body).filter((field) => !isWritten(field))
  const number = `CHG${String(state.changes.length + 30_001).padStart(7, '0')}`
  const defaults = { sys_id: newId(), number, state: '-5', approval: 'not requested' }
  const change: Change = { ...Object.fromEntries(written), ...defaults }
  state.changes.push(change)
  return { ...wrapped(change), __meta: { ignoredFields } }
}

/** Changes fields and the state. A move that is not possible changes nothing and reports no error. */
function move(state: State, change: Change, { state: next = '', ...fields }: Record<string, string>): object | Reply {
  const hasOpenTasks = state.tasks.some((task) => Number(task.state) < 3)
  const isBlocked = (next === '-4' && state.unmetCondition !== undefined) || (next === '0' && hasOpenTasks)
  const isOver = change.state === '3' || change.state === '4'
  const isNext = MOVES[change.state] === next || (next === '4' && !isOver)
  if (next === '3' && !fields['close_code']) return refused(400, 'Close code is mandatory')
  if (isNext && !isBlocked) Object.assign(change, { state: next }, next === '-4' ? { approval: 'requested' } : {})
  return wrapped(Object.assign(change, fields))
}

function nextStatesOf({ unmetCondition }: State, change: Change): object {
  const name = unmetCondition ?? 'No open change tasks'
  const conditions = [{ passed: false, condition: { name, description: null } }]
  const to_state = MOVES[change.state] ?? '4'
  return {
    available_states: [change.state],
    state_transitions: [[{ from_state: change.state, to_state, transition_available: false, conditions }]],
    state_label: LABELS,
  }
}

/** ServiceNow wraps each field, and may write a state as a decimal number. */
function wrapped(record: Record<string, string>): object {
  const entries = Object.entries(record).map(([field, value]) => {
    const text = field === 'state' ? `${value}.0` : value
    return [field, field === 'sys_id' ? text : { display_value: LABELS[value] ?? value, value: text }]
  })
  return Object.fromEntries(entries)
}

function newId(): string {
  return randomBytes(16).toString('hex')
}

export const writeRow = {
  action: 'ask-approval',
  writes: /^POST .*\/change\/normal$/,
  needsTask: true,
  start: startWith(startServiceNowChange, ({ url: baseUrl, token, state }) => ({
    connection: { baseUrl, token },
    made: () => state.changes.length,
  })),
} satisfies WriteRow
