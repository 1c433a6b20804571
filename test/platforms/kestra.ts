import { type Call, ok, type Reply, type Served, serve } from '../../infra/testing/loopback-server.ts'
import { basic, requireHeader } from '../../infra/testing/require-header.ts'

interface Flow {
  namespace: string
  id: string
  isDisabled: boolean
  /** The required inputs. Their values are numbers. */
  inputs: string[]
  /** The final state of an execution. Without it, an execution runs until it is killed. */
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
const USER = 'robot@example.com'
const PASSWORD = 'kestra-Password-1'
const checkPassword = requireHeader('authorization', basic(USER, PASSWORD), {
  status: 401,
  body: { message: 'Unauthorized' },
})

/**
 * A fake of Kestra 1.x, from the description of its API. It accepts inputs only as multipart/form-data.
 *
 * @see https://kestra.io/docs/api-reference/open-source
 */
export async function startKestra(): Promise<KestraServer> {
  const state: KestraServer['state'] = { executions: [] }
  // The parser of forms is asynchronous, so this fake does not declare routes.
  const served = await serve((call) => checkPassword(call) ?? answer(call, state))
  return { ...served, user: USER, password: PASSWORD, state }
}

const FLOWS = [
  newFlow('deploy', 'SUCCESS'),
  newFlow('scale', 'SUCCESS', { inputs: ['count'] }),
  newFlow('broken', 'FAILED'),
  newFlow('drain', undefined),
  newFlow('old', 'SUCCESS', { isDisabled: true }),
]

function newFlow(id: string, end: Flow['end'], fields: Partial<Flow> = {}): Flow {
  return { namespace: 'company.team', id, end, inputs: [], isDisabled: false, ...fields }
}

async function answer(call: Call, state: KestraServer['state']): Promise<Reply> {
  const { method, path, query } = call
  const [first = '', second] = path.replace(`${API}/`, '').split('/')
  if (method === 'GET' && first === 'search') return search(query, state.executions)
  const flow = FLOWS.find(({ namespace, id }) => namespace === first && id === second)
  if (method === 'POST') return create(call, flow, state)
  const execution = state.executions.find(({ id }) => id === first)
  if (!execution) return problem(404, `Not Found: Unable to find execution id '${first}'`)
  if (method === 'DELETE' && second === 'kill') {
    if (stateOf(execution) !== 'RUNNING')
      return problem(409, "Illegal state: Execution is already finished, can't kill it")
    execution.isKilled = true
    return { status: 202 }
  }
  execution.polls++
  return ok(toResponse(execution))
}

async function create(call: Call, flow: Flow | undefined, { executions }: KestraServer['state']): Promise<Reply> {
  if (!flow) return problem(404, 'Not Found: Requested Flow is not found.')
  if (flow.isDisabled) return problem(409, 'Illegal state: Requested Flow is disabled.')
  const type = String(call.headers['content-type'] ?? '')
  if (call.text !== '' && !type.startsWith('multipart/form-data')) return problem(415, 'Unsupported Media Type')
  const form =
    call.text === '' ? new FormData() : await new Response(call.text, { headers: { 'content-type': type } }).formData()
  const inputs: Record<string, number> = {}
  for (const name of flow.inputs) {
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
  const execution = { id: `3uBs${executions.length}`, flow, labels, inputs, polls: 0, isKilled: false }
  executions.push(execution)
  const url = `https://kestra.example.com/ui/main/executions/${flow.namespace}/${flow.id}/${execution.id}`
  return ok({ ...toResponse(execution), url })
}

function search(query: URLSearchParams, executions: Execution[]): Reply {
  const results = executions.filter(({ flow, labels }) =>
    [...query].every(([parameter, value]) => {
      const [, field, label] = /^filters\[(\w+)\]\[EQUALS\](?:\[([\w-]+)\])?$/.exec(parameter) ?? []
      if (field === 'namespace') return flow.namespace === value
      if (field === 'flowId') return flow.id === value
      return field !== 'labels' || labels.some((other) => other.key === label && other.value === value)
    }),
  )
  return ok({ results: results.map(toResponse), total: results.length })
}

function stateOf({ flow, isKilled, polls }: Execution): string {
  if (isKilled) return 'KILLED'
  return polls > 1 && flow.end ? flow.end : 'RUNNING'
}

function toResponse(execution: Execution): object {
  const { id, flow, labels, inputs } = execution
  const current = stateOf(execution)
  const outputs = current === 'SUCCESS' ? { outputs: { ...inputs, seconds: 3 } } : {}
  const taskRunList = [{ id: `${id}-1`, taskId: 'apply', state: { current } }]
  return { id, namespace: flow.namespace, flowId: flow.id, labels, inputs, ...outputs, taskRunList, state: { current } }
}

function problem(status: number, message: string): Reply {
  return { status, body: { message, _links: { self: [{ href: API, templated: false }] } } }
}
