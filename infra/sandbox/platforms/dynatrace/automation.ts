import { randomUUID } from 'node:crypto'
import { routeTable } from '../../../testing/route-table.ts'
import { bearer, type FakeCall, type FakeReply, isObject, json, jsonObject } from '../sandbox/http.ts'
import type { Store } from '../sandbox/store.ts'
import { errorResponse } from './responses.ts'

/** A run of a workflow. */
interface Execution {
  id: string
  workflow: string
  state: 'RUNNING' | 'PAUSED' | 'SUCCESS' | 'ERROR' | 'CANCELLED'
  input: Record<string, unknown>
  params: Record<string, unknown>
  startedAt: string
  endedAt: string | null
  /** The tasks that have ended, by name. */
  tasks?: Record<string, { action: string; result: unknown }>
}

interface Workflow {
  id: string
  title: string
}

/** The workflows of the environment, and their executions. Their tasks are run by the one who starts an execution. */
export interface Automation {
  answer(call: FakeCall): FakeReply
  /** Starts an execution, as a person does. */
  start(workflow: string, id?: string): Execution
  /** Changes the state of an execution, as its tasks do. */
  set(id: string, state: Execution['state']): void
  get(id: string): Execution | undefined
  /** Saves the results of the tasks of an execution. */
  setTasks(id: string, tasks: NonNullable<Execution['tasks']>): void
  /** Oldest first. */
  executions(): Execution[]
}

/**
 * Fakes the automation API: executions that are started, paused, resumed and canceled.
 *
 * @param onRead called before an execution is read
 * @see https://developer.dynatrace.com/develop/sdks/client-automation
 */
export function createAutomation(
  store: Store,
  token: string,
  workflows: readonly Workflow[],
  onRead: (id: string) => void,
): Automation {
  const executions = store.collection<Execution>('dynatrace.executions')
  const automation: Automation = {
    answer(call) {
      if (bearer(call.headers) !== token) return errorResponse(401, 'Unauthorized')
      return route(`${call.method} ${call.path}`, call) ?? errorResponse(404, 'Not found')
    },
    start: (workflow, id) => create({ workflow, id }),
    set(id, state) {
      const endedAt = state === 'RUNNING' || state === 'PAUSED' ? null : new Date().toISOString()
      executions.change(id, { state, endedAt })
    },
    setTasks: (id, tasks) => void executions.change(id, { tasks }),
    get: executions.get,
    executions: () => executions.list(),
  }

  const route = routeTable<FakeCall, FakeReply>()({
    'GET /platform/automation/v1/executions'({ query }) {
      const limit = Number(query.get('limit') ?? 100)
      const found = automation.executions().toReversed()
      return json(200, { count: found.length, results: found.slice(0, limit).map(responseOf) })
    },
    'GET /platform/automation/v1/executions/{id}': ({ params: { id } }) => {
      onRead(id)
      return withExecution(id, (found) => json(200, responseOf(found), {}, found.state))
    },
    'GET /platform/automation/v1/executions/{id}/tasks': ({ params: { id } }) =>
      withExecution(id, (found) => json(200, tasksOf(found))),
    'POST /platform/automation/v1/executions/{id}/pause': ({ params: { id } }) => transition(id, ['RUNNING'], 'PAUSED'),
    'POST /platform/automation/v1/executions/{id}/resume': ({ params: { id } }) =>
      transition(id, ['PAUSED'], 'RUNNING'),
    'POST /platform/automation/v1/executions/{id}/cancel': ({ params: { id } }) =>
      transition(id, ['RUNNING', 'PAUSED'], 'CANCELLED'),
    'GET /platform/automation/v1/workflows/{id}': ({ params: { id } }) =>
      withWorkflow(id, (workflow) => json(200, { ...workflow, isDeployed: true, type: 'STANDARD' })),
    'POST /platform/automation/v1/workflows/{id}/run': ({ params: { id }, ...call }) =>
      withWorkflow(id, (workflow) => run(workflow, call)),
  })

  function withExecution(id: string, then: (execution: Execution) => FakeReply): FakeReply {
    const found = automation.get(id)
    return found ? then(found) : notFound('execution', id)
  }

  function withWorkflow(id: string, then: (workflow: Workflow) => FakeReply): FakeReply {
    const found = workflows.find((one) => one.id === id)
    return found ? then(found) : notFound('workflow', id)
  }

  function transition(id: string, from: Execution['state'][], to: Execution['state']): FakeReply {
    const found = automation.get(id)
    if (!found) return notFound('execution', id)
    if (!from.includes(found.state))
      return errorResponse(400, `The execution is ${found.state}, not ${from.join(' or ')}`)
    automation.set(id, to)
    return { status: 204, note: `${found.state} -> ${to}` }
  }

  function run({ id }: Workflow, { body }: FakeCall): FakeReply {
    const { input = {}, params = {}, uniqueQualifier = null, ...others } = jsonObject(body) ?? {}
    if (!isObject(input) || !isObject(params) || Object.keys(others).length > 0)
      return errorResponse(400, 'The body must have input, params and uniqueQualifier only')
    if (uniqueQualifier !== null && typeof uniqueQualifier !== 'string')
      return errorResponse(400, 'uniqueQualifier must be a text')
    const qualifier = uniqueQualifier === null ? undefined : `${id} ${uniqueQualifier}`
    const [known] = qualifier === undefined ? [] : executions.list(qualifier)
    if (known) return json(202, responseOf(known), {}, 'the qualifier was used before')
    return json(201, responseOf(create({ workflow: id, input, params, qualifier })))
  }

  function create({
    workflow,
    id = randomUUID(),
    input = {},
    params = {},
    qualifier,
  }: Pick<Execution, 'workflow'> &
    Partial<Pick<Execution, 'input' | 'params'>> & {
      id?: string | undefined
      qualifier?: string | undefined
    }): Execution {
    const startedAt = new Date().toISOString()
    const execution: Execution = { id, workflow, state: 'RUNNING', input, params, startedAt, endedAt: null }
    return executions.put(id, execution, qualifier)
  }

  function responseOf({ tasks: _, ...execution }: Execution): object {
    const title = workflows.find(({ id }) => id === execution.workflow)?.title ?? ''
    const runtime =
      Math.round((Date.parse(execution.endedAt ?? '') || Date.now()) - Date.parse(execution.startedAt)) / 1_000
    return {
      ...execution,
      title,
      runtime,
      result: null,
      actor: '7a1f0c3d-1111-4222-8333-944455556666',
      triggerType: 'Manual',
      workflowVersion: 1,
      workflowType: 'STANDARD',
      parentExecution: null,
      parentTaskName: null,
    }
  }

  return automation
}

function tasksOf({ id, tasks = {} }: Execution): object {
  const entries = Object.entries(tasks).map(([name, task]) => [
    name,
    {
      id: `${id}-${name}`,
      execution: id,
      name,
      state: 'SUCCESS',
      startedAt: null,
      endedAt: null,
      runtime: 1,
      position: {},
      conditions: {},
      predecessors: [],
      active: true,
      ...task,
    },
  ])
  return Object.fromEntries(entries)
}

function notFound(what: string, id: string): FakeReply {
  return errorResponse(404, `The ${what} ${id} does not exist`)
}
