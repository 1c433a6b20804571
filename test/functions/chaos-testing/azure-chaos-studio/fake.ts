import { randomUUID } from 'node:crypto'
import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { pageOf } from '../../../../infra/testing/page-of.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'
import { type JobRow, runsIn, stages, startWith } from '../../../conformance/row.ts'

interface Execution {
  name: string
  properties: { status: string; startedAt?: string; stoppedAt?: string }
}

type State = ReturnType<typeof initial>

const TOKEN = 'an-access-token-of-entra'
const SUBSCRIPTION = '/subscriptions/6b052e15-03d3-4f17-b2e1-be7f07588291'
const EXPERIMENTS = `${SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Chaos/experiments`
const OPERATIONS = `${SUBSCRIPTION}/providers/Microsoft.Chaos/locations/westeurope`
const ENDED = ['success', 'succeeded', 'completed', 'failed', 'cancelled', 'canceled', 'preprocessingfailed']

const initial = () => ({
  executions: [] as Execution[],
  provisioningState: 'Succeeded',
  /** Number of lists that do not contain the newest execution yet. */
  hiddenLists: 0,
  /** A canceled execution continues for a while. */
  cancelsLate: false,
  pageSize: 50,
  details: failedOn({ code: 'AgentError', message: 'The agent reported an error' }),
  /** The error of the operation of a start after it was accepted. */
  startError: undefined as { code: string; message: string } | undefined,
})

/**
 * A fake of the API of Azure Chaos Studio, with the experiment `latency` of one resource group.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/chaosstudio/experiments
 */
const startAzureChaosStudio = definePlatform({
  base: SUBSCRIPTION,
  state: initial,
  refuses: (call) =>
    requireHeader(
      'authorization',
      `Bearer ${TOKEN}`,
      refusal(401, 'AuthenticationFailed', 'Authentication failed.'),
    )(call) ??
    (call.query.get('api-version') === '2025-01-01'
      ? undefined
      : refusal(400, 'MissingApiVersionParameter', 'The api-version query parameter is required.')),
  routes: {
    'GET /providers/Microsoft.Chaos/locations/westeurope/operationStatuses/1': ({ state: { startError: error } }) => ({
      name: '1',
      status: error ? 'Failed' : 'Succeeded',
      error,
    }),
    'GET /resourceGroups/shop/providers/Microsoft.Chaos/experiments': () => ({ value: [{ name: 'latency' }] }),
    'GET /resourceGroups/shop/providers/Microsoft.Chaos/experiments/latency': ({ state: { provisioningState } }) => ({
      name: 'latency',
      properties: { provisioningState },
    }),
    'POST /resourceGroups/shop/providers/Microsoft.Chaos/experiments/latency/start': ({ state, headers }) =>
      start(state, `http://${headers.host}`),
    'POST /resourceGroups/shop/providers/Microsoft.Chaos/experiments/latency/cancel': ({ state }) => cancel(state),
    'GET /resourceGroups/shop/providers/Microsoft.Chaos/experiments/latency/executions': ({
      state,
      query,
      headers,
    }) => {
      const position = query.get('from')
      const isHidden = position === null && state.hiddenLists-- > 0
      const executions = isHidden ? state.executions.slice(0, -1) : state.executions
      const { page, next } = pageOf(executions, position, state.pageSize)
      const link = `http://${headers.host}${EXPERIMENTS}/latency/executions?api-version=2025-01-01&from=${next}`
      return { value: page, nextLink: next && link }
    },
    'GET /resourceGroups/shop/providers/Microsoft.Chaos/experiments/latency/executions/{id}': ({ state, params }) =>
      state.executions.find(({ name }) => name === params.id),
    'POST /resourceGroups/shop/providers/Microsoft.Chaos/experiments/latency/executions/{id}/getExecutionDetails': ({
      state,
      params,
    }) => {
      const execution = state.executions.find(({ name }) => name === params.id)
      if (!execution) return undefined
      return { name: params.id, properties: { status: execution.properties.status, ...state.details } }
    },
  },
  notFound: refusal(404, 'ResourceNotFound', 'The resource was not found.'),
  members: ({ executions }) => ({
    token: TOKEN,
    /** Puts the newest execution into a state, as the provider names it. */
    enter(name: string) {
      // The start of each execution is later than that of the one before.
      const second = 10 + executions.length
      const stopped = ENDED.includes(name.toLowerCase()) ? { stoppedAt: `2026-11-27T10:02:${second}Z` } : {}
      const properties = { status: name, startedAt: `2026-11-27T10:00:${second}Z`, ...stopped }
      newestOf(executions).properties = properties
    },
  }),
})

/** Returns the details of an execution with a fault that failed on one of two targets. Azure omits `error` if it has none. */
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

function isRunning({ properties }: Execution): boolean {
  return !ENDED.includes(properties.status.toLowerCase())
}

function start({ executions, startError }: State, url: string): Reply {
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

function cancel({ executions, cancelsLate }: State): Reply {
  const running = executions.find(isRunning)
  if (!running) return refusal(409, 'Conflict', 'The experiment is not running.')
  running.properties.status = cancelsLate ? 'Canceling' : 'Cancelled'
  return { status: 202 }
}

export const jobRow = {
  starts: /^POST .*\/start$/,
  start: startWith(startAzureChaosStudio, ({ url: baseUrl, token, state, enter }) => {
    const group = { subscription: '6b052e15-03d3-4f17-b2e1-be7f07588291', resourceGroup: 'shop' }
    return {
      connection: { baseUrl, token, ...group, allow: ['latency'] },
      input: { target: 'latency' },
      ...runsIn(() => state.executions.map((run) => [`latency/${run.name}`, run.properties.status === 'Cancelled'])),
      ...stages(enter, 'Running', 'Success'),
    }
  }),
} satisfies JobRow
