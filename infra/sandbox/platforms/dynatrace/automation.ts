import { randomUUID } from 'node:crypto'
import { type Answer, bearer, type Call, isObject, json, jsonObject, segments } from '../sandbox/http.ts'
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
  answer(call: Call): Answer
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
 * @see https://developer.dynatrace.com/develop/sdks/client-automation
 */
export function createAutomation(store: Store, token: string, workflows: readonly Workflow[]): Automation {
  const executions = store.collection<Execution>('dynatrace.executions')
  const automation: Automation = {
    answer(call) {
      if (bearer(call.headers) !== token) return errorResponse(401, 'Unauthorized')
      const [, , , what, id, verb, ...more] = segments(call.path)
      if (more.length > 0) return errorResponse(404, 'Not found')
      return operation(call, [what, id === undefined ? '' : '{id}', verb ?? ''].filter(Boolean).join('/'), id ?? '')
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

  function operation(call: Call, name: string, id: string): Answer {
    const workflow = workflows.find((one) => one.id === id)
    switch (`${call.method} ${name}`) {
      case 'GET executions': {
        const limit = Number(call.query.get('limit') ?? 100)
        const found = automation.executions().toReversed()
        return json(200, { count: found.length, results: found.slice(0, limit).map(responseOf) })
      }
      case 'GET executions/{id}': {
        const found = automation.get(id)
        return found ? json(200, responseOf(found), {}, found.state) : notFound('execution', id)
      }
      case 'GET executions/{id}/tasks': {
        const found = automation.get(id)
        return found ? json(200, tasksOf(found)) : notFound('execution', id)
      }
      case 'POST executions/{id}/pause':
        return transition(id, ['RUNNING'], 'PAUSED')
      case 'POST executions/{id}/resume':
        return transition(id, ['PAUSED'], 'RUNNING')
      case 'POST executions/{id}/cancel':
        return transition(id, ['RUNNING', 'PAUSED'], 'CANCELLED')
      case 'GET workflows/{id}':
        return workflow ? json(200, { ...workflow, isDeployed: true, type: 'STANDARD' }) : notFound('workflow', id)
      case 'POST workflows/{id}/run':
        return workflow ? run(workflow, call) : notFound('workflow', id)
      default:
        return errorResponse(404, 'Not found')
    }
  }

  function transition(id: string, from: Execution['state'][], to: Execution['state']): Answer {
    const found = automation.get(id)
    if (!found) return notFound('execution', id)
    if (!from.includes(found.state))
      return errorResponse(400, `The execution is ${found.state}, not ${from.join(' or ')}`)
    automation.set(id, to)
    return { status: 204, note: `${found.state} -> ${to}` }
  }

  function run({ id }: Workflow, { body }: Call): Answer {
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

function notFound(what: string, id: string): Answer {
  return errorResponse(404, `The ${what} ${id} does not exist`)
}
