import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface Workflow {
  id: string
  /** The path of its Webhook node. */
  path: string
  isActive: boolean
  /** How its executions end; one without an end runs until it is stopped. */
  end: 'success' | 'error' | undefined
}

interface Execution {
  id: string
  workflow: Workflow
  status: 'running' | 'success' | 'error' | 'canceled'
  polls: number
  input: unknown
}

export interface N8nServer extends Served {
  apiKey: string
  webhookToken: string
  state: { workflows: Workflow[]; executions: Execution[] }
}

/**
 * n8n as its documentation describes it: a Webhook node with header authentication, which is followed by a Respond to Webhook
 * node with the id of the execution, and the public API.
 *
 * @see https://docs.n8n.io/api/
 */
export async function startN8n(): Promise<N8nServer> {
  const [apiKey, webhookToken] = ['n8n-api-key-of-webhooks', 'n8n-token-of-the-webhook-node']
  const workflow = (id: string, path: string, end: Workflow['end'], isActive = true): Workflow => {
    return { id, path, end, isActive }
  }
  const state: N8nServer['state'] = {
    workflows: [
      workflow('Kx1', 'restart', 'success'),
      workflow('Kx2', 'broken', 'error'),
      workflow('Kx3', 'drain', undefined),
      workflow('Kx4', 'draft', 'success', false),
    ],
    executions: [],
  }
  const served = await serve((call) => answer(call, state, apiKey, webhookToken))
  return { ...served, apiKey, webhookToken, state }
}

function answer(call: Call, state: N8nServer['state'], apiKey: string, webhookToken: string): Reply {
  const { method, path, headers } = call
  const webhook = /^\/webhook\/(.+)$/.exec(path)?.[1]
  if (webhook !== undefined) {
    const workflow = state.workflows.find((one) => one.isActive && one.path === webhook)
    if (method !== 'POST' || !workflow) return notRegistered(`${method} ${webhook}`)
    if (headers['x-webhook-token'] !== webhookToken) return { status: 403, body: 'Authorization data is wrong!' }
    const id = String(state.executions.length + 1)
    state.executions.push({ id, workflow, status: 'running', polls: 0, input: call.body })
    return ok({ executionId: id })
  }
  if (headers['x-n8n-api-key'] !== apiKey) return { status: 401, body: { message: 'unauthorized' } }
  if (path === '/api/v1/workflows') return ok({ data: [], nextCursor: null })
  const [, id, stop] = /^\/api\/v1\/executions\/(\d+)(\/stop)?$/.exec(path) ?? []
  const execution = state.executions.find((one) => one.id === id)
  if (!execution) return { status: 404, body: { message: 'Not Found' } }
  if (stop && method === 'POST') {
    if (execution.status === 'running') execution.status = 'canceled'
    return ok({ mode: 'webhook', finished: false, status: execution.status })
  }
  execution.polls++
  if (execution.status === 'running' && execution.polls > 1 && execution.workflow.end) {
    execution.status = execution.workflow.end
  }
  return ok(shown(execution))
}

function shown({ id, workflow, status }: Execution): object {
  const finished = status === 'success'
  return { id, finished, mode: 'webhook', status, workflowId: workflow.id, startedAt: '2026-11-27T10:00:00.000Z' }
}

function notRegistered(webhook: string): Reply {
  return {
    status: 404,
    body: {
      code: 404,
      message: `The requested webhook "${webhook}" is not registered.`,
      hint: 'The workflow must be active for a production URL to run successfully.',
    },
  }
}
