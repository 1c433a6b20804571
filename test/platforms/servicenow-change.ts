import { randomBytes } from 'node:crypto'
import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'

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

interface ServiceNowChangeState {
  changes: Change[]
  /** Tasks of each change. An open one keeps the change out of review. */
  tasks: Task[]
  approvers: { name: string; state: string; comments: string; sys_updated_on: string }[]
  conflicts: string[]
  /** Fields that the user cannot write. They are dropped. */
  readOnly: string[]
  /** A condition of the move to Assess that is not met. */
  unmetCondition: string | undefined
}

export interface ServiceNowChangeServer extends Served {
  token: string
  state: ServiceNowChangeState
  /** Decides the newest change, as an approver does. */
  decide(approval: 'approved' | 'rejected', name?: string, comments?: string): void
}

const FIELDS = [
  ...['short_description', 'description', 'correlation_id', 'assignment_group', 'cmdb_ci', 'start_date', 'end_date'],
  ...['implementation_plan', 'backout_plan'],
]
const LABELS: Record<string, string> = { '-5': 'New', '-4': 'Assess', '-3': 'Authorize', '-2': 'Scheduled' }
/** The next states of a normal change. It can be canceled until it is closed. */
const MOVES: Record<string, string> = { '-5': '-4', '-2': '-1', '-1': '0', '0': '3' }

/**
 * A fake of the change management API of ServiceNow, with its default states, and of the tables that it needs.
 *
 * @see https://www.servicenow.com/docs/r/api-reference/rest-apis/change-management-api.html
 */
export async function startServiceNowChange(): Promise<ServiceNowChangeServer> {
  const token = 'a-token-of-servicenow'
  const state: ServiceNowChangeState = {
    ...{ changes: [], tasks: [], approvers: [], conflicts: [], readOnly: [], unmetCondition: undefined },
  }
  const served = await serve((call) => {
    if (call.headers['authorization'] !== `Bearer ${token}`) return refused(401, 'User is not authenticated')
    return answer(state, call)
  })
  return {
    ...served,
    token,
    state,
    decide(approval, name = 'Jane Doe', comments = '') {
      const moved = approval === 'approved' ? '-2' : '-5'
      Object.assign(newestOf(state.changes), { approval, state: moved })
      state.approvers.push({ name, state: approval, comments, sys_updated_on: '2026-11-27 12:58:05' })
    },
  }
}

export function refused(status: number, message: string, detail: string | null = null): Reply {
  return { status, body: { error: { message, detail }, status: 'failure' } }
}

function answer(state: ServiceNowChangeState, call: Call): Reply {
  const { method, path, query } = call
  const body = (call.body ?? {}) as Record<string, string>
  const [, table] = /^\/api\/now\/table\/(\w+)$/.exec(path) ?? []
  if (table) return list(state, table, query)
  const [, id = '', part, taskId] = /^\/api\/sn_chg_rest\/v1\/change\/(\w+)(?:\/(\w+)(?:\/(\w+))?)?$/.exec(path) ?? []
  if (method === 'POST' && id === 'normal') return create(state, body)
  const change = state.changes.find(({ sys_id }) => sys_id === id)
  if (!change) return refused(404, 'No Record found', 'Record does not exist or ACL restricts the record retrieval')
  switch (`${method} ${part ?? ''}`) {
    case 'GET ':
      return ok({ result: wrapped(change) })
    case 'PATCH ':
      return move(state, change, body)
    case 'GET nextstates':
      return ok({ result: nextStatesOf(state, change) })
    case 'POST conflict':
      return change['cmdb_ci'] ? ok({ result: newId() }) : refused(400, 'cmdb_ci is required')
    case 'GET conflict': {
      const conflicts = state.conflicts.map((type) => ({ type: { value: type, display_value: type } }))
      return ok({ result: { status: 'Conflict', job_status: '2', conflicts } })
    }
    case 'GET task':
      return ok({ result: state.tasks.map(wrapped) })
    case 'PATCH task':
      Object.assign(state.tasks.find(({ sys_id }) => sys_id === taskId) ?? {}, body)
      return ok({ result: {} })
    default:
      return refused(405, 'Method not supported')
  }
}

function list(state: ServiceNowChangeState, table: string, query: URLSearchParams): Reply {
  const condition = query.get('sysparm_query') ?? ''
  if (table === 'change_request') {
    const [, key] = /^correlation_id=(.+)$/.exec(condition) ?? []
    return ok({ result: state.changes.filter((one) => key === undefined || one['correlation_id'] === key).slice(0, 1) })
  }
  if (table === 'sysapproval_approver') {
    const found = state.approvers.filter((one) => condition.includes(`^state=${one.state}^`)).toReversed()
    return ok({ result: found.map(({ name, ...one }) => ({ ...one, 'approver.name': name })) })
  }
  if (table === 'sys_user_group') return ok({ result: [{ sys_id: 'a'.repeat(32), name: 'CAB Approval' }] })
  return refused(400, `Invalid table ${table}`)
}

function create(state: ServiceNowChangeState, body: Record<string, string>): Reply {
  const { readOnly } = state
  const given = Object.entries(body)
  const written = given.filter(([field]) => FIELDS.includes(field) && !readOnly.includes(field))
  const ignoredFields = given.map(([field]) => field).filter((field) => !written.some(([one]) => one === field))
  const number = `CHG${String(state.changes.length + 30_001).padStart(7, '0')}`
  const defaults = { sys_id: newId(), number, state: '-5', approval: 'not requested' }
  const change: Change = { ...Object.fromEntries(written), ...defaults }
  state.changes.push(change)
  return ok({ result: { ...wrapped(change), __meta: { ignoredFields } } })
}

/** A move that is not possible changes nothing and reports no error. */
function move(
  state: ServiceNowChangeState,
  change: Change,
  { state: to = '', ...fields }: Record<string, string>,
): Reply {
  const hasOpenTasks = state.tasks.some((task) => Number(task.state) < 3)
  const isBlocked = (to === '-4' && state.unmetCondition !== undefined) || (to === '0' && hasOpenTasks)
  const isOver = change.state === '3' || change.state === '4'
  const isNext = MOVES[change.state] === to || (to === '4' && !isOver)
  if (to === '3' && !fields['close_code']) return refused(400, 'Close code is mandatory')
  if (isNext && !isBlocked) Object.assign(change, { state: to }, to === '-4' ? { approval: 'requested' } : {})
  Object.assign(change, fields)
  return ok({ result: wrapped(change) })
}

function nextStatesOf({ unmetCondition }: ServiceNowChangeState, change: Change): object {
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
