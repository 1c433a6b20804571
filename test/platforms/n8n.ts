import { definePlatform } from '../../infra/testing/define-platform.ts'
import type { Reply } from '../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../infra/testing/require-header.ts'

interface Workflow {
  id: string
  /** The path of its Webhook node. */
  path: string
  isActive: boolean
  /** The last state of its executions. Without one, executions run until they are stopped. */
  end: 'success' | 'error' | undefined
}

interface Execution {
  id: string
  workflow: Workflow
  status: 'running' | 'success' | 'error' | 'canceled'
  polls: number
  input: unknown
}

const API_KEY = 'n8n-api-key-of-webhooks'
const WEBHOOK_TOKEN = 'n8n-token-of-the-webhook-node'
const requireApiKey = requireHeader('x-n8n-api-key', API_KEY, { status: 401, body: { message: 'unauthorized' } })

/**
 * A fake of n8n as its documentation describes it: a Webhook node with header authentication, which is followed by a Respond
 * to Webhook node with the id of the execution, and the public API.
 *
 * @see https://docs.n8n.io/api/
 */
export const startN8n = definePlatform({
  state: () => ({
    workflows: [
      { id: 'Kx1', path: 'restart', end: 'success', isActive: true },
      { id: 'Kx2', path: 'broken', end: 'error', isActive: true },
      { id: 'Kx3', path: 'drain', end: undefined, isActive: true },
      { id: 'Kx4', path: 'draft', end: 'success', isActive: false },
    ] as Workflow[],
    executions: [] as Execution[],
  }),
  refuses: (call) => (call.path.startsWith('/webhook/') ? undefined : requireApiKey(call)),
  routes: {
    'POST /webhook/{path}': ({ state: { workflows, executions }, params, headers, body }) => {
      const workflow = workflows.find(({ isActive, path }) => isActive && path === params.path)
      if (!workflow) return notRegistered(params.path)
      if (headers['x-webhook-token'] !== WEBHOOK_TOKEN) return { status: 403, body: 'Authorization data is wrong!' }
      const id = String(executions.length + 1)
      executions.push({ id, workflow, status: 'running', polls: 0, input: body })
      return { executionId: id }
    },
    'GET /api/v1/workflows': () => ({ data: [], nextCursor: null }),
    'GET /api/v1/executions/{id}': ({ state, params }) => {
      const execution = state.executions.find(({ id }) => id === params.id)
      if (!execution) return undefined
      execution.polls++
      const { id, workflow, polls, status } = execution
      if (status === 'running' && polls > 1) execution.status = workflow.end ?? 'running'
      return {
        id,
        finished: execution.status === 'success',
        mode: 'webhook',
        status: execution.status,
        workflowId: workflow.id,
        startedAt: '2026-11-27T10:00:00.000Z',
      }
    },
    'POST /api/v1/executions/{id}/stop': ({ state, params }) => {
      const execution = state.executions.find(({ id }) => id === params.id)
      if (execution?.status === 'running') execution.status = 'canceled'
      return execution && { mode: 'webhook', finished: false, status: execution.status }
    },
  },
  notFound: { status: 404, body: { message: 'Not Found' } },
  members: () => ({ apiKey: API_KEY, webhookToken: WEBHOOK_TOKEN }),
})

function notRegistered(path: string): Reply {
  const body = {
    code: 404,
    message: `The requested webhook "POST ${path}" is not registered.`,
    hint: 'The workflow must be active for a production URL to run successfully.',
  }
  return { status: 404, body }
}
