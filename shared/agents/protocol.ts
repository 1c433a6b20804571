import { Failure } from '../errors.ts'
import { log } from '../log.ts'
import { isRecord } from '../record.ts'
import { setTraceparent } from '../traceparent.ts'
import {
  errorResponse,
  invalidParams,
  RPC_CODES,
  RpcError,
  type RpcId,
  type RpcResponse,
  resultResponse,
} from './json-rpc.ts'
import { checkArgumentHeaders, checkMirroredHeaders, type Headers, headerOf } from './mirrored-headers.ts'
import type { JsonObject, RpcResult, Tool, ToolServer } from './server.ts'
import { HANDSHAKE, META_KEYS, STATELESS, TASKS, VERSIONS } from './versions.ts'

/** How long a client may use what the server supports, and which tools there are. */
const DISCOVERY_TTL_MS = 3_600_000
const TOOLS_TTL_MS = 300_000

/** A request whose version is known. */
interface Request {
  id: RpcId
  method: string
  params: JsonObject
  headers: Headers
  /** Undefined for the handshake, where a request declares nothing. */
  capabilities: JsonObject | undefined
}

/**
 * Answers one message of MCP, in both eras of the protocol: since 2026-07-28 each request stands alone, and before, a handshake
 * precedes it. The server keeps no session in either.
 *
 * @param message parsed from the body
 * @throws Failure `forbidden`: the token lacks a scope
 */
export async function answerMessage(server: ToolServer, message: JsonObject, headers: Headers): Promise<RpcResponse> {
  const { id, method } = message
  // A notification, or a response: there is nothing to answer.
  if (id === undefined && typeof method === 'string') return { status: 202 }
  if (method === undefined && ('result' in message || 'error' in message)) return { status: 202 }
  if ((typeof id !== 'string' && !Number.isInteger(id)) || typeof method !== 'string' || message['jsonrpc'] !== '2.0')
    return errorResponse(
      undefined,
      new RpcError(RPC_CODES.request, 'The body is not a JSON-RPC request.', { status: 400 }),
    )
  const rpcId = id as RpcId
  try {
    const params = message['params'] ?? {}
    if (!isRecord(params)) throw invalidParams('params must be an object.', 400)
    const request = { id: rpcId, method, params, headers }
    const isStateless = isStatelessRequest(request)
    return resultResponse(rpcId, await (isStateless ? answerStateless : answerHandshake)(server, request))
  } catch (error) {
    if (error instanceof RpcError) return errorResponse(rpcId, error)
    // An answer of HTTP: the client needs another token.
    if (error instanceof Failure) throw error
    log.error('message not answered', error as Error)
    const message = 'Internal error. The log of the function has the reason.'
    return errorResponse(rpcId, new RpcError(RPC_CODES.internal, message, { status: 500 }))
  }
}

type Unversioned = Omit<Request, 'capabilities'>

/**
 * Decides by the body, because bridges also send the headers of 2026-07-28 with requests of earlier versions. The header with the version
 * only leads to a better error.
 */
function isStatelessRequest({ method, params, headers }: Unversioned): boolean {
  const { _meta: meta } = params
  if (method === 'server/discover' || (isRecord(meta) && meta[META_KEYS.version] !== undefined)) return true
  return method !== 'initialize' && headerOf(headers, 'mcp-protocol-version') === STATELESS
}

function isHandshakeVersion(version: unknown): boolean {
  return HANDSHAKE.some((known) => known === version)
}

async function answerStateless(server: ToolServer, request: Unversioned): Promise<RpcResult> {
  const { method, params, headers } = request
  const meta = isRecord(params['_meta']) ? params['_meta'] : {}
  const { [META_KEYS.version]: version, [META_KEYS.capabilities]: capabilities } = meta
  if (typeof version !== 'string') throw invalidParams(`_meta must have ${META_KEYS.version}.`, 400)
  if (!isRecord(capabilities)) throw invalidParams(`_meta must have ${META_KEYS.capabilities}, an object.`, 400)
  if (headerOf(headers, 'mcp-protocol-version') !== version)
    throw new RpcError(RPC_CODES.headers, 'The header mcp-protocol-version differs from the body.', { status: 400 })
  if (version !== STATELESS) throw unsupportedVersion(version)
  checkMirroredHeaders(headers, method, params)
  setTraceparent(meta['traceparent'])
  const answer = Object.hasOwn(statelessMethods, method) ? statelessMethods[method] : undefined
  if (!answer) throw new RpcError(RPC_CODES.method, `The method ${method.slice(0, 80)} is unknown.`, { status: 404 })
  const result = await answer(server, { ...request, capabilities })
  return { resultType: 'complete', ...result, _meta: { [META_KEYS.server]: server.info } }
}

