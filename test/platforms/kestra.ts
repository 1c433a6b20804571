import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface Flow {
  namespace: string
  id: string
  isDisabled: boolean
  /** The inputs that it needs, which are numbers. */
  inputs: string[]
  /** How its executions end soon; one without an end runs until it is killed. */
  end: 'SUCCESS' | 'WARNING' | 'FAILED' | undefined
}

interface Execution {
  id: string
  flow: Flow
  labels: { key: string; value: string }[]
  inputs: Record<string, number>
  polls: number
  isKilled: boolean
}

export interface KestraServer extends Served {
  user: string
  password: string
  state: { executions: Execution[] }
}

const API = '/api/v1/main/executions'

/**
 * Kestra 1.x as its API describes it. Inputs come as multipart/form-data and in no other form.
 *
 * @see https://kestra.io/docs/api-reference/open-source
 */
export async function startKestra(): Promise<KestraServer> {
  const [user, password] = ['robot@example.com', 'kestra-Password-1']
  const state: KestraServer['state'] = { executions: [] }
  const served = await serve((call) => answer(call, state, user, password))
  return { ...served, user, password, state }
}

const flow = (id: string, end: Flow['end'], more: Partial<Flow> = {}): Flow => {
  return { namespace: 'company.team', id, end, inputs: [], isDisabled: false, ...more }
}
const FLOWS = [
  flow('deploy', 'SUCCESS'),
  flow('scale', 'SUCCESS', { inputs: ['count'] }),
  flow('broken', 'FAILED'),
  flow('drain', undefined),
  flow('old', 'SUCCESS', { isDisabled: true }),
]

async function answer(call: Call, state: KestraServer['state'], user: string, password: string): Promise<Reply> {
  const { method, path, query, headers } = call
  if (headers['authorization'] !== `Basic ${btoa(`${user}:${password}`)}`) {
    return { status: 401, body: { message: 'Unauthorized' } }
  }
  const rest = path.replace(`${API}/`, '').split('/')
  if (method === 'GET' && rest[0] === 'search') return search(query, state.executions)
  if (method === 'POST' && rest.length === 2) return create(call, rest as [string, string], state)
  const execution = state.executions.find(({ id }) => id === rest[0])
  if (!execution) return problem(404, `Not Found: Unable to find execution id '${rest[0]}'`)
  if (method === 'DELETE' && rest[1] === 'kill') {
    if (stateOf(execution) !== 'RUNNING')
      return problem(409, "Illegal state: Execution is already finished, can't kill it")
    execution.isKilled = true
    return { status: 202 }
  }
  execution.polls++
  return ok(shown(execution))
}

async function create(
  call: Call,
  [namespace, id]: [string, string],
  { executions }: KestraServer['state'],
): Promise<Reply> {
  const found = FLOWS.find((one) => one.namespace === namespace && one.id === id)
  if (!found) return problem(404, 'Not Found: Requested Flow is not found.')
  if (found.isDisabled) return problem(409, 'Illegal state: Requested Flow is disabled.')
  const type = String(call.headers['content-type'] ?? '')
  if (call.text !== '' && !type.startsWith('multipart/form-data')) return problem(415, 'Unsupported Media Type')
  const form =
    call.text === '' ? new FormData() : await new Response(call.text, { headers: { 'content-type': type } }).formData()
  const inputs: Record<string, number> = {}
  for (const name of found.inputs) {
    const value = form.get(name)
    if (value === null) return problem(422, `Invalid entity: Missing required input:${name}`)
    inputs[name] = Number(value)
    if (Number.isNaN(inputs[name]))
      return problem(422, `Invalid entity: Invalid value for input \`${name}\`. Cause: Invalid INT`)
  }
  const labels = call.query.getAll('labels').map((label) => {
    const [key = '', ...value] = label.split(':')
    return { key, value: value.join(':') }
  })
  const execution = { id: `3uBs${executions.length}`, flow: found, labels, inputs, polls: 0, isKilled: false }
  executions.push(execution)
  const url = `https://kestra.example.com/ui/main/executions/${namespace}/${id}/${execution.id}`
  return ok({ ...shown(execution), url })
}

function search(query: URLSearchParams, executions: Execution[]): Reply {
  const results = executions.filter(({ flow, labels }) =>
    [...query].every(([parameter, value]) => {
      const [, field, label] = /^filters\[(\w+)\]\[EQUALS\](?:\[([\w-]+)\])?$/.exec(parameter) ?? []
      if (field === 'namespace') return flow.namespace === value
      if (field === 'flowId') return flow.id === value
      return field !== 'labels' || labels.some((one) => one.key === label && one.value === value)
    }),
  )
  return ok({ results: results.map(shown), total: results.length })
}

function stateOf({ flow, isKilled, polls }: Execution): string {
  if (isKilled) return 'KILLED'
  return polls > 1 && flow.end ? flow.end : 'RUNNING'
}

function shown(execution: Execution): object {
  const { id, flow, labels, inputs } = execution
  const current = stateOf(execution)
  const outputs = current === 'SUCCESS' ? { outputs: { ...inputs, seconds: 3 } } : {}
  const taskRunList = [{ id: `${id}-1`, taskId: 'apply', state: { current } }]
  return { id, namespace: flow.namespace, flowId: flow.id, labels, inputs, ...outputs, taskRunList, state: { current } }
}

function problem(status: number, message: string): Reply {
  return { status, body: { message, _links: { self: [{ href: API, templated: false }] } } }
}
