import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'
import { type JobRow, stages, startWith, stopsWhenAsked } from '../../../conformance/row.ts'

type Fields = Record<string, unknown>
type State = ReturnType<typeof initial>

interface Execution {
  id: string
  action: { ref: string }
  status: string
  parameters: Fields
  context: Fields
  start_timestamp: string
  end_timestamp?: string
  result: Fields
  result_size: number
  web_url?: string
  parent?: string
  children: string[]
}

/** An execution, and those that it started. */
interface Trace {
  trace_tag: string
  action_executions: { object_id: string; ref: string; caused_by: { type?: string; id?: string } }[]
}

interface StartRequest {
  action: string
  parameters?: Fields
  context?: { trace_context?: { trace_tag?: string } }
}

const TOKEN = 'an-api-key-of-stackstorm'

const initial = () => ({
  /** The parameters of each action. Required ones end in `!`. */
  actions: {
    'shop.restart': ['host', 'times'],
    'shop.recover': ['shop!'],
    'core.local': ['cmd!'],
  } as Record<string, string[]>,
  executions: [] as Execution[],
  traces: [] as Trace[],
  /** Permissions that the user of the key lacks, such as `trace_list`. */
  denied: [] as string[],
  /** States in which an execution can be canceled. */
  cancelable: ['requested', 'scheduled', 'delayed', 'running'],
})

const ENDED_AT = '2026-11-24T12:00:04.500000Z'

/**
 * A fake of StackStorm's API.
 *
 * @see https://github.com/StackStorm/st2/blob/master/st2api/st2api/controllers/v1/actionexecutions.py
 * @see https://github.com/StackStorm/st2/blob/master/st2api/st2api/controllers/v1/traces.py
 */
const startStackStorm = definePlatform({
  base: '/api/v1',
  state: initial,
  refuses: requireHeader('st2-api-key', TOKEN, fault(401, 'Unauthorized - ApiKey with key_hash=5a3d not found.')),
  routes: {
    'GET /user': () => ({ username: 'robot', authentication: { method: 'API key' } }),
    'GET /traces': ({ state, query }) =>
      deny(state, 'trace_list') ?? state.traces.filter(({ trace_tag }) => trace_tag === query.get('trace_tag')),
    'POST /executions': ({ state, body }) => create(state, body),
    'GET /executions': ({ state, query }) => deny(state, 'execution_list') ?? list(state, query),
    'GET /executions/{id}': ({ state, params, query }) => {
      const execution = state.executions.find(({ id }) => id === params.id)
      if (!execution) return notFound(params.id)
      const maxSize = Number(query.get('max_result_size') ?? Number.POSITIVE_INFINITY)
      return execution.result_size > maxSize ? { ...execution, result: undefined } : execution
    },
    'DELETE /executions/{id}': ({ state, params }) => {
      const execution = state.executions.find(({ id }) => id === params.id)
      if (!execution) return notFound(params.id)
      return deny(state, 'execution_stop') ?? cancel(state, execution)
    },
  },
  notFound: fault(404, 'The requested URL was not found on the server.'),
  members: (state) => ({
    token: TOKEN,
    /** Completes the first execution 4.5 seconds after its start. */
    finish(status: string, result: Fields = {}, fields: Partial<Execution> = {}) {
      const result_size = JSON.stringify(result).length
      Object.assign(state.executions[0] ?? {}, { status, end_timestamp: ENDED_AT, result, result_size, ...fields })
    },
    /** Adds a task of a workflow, which is the first execution by default. */
    task(
      name: string,
      action: string,
      status: string,
      options: Partial<Execution> & { chain?: boolean } = {},
    ): Execution {
      const { chain = false, parent = state.executions[0]?.id ?? '', ...fields } = options
      const context = chain ? { chain: { name } } : { orquesta: { task_name: name } }
      const task = { ...newExecution(state, action, {}, context), parent, status, ...fields }
      state.executions.push(task)
      state.executions.find(({ id }) => id === parent)?.children.push(task.id)
      const caused_by = { type: 'action_execution', id: parent }
      state.traces.at(-1)?.action_executions.push({ object_id: task.id, ref: action, caused_by })
      return task
    },
  }),
})

