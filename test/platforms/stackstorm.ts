import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface Execution {
  id: string
  action: { ref: string }
  status: string
  parameters: Record<string, unknown>
  context: Record<string, unknown>
  start_timestamp: string
  end_timestamp?: string
  result: Record<string, unknown>
  result_size: number
  web_url?: string
  parent?: string
  children: string[]
}

/** Executions, including those that an execution started. */
interface Trace {
  trace_tag: string
  action_executions: { object_id: string; ref: string; caused_by: { type?: string; id?: string } }[]
}

/** The state of the fake. Tests read and change it. */
interface StackStormState {
  /** Actions, each with the names of its parameters; what it needs ends in `!`. */
  actions: Record<string, string[]>
  executions: Execution[]
  traces: Trace[]
  /** Permissions that the user of the key lacks: `trace_list`. */
  denied: string[]
  /** States in which an execution can be canceled. */
  cancelable: string[]
}

export interface StackStormServer extends Served {
  token: string
  state: StackStormState
  /** Completes the first execution 4.5 seconds after its start. */
  finish(status: string, result?: Record<string, unknown>, more?: Partial<Execution>): void
  /** A task of a workflow, of the first execution or of another. */
  task(name: string, action: string, status: string, what?: Partial<Execution> & { chain?: boolean }): Execution
}

/**
 * StackStorm as its API answers.
 *
 * @see https://github.com/StackStorm/st2/blob/master/st2api/st2api/controllers/v1/actionexecutions.py
 * @see https://github.com/StackStorm/st2/blob/master/st2api/st2api/controllers/v1/traces.py
 */
export async function startStackStorm(): Promise<StackStormServer> {
  const token = 'an-api-key-of-stackstorm'
  const state: StackStormState = {
    actions: { 'shop.restart': ['host', 'times'], 'shop.recover': ['shop!'], 'core.local': ['cmd!'] },
    executions: [],
    traces: [],
    denied: [],
    cancelable: ['requested', 'scheduled', 'delayed', 'running'],
  }
  const served = await serve((call) => {
    if (call.headers['st2-api-key'] !== token) {
      return fault(401, 'Unauthorized - ApiKey with key_hash=5a3d not found.')
    }
    return createStackStorm(state).answer(call)
  })
  return {
    ...served,
    token,
    state,
    finish(status, result = {}, more = {}) {
      const end_timestamp = '2026-11-24T12:00:04.500000Z'
      const result_size = JSON.stringify(result).length
      Object.assign(state.executions[0] ?? {}, { status, end_timestamp, result, result_size, ...more })
    },
    task(name, action, status, { chain = false, parent = state.executions[0]?.id ?? '', ...what } = {}) {
      const context = chain ? { chain: { name } } : { orquesta: { task_name: name } }
      const task = { ...made(state, action, {}, context), parent, status, ...what }
      state.executions.push(task)
      state.executions.find(({ id }) => id === parent)?.children.push(task.id)
      state.traces.at(-1)?.action_executions.push({
        object_id: task.id,
        ref: action,
        caused_by: { type: 'action_execution', id: parent },
      })
      return task
    },
  }
}

function fault(status: number, faultstring: string): Reply {
  return { status, body: { faultstring } }
}

function made(
  { executions }: StackStormState,
  ref: string,
  parameters: Record<string, unknown>,
  context: Record<string, unknown>,
): Execution {
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

function createStackStorm(state: StackStormState) {
  function answer({ method, path, query, body }: Call): Reply {
    const [, what, id] = /^\/api\/v1\/(\w+)(?:\/([^/]+))?$/.exec(path) ?? []
    if (what === 'user') return ok({ username: 'robot', authentication: { method: 'API key' } })
    if (what === 'traces' && id === undefined) return traces(query)
    if (what !== 'executions') return fault(404, 'The requested URL was not found on the server.')
    if (id === undefined) {
      return method === 'POST' ? create((body ?? {}) as Record<string, unknown>) : list(query)
    }
    const execution = state.executions.find((one) => one.id === id)
    if (!execution) return fault(404, `Identifier "${id}" is not found`)
    return method === 'DELETE' ? cancel(execution) : getOne(execution, query)
  }

  function lacks(permission: string): Reply | undefined {
    if (!state.denied.includes(permission)) return undefined
    return fault(403, `User "robot" doesn't have required permission "${permission}"`)
  }

  function traces(query: URLSearchParams): Reply {
    const found = state.traces.filter(({ trace_tag }) => trace_tag === query.get('trace_tag'))
    return lacks('trace_list') ?? ok(found)
  }

  function create(asked: Record<string, unknown>): Reply {
    const ref = String(asked['action'])
    const known = state.actions[ref]
    if (!known) return fault(400, `Action "${ref}" cannot be found.`)
    const denied = lacks('action_execute')
    if (denied) return denied
    const parameters = (asked['parameters'] ?? {}) as Record<string, unknown>
    const names = known.map((name) => name.replace('!', ''))
    const unknown = Object.keys(parameters).find((name) => !names.includes(name))
    if (unknown) return fault(400, `Additional properties are not allowed ('${unknown}' was unexpected)`)
    const missing = known.find((name) => name.endsWith('!') && !(name.slice(0, -1) in parameters))
    if (missing) return fault(400, `'${missing.slice(0, -1)}' is a required property`)
    const context = (asked['context'] ?? {}) as { trace_context?: { trace_tag?: string } }
    const execution = made(state, ref, parameters, { ...context, user: 'robot' })
    state.executions.push(execution)
    const trace_tag = context.trace_context?.trace_tag ?? `execution-${execution.id}`
    state.traces.push({ trace_tag, action_executions: [{ object_id: execution.id, ref, caused_by: {} }] })
    return { status: 201, body: execution }
  }

  /** Newest first. */
  function list(query: URLSearchParams): Reply {
    const excluded = query.get('exclude_attributes')?.split(',') ?? []
    const found = state.executions
      .filter(({ parent }) => parent === query.get('parent'))
      .reverse()
      .slice(0, Number(query.get('limit') ?? 100))
    const body = found.map((one) => {
      return Object.fromEntries(Object.entries(one).filter(([name]) => !excluded.includes(name)))
    })
    return lacks('execution_list') ?? { status: 200, body }
  }

  function getOne(execution: Execution, query: URLSearchParams): Reply {
    const { result, ...others } = execution
    const most = Number(query.get('max_result_size') ?? Number.POSITIVE_INFINITY)
    return ok(execution.result_size > most ? others : { ...others, result })
  }

  /** StackStorm returns 200 for an execution that cannot be canceled. */
  function cancel(execution: Execution): Reply {
    const denied = lacks('execution_stop')
    if (denied) return denied
    if (!state.cancelable.includes(execution.status))
      return fault(200, `Action cannot be canceled. State = ${execution.status}.`)
    const result = { message: 'Action canceled by user.', user: 'robot' }
    Object.assign(execution, { status: execution.status === 'running' ? 'canceling' : 'canceled', result })
    return ok(execution)
  }

  return { answer }
}
