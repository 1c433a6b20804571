import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import { readBody, toProxyEvent, writeProxyResult } from '../../../infra/local/cloud/index.ts'
import { isLoopbackHost } from '../../../infra/local/console-access.ts'
import { answerRequest } from '../../../shared/agents/endpoint.ts'
import { invalidParams, RPC_CODES, RpcError } from '../../../shared/agents/json-rpc.ts'
import type { JsonObject, RpcResult, Tool, ToolServer } from '../../../shared/agents/server.ts'

// The tools that the conformance suite calls, behind the protocol layer of the shipped function.

interface FixtureTask {
  createdAt: number
  endsAt: number
  end: RpcResult
  isCanceled?: boolean
}

const tasks = new Map<string, FixtureTask>()

const text = (value: string): RpcResult => ({ content: [{ type: 'text', text: value }] })

function startTask(seconds: number, end: RpcResult): RpcResult {
  const taskId = randomUUID()
  tasks.set(taskId, { createdAt: Date.now(), endsAt: Date.now() + seconds * 1_000, end })
  return { resultType: 'task', ...describeTask(taskId) }
}

function describeTask(taskId: string): RpcResult {
  const task = tasks.get(taskId)
  if (!task) throw invalidParams('There is no such task.')
  const { createdAt, endsAt, end, isCanceled } = task
  const isOver = Date.now() >= endsAt
  const status = isCanceled ? 'cancelled' : !isOver ? 'working' : 'error' in end ? 'failed' : 'completed'
  return {
    taskId,
    status,
    createdAt: new Date(createdAt).toISOString(),
    lastUpdatedAt: new Date().toISOString(),
    ttlMs: 3_600_000,
    pollIntervalMs: 100,
    ...(status === 'failed' ? end : status === 'completed' ? { result: { resultType: 'complete', ...end } } : {}),
  }
}

/** The tools, and what they return. A tool with `needs` refuses clients without the capability. */
const tools: Record<
  string,
  { properties?: JsonObject; needs?: string; run(sent: JsonObject, hasTasks: boolean): RpcResult }
> = {
  greet: { properties: { name: { type: 'string' } }, run: ({ name }) => text(`Hello, ${name}!`) },
  slow_compute: {
    properties: { seconds: { type: 'number' }, label: { type: 'string' } },
    run: ({ seconds, label }, hasTasks) => {
      const end = text(`Computed ${label}`)
      return hasTasks ? startTask(Number(seconds), end) : end
    },
  },
  failing_job: {
    run: (_, hasTasks) => requireTasks(hasTasks) ?? startTask(1, { ...text('It failed.'), isError: true }),
  },
  protocol_error_job: {
    run: (_, hasTasks) =>
      requireTasks(hasTasks) ?? startTask(0, { error: { code: RPC_CODES.internal, message: 'It was lost.' } }),
  },
  test_simple_text: { run: () => text('This is a simple text response for testing.') },
  test_error_handling: {
    run: () => ({ ...text('This tool intentionally returns an error for testing'), isError: true }),
  },
  test_missing_capability: { needs: 'sampling', run: () => text('Success') },
  test_logging_tool: { run: () => text('Nothing is logged unless a client asks for it.') },
  test_x_mcp_header: {
    properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
    run: ({ region }) => text(`Region ${region}`),
  },
}

function requireTasks(hasTasks: boolean): undefined {
  if (hasTasks) return undefined
  const data = { requiredCapabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } }
  throw new RpcError(RPC_CODES.capability, 'This tool needs tasks.', { status: 400, data })
}

const definitions: Tool[] = Object.entries(tools).map(([name, { properties = {} }]) => ({
  name,
  description: `The tool ${name} of the conformance suite`,
  inputSchema: { type: 'object', properties },
}))

const server: ToolServer = {
  info: { name: 'fixture', version: '1.0.0' },
  instructions: 'Tools of the conformance suite',
  listTools: async () => definitions,
  findTool: (name) => definitions.find((tool) => tool.name === name),
  async callTool({ name, arguments: sent, capabilities, hasTasks }) {
    const tool = tools[name]
    if (!tool) throw invalidParams('Unknown tool')
    if (tool.needs && !(tool.needs in capabilities)) {
      const data = { requiredCapabilities: { [tool.needs]: {} } }
      throw new RpcError(RPC_CODES.capability, `This tool needs ${tool.needs}.`, { status: 400, data })
    }
    return tool.run(sent, hasTasks)
  },
  getTask: async (taskId) => describeTask(taskId),
  async cancelTask(taskId) {
    const task = tasks.get(taskId)
    if (!task) throw invalidParams('There is no such task.')
    if (Date.now() < task.endsAt) task.isCanceled = true
  },
}

async function answer(req: IncomingMessage, body: Buffer) {
  if (!isLoopbackHost(req)) return { statusCode: 403, headers: {}, body: '{}' }
  const event = toProxyEvent(req, body, { resource: '/mcp', stage: 'v1' })
  return answerRequest(event, { awsRequestId: 'fixture' }, async () => server)
}

/** A server with the tools that the conformance suite calls. */
export const fixtureServer = createServer(async (req, res) => {
  writeProxyResult(res, await answer(req, (await readBody(req)) ?? Buffer.alloc(0)))
})
