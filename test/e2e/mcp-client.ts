import type { Answer, Service } from './service.ts'

const VERSION = '2026-07-28'
const META = 'io.modelcontextprotocol'
const TASKS = `${META}/tasks`

interface RequestOptions {
  token?: string | null
  /** The capabilities that the client declares. */
  capabilities?: object
  /** Replaces headers, or omits them. */
  headers?: Record<string, string | undefined>
  meta?: object
}

let nextId = 0

/** Sends a request of MCP 2026-07-28 to a runtime, with the headers that repeat it. */
export function mcp(
  service: Service,
  method: string,
  params: Record<string, unknown> = {},
  options: RequestOptions = {},
) {
  const { token, capabilities = {}, headers = {}, meta = {} } = options
  const id = ++nextId
  const name = params['name'] ?? params['taskId']
  const connection = (params['arguments'] as Record<string, unknown> | undefined)?.['connection']
  const sent = {
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': VERSION,
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    ...(typeof connection === 'string' ? { 'mcp-param-connection': connection } : {}),
    ...headers,
  }
  const _meta = { [`${META}/protocolVersion`]: VERSION, [`${META}/clientCapabilities`]: capabilities, ...meta }
  return service.call(
    '/v1/mcp',
    { jsonrpc: '2.0', id, method, params: { ...params, _meta } },
    {
      headers: Object.fromEntries(
        Object.entries(sent).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
      ),
      ...(token === undefined ? {} : { token }),
    },
  )
}

/** Calls a tool, and returns its result. */
// biome-ignore lint/suspicious/noExplicitAny: the tests assert on any result.
export async function callTool(service: Service, name: string, sent: object, options?: RequestOptions): Promise<any> {
  const answer = await mcp(service, 'tools/call', { name, arguments: sent }, options)
  if (answer.status !== 200 || answer.body.error)
    throw new Error(`${name}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body.result
}

/** Calls a tool, and waits for the end of its task: on a busy machine, that takes longer than the tool waits. */
export async function callToEnd(
  ...[service, name, sent, options]: Parameters<typeof callTool>
): ReturnType<typeof callTool> {
  let result = await callTool(service, name, sent, options)
  while (result.structuredContent?.verdict === 'running') {
    const { taskId } = result.structuredContent
    result = await callTool(service, 'get_task', { taskId, wait: 20 }, options)
  }
  return result
}

/** Returns the code of the error of an answer, with its status. */
export function errorOf({ status, body }: Answer): [number, number | undefined] {
  return [status, body?.error?.code]
}

/** The extension for tasks, as a client declares it. */
export const withTasks = { capabilities: { extensions: { [TASKS]: {} } } }