function fault(status: number, faultstring: string): Reply {
  return { status, body: { faultstring } }
}

function notFound(id: string): Reply {
  return fault(404, `Identifier "${id}" is not found`)
}

function deny({ denied }: State, permission: string): Reply | undefined {
  if (!denied.includes(permission)) return undefined
  return fault(403, `User "robot" doesn't have required permission "${permission}"`)
}

function create(state: State, { action: ref, parameters = {}, context = {} }: StartRequest): Reply {
  const known = state.actions[ref]
  if (!known) return fault(400, `Action "${ref}" cannot be found.`)
  const denial = deny(state, 'action_execute')
  if (denial) return denial
  const names = known.map((name) => name.replace('!', ''))
  const unknown = Object.keys(parameters).find((name) => !names.includes(name))
  if (unknown) return fault(400, `Additional properties are not allowed ('${unknown}' was unexpected)`)
  const missing = known.find((name) => name.endsWith('!') && !(name.slice(0, -1) in parameters))
  if (missing) return fault(400, `'${missing.slice(0, -1)}' is a required property`)
  const execution = newExecution(state, ref, parameters, { ...context, user: 'robot' })
  state.executions.push(execution)
  const trace_tag = context.trace_context?.trace_tag ?? `execution-${execution.id}`
  state.traces.push({ trace_tag, action_executions: [{ object_id: execution.id, ref, caused_by: {} }] })
  return { status: 201, body: execution }
}

function newExecution({ executions }: State, ref: string, parameters: Fields, context: Fields): Execution {
  const id = (0x54e657f2 + executions.length).toString(16).padEnd(24, '0')
  return {
    id,
    action: { ref },
    status: 'requested',
    parameters,
    context,
    start_timestamp: '2026-11-24T12:00:00.000000Z',
    result: {},
    result_size: 0,
    web_url: `https://stackstorm.example.com/#/history/${id}/general`,
    children: [],
  }
}

/** Lists executions, newest first. */
function list({ executions }: State, query: URLSearchParams): object[] {
  const excluded = query.get('exclude_attributes')?.split(',') ?? []
  return executions
    .filter(({ parent }) => parent === query.get('parent'))
    .toReversed()
    .slice(0, Number(query.get('limit') ?? 100))
    .map((execution) => Object.fromEntries(Object.entries(execution).filter(([name]) => !excluded.includes(name))))
}

/** StackStorm returns 200 for an execution that cannot be canceled. */
function cancel({ cancelable }: State, execution: Execution): object | Reply {
  if (!cancelable.includes(execution.status))
    return fault(200, `Action cannot be canceled. State = ${execution.status}.`)
  const result = { message: 'Action canceled by user.', user: 'robot' }
  return Object.assign(execution, { status: execution.status === 'running' ? 'canceling' : 'canceled', result })
}

export const jobRow = {
  starts: /^POST .*\/executions$/,
  start: startWith(startStackStorm, ({ url: baseUrl, token, state }) => {
    const enter = (status: string, fields: Partial<Execution> = {}) =>
      void Object.assign(state.executions.at(-1) ?? {}, { status, ...fields })
    const statusOf = () => state.executions.at(-1)?.status
    return {
      connection: { baseUrl, token },
      input: { target: 'shop.restart' },
      runs: () => state.executions.length,
      id: () => String(state.executions.at(-1)?.id),
      ...stages(enter, 'running', 'succeeded'),
      end: () => enter('succeeded', { end_timestamp: ENDED_AT }),
      finishStop: stopsWhenAsked(enter, () => statusOf(), 'canceling', 'canceled'),
    }
  }),
} satisfies JobRow
