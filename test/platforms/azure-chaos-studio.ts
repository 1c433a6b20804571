import { randomUUID } from 'node:crypto'
import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'

interface Execution {
  name: string
  properties: { status: string; startedAt?: string; stoppedAt?: string }
}

export interface AzureChaosStudioServer extends Served {
  token: string
  state: {
    executions: Execution[]
    provisioningState: string
    /** How often the list does not contain the newest execution yet. */
    hiddenLists: number
    /** A canceled execution continues for a while. */
    cancelsLate: boolean
    pageSize: number
    details: object
    /** Why the operation of a start fails after it was accepted. */
    startError: { code: string; message: string } | undefined
  }
  /** Brings the newest execution into a state, as the provider names it. */
  enter(state: string): void
}

const GROUP = '/subscriptions/6b052e15-03d3-4f17-b2e1-be7f07588291/resourceGroups/shop'
const EXPERIMENTS = `${GROUP}/providers/Microsoft.Chaos/experiments`
const OPERATIONS = '/subscriptions/6b052e15-03d3-4f17-b2e1-be7f07588291/providers/Microsoft.Chaos/locations/westeurope'
const ENDED = ['success', 'succeeded', 'completed', 'failed', 'cancelled', 'canceled', 'preprocessingfailed']

/**
 * A fake of the API of Azure Chaos Studio, with the experiment `latency` of one resource group.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/chaosstudio/experiments
 */
export async function startAzureChaosStudio(): Promise<AzureChaosStudioServer> {
  const token = 'an-access-token-of-entra'
  const state: AzureChaosStudioServer['state'] = {
    ...{ executions: [], provisioningState: 'Succeeded', hiddenLists: 0, cancelsLate: false, pageSize: 50 },
    details: failedOn({ code: 'AgentError', message: 'The agent reported an error' }),
    startError: undefined,
  }
  const served: Served = await serve((call) => {
    if (call.headers['authorization'] !== `Bearer ${token}`)
      return refusal(401, 'AuthenticationFailed', 'Authentication failed.')
    if (call.query.get('api-version') !== '2025-01-01')
      return refusal(400, 'MissingApiVersionParameter', 'The api-version query parameter is required.')
    return answer(state, call, served)
  })
  return {
    ...served,
    token,
    state,
    enter(name) {
      const execution = newestOf(state.executions)
      // The start of each execution is later than that of the one before.
      const second = 10 + state.executions.length
      const stopped = ENDED.includes(name.toLowerCase()) ? { stoppedAt: `2026-11-27T10:02:${second}Z` } : {}
      execution.properties = { status: name, startedAt: `2026-11-27T10:00:${second}Z`, ...stopped }
    },
  }
}

/** Details of an execution with a fault that failed on one of two targets. Azure omits `error` if it has none. */
export function failedOn(error?: { code: string; message: string }): object {
  const targets = [
    { target: 'vm-1', status: 'succeeded' },
    { target: 'vm-2', status: 'failed', ...(error ? { error } : {}) },
  ]
  const actions = [
    { actionName: 'delay', status: 'Success', targets: [] },
    { actionName: 'latency', status: 'Failed', targets },
  ]
  return { failureReason: 'One or more faults failed', runInformation: { steps: [{ branches: [{ actions }] }] } }
}

function refusal(status: number, code: string, message: string): Reply {
  return { status, body: { error: { code, message } } }
}

function answer(state: AzureChaosStudioServer['state'], { method, path, query }: Call, { url }: Served): Reply {
  const at = `${method} ${path.replace(EXPERIMENTS, '')}`
  if (at === 'GET ') return ok({ value: [{ name: 'latency' }] })
  if (at === 'GET /latency') return ok({ name: 'latency', properties: { provisioningState: state.provisioningState } })
  if (at === 'POST /latency/start') return start(state, url)
  if (path === `${OPERATIONS}/operationStatuses/1`) {
    const { startError: error } = state
    return ok({ name: '1', status: error ? 'Failed' : 'Succeeded', ...(error ? { error } : {}) })
  }
  if (at === 'POST /latency/cancel') return cancel(state)
  if (at === 'GET /latency/executions') return list(state, Number(query.get('from') ?? 0), url)
  const [, id, rest] = /^(?:GET|POST) \/latency\/executions\/([\da-f-]{36})(\/getExecutionDetails)?$/.exec(at) ?? []
  const execution = state.executions.find(({ name }) => name === id)
  if (!execution) return refusal(404, 'ResourceNotFound', 'The resource was not found.')
  return ok(rest ? { name: id, properties: { status: execution.properties.status, ...state.details } } : execution)
}

function isRunning({ properties }: Execution): boolean {
  return !ENDED.includes(properties.status.toLowerCase())
}

function start({ executions, startError }: AzureChaosStudioServer['state'], url: string): Reply {
  if (executions.some(isRunning)) return refusal(409, 'Conflict', 'The experiment is already running.')
  if (!startError) executions.push({ name: randomUUID(), properties: { status: 'PreProcessingQueued' } })
  const address = (kind: string) => `${url}${OPERATIONS}/${kind}/1?api-version=2025-01-01`
  const headers = {
    location: address('operationResults'),
    'azure-asyncoperation': address('operationStatuses'),
    'retry-after': '5',
  }
  return { status: 202, headers }
}

function cancel({ executions, cancelsLate }: AzureChaosStudioServer['state']): Reply {
  const running = executions.find(isRunning)
  if (!running) return refusal(409, 'Conflict', 'The experiment is not running.')
  running.properties.status = cancelsLate ? 'Canceling' : 'Cancelled'
  return { status: 202 }
}

function list(state: AzureChaosStudioServer['state'], from: number, url: string): Reply {
  const isHidden = from === 0 && state.hiddenLists-- > 0
  const all = isHidden ? state.executions.slice(0, -1) : state.executions
  const next = from + state.pageSize
  const link = `${url}${EXPERIMENTS}/latency/executions?api-version=2025-01-01&from=${next}`
  return ok({ value: all.slice(from, next), ...(next < all.length ? { nextLink: link } : {}) })
}