function unsupportedVersion(requested: string): RpcError {
  const data = { supported: VERSIONS, requested }
  return new RpcError(RPC_CODES.version, `The version ${requested.slice(0, 40)} is not supported.`, {
    status: 400,
    data,
  })
}

type Method = (server: ToolServer, request: Request) => Promise<RpcResult>

const statelessMethods: Record<string, Method> = {
  'server/discover': async ({ instructions }) => ({
    supportedVersions: VERSIONS,
    capabilities: { tools: {}, extensions: { [TASKS]: {} } },
    instructions,
    ttlMs: DISCOVERY_TTL_MS,
    cacheScope: 'public',
  }),
  'tools/list': async (server, request) => ({
    ...(await listTools(server, request)),
    ttlMs: TOOLS_TTL_MS,
    cacheScope: 'private',
  }),
  'tools/call': async (server, request) => {
    const { tool, sent } = toolOf(server, request)
    checkArgumentHeaders(request.headers, tool, sent)
    return callTool(server, request, tool, sent)
  },
  'tasks/get': async (server, request) => server.getTask(taskIdOf(request)),
  'tasks/update': async (server, request) => {
    const taskId = taskIdOf(request)
    if (!isRecord(request.params['inputResponses'])) throw invalidParams('inputResponses must be an object.')
    // No task asks the client, so there is nothing to update: people answer elsewhere.
    await server.getTask(taskId)
    return {}
  },
  'tasks/cancel': async (server, request) => {
    await server.cancelTask(taskIdOf(request))
    return {}
  },
}

async function answerHandshake(server: ToolServer, request: Unversioned): Promise<RpcResult> {
  const { method, params, headers } = request
  const version = headerOf(headers, 'mcp-protocol-version')
  if (version !== undefined && method !== 'initialize' && !isHandshakeVersion(version))
    throw unsupportedVersion(version)
  setTraceparent(isRecord(params['_meta']) ? params['_meta']['traceparent'] : undefined)
  const answer = Object.hasOwn(handshakeMethods, method) ? handshakeMethods[method] : undefined
  if (!answer) throw new RpcError(RPC_CODES.method, `The method ${method.slice(0, 80)} is unknown.`)
  const { resultType: _, ...result } = await answer(server, { ...request, capabilities: undefined })
  return result
}

const handshakeMethods: Record<string, Method> = {
  initialize: async ({ info, instructions }, { params }) => ({
    protocolVersion: HANDSHAKE.find((version) => version === params['protocolVersion']) ?? HANDSHAKE[0],
    capabilities: { tools: {} },
    serverInfo: info,
    instructions,
  }),
  ping: async () => ({}),
  'tools/list': listTools,
  'tools/call': async (server, request) => {
    const { tool, sent } = toolOf(server, request)
    return callTool(server, request, tool, sent)
  },
}

async function listTools(server: ToolServer, { params }: Request): Promise<RpcResult> {
  const { cursor = '' } = params
  // All tools are on one page.
  if (cursor !== '') throw invalidParams('The cursor is unknown.')
  return { tools: await server.listTools() }
}

function toolOf(server: ToolServer, { params }: Request): { tool: Tool; sent: JsonObject } {
  const { name } = params
  const sent = params['arguments'] ?? {}
  if (typeof name !== 'string') throw invalidParams('name must be a text.')
  if (!isRecord(sent)) throw invalidParams('arguments must be an object.')
  const tool = server.findTool(name)
  // The same for a tool that the caller may not use.
  if (!tool) throw invalidParams(`Unknown tool: ${name.slice(0, 80)}`)
  return { tool, sent }
}

function callTool(server: ToolServer, { capabilities }: Request, { name }: Tool, sent: JsonObject): Promise<RpcResult> {
  return server.callTool({
    name,
    arguments: sent,
    capabilities: capabilities ?? {},
    hasTasks: declaresTasks(capabilities),
  })
}

function taskIdOf({ params, capabilities }: Request): string {
  if (!declaresTasks(capabilities)) {
    const data = { requiredCapabilities: { extensions: { [TASKS]: {} } } }
    throw new RpcError(RPC_CODES.capability, `The request must declare the extension ${TASKS}.`, { status: 400, data })
  }
  const { taskId } = params
  if (typeof taskId !== 'string') throw invalidParams('taskId must be a text.')
  return taskId
}

function declaresTasks(capabilities: JsonObject | undefined): boolean {
  const extensions = capabilities?.['extensions']
  return isRecord(extensions) && isRecord(extensions[TASKS])
}
