import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { METADATA_PATH } from '../../shared/agents/challenge.ts'
import { PROGRESS_EVENTS } from '../../shared/core/task/progress.ts'
import { problemResponse } from '../../shared/core/webhook/responses.ts'
import { Failure } from '../../shared/errors.ts'
import { unknownName } from '../../shared/validate.ts'
import { HOW_TO_CALL } from '../aws/how-to-call.ts'
import { events, mcp } from '../build/files.ts'
import { openApi } from '../openapi/document.ts'
import { categories } from '../project/categories.ts'
import type { Sandbox } from '../sandbox/platforms/sandbox/sandbox.ts'
import { apiIndex } from './api-index.ts'
import {
  type ExecutionSummary,
  type LocalCloud,
  type Resource,
  readBody,
  tooLong,
  toProxyEvent,
  writeProxyResult,
} from './cloud/index.ts'
import { type Console, prefersPage, sendAsset } from './console/index.ts'
import { consoleAccess, consoleCookie, isFormOfOtherPage, isLoopbackHost, NO_ACCESS } from './console-access.ts'
import type { LocalCredentials } from './credentials.ts'
import type { RuntimeEvent } from './runtime-event.ts'
import { isTask, type ListedTask, listedTask } from './tasks/listed-task.ts'

/** The parts of the runtime that handle requests. */
export interface RuntimeParts {
  url: string
  cloud: LocalCloud
  sandbox: Sandbox
  console: Console
  observe: (event: RuntimeEvent) => void
  credentials: () => LocalCredentials
  /** Whether it receives notifications of sources. */
  hasSources: boolean
}

/** Routes a request to the functions, the sandbox or the console. */
export async function handleRequest(req: IncomingMessage, res: ServerResponse, parts: RuntimeParts): Promise<void> {
  const { cloud, sandbox, console, url, credentials } = parts
  // Appended instead of resolved: a path that starts with two slashes would be parsed as a host.
  const pathname = URL.parse(`${url}${req.url}`)?.pathname
  if (!isLoopbackHost(req)) return sendJson(res, 403, { message: 'Call the local runtime as 127.0.0.1 or localhost.' })
  if (isFormOfOtherPage(req))
    return sendJson(res, 403, { message: 'Pages of other sites cannot call the local runtime.' })
  if (pathname === undefined) return sendJson(res, 400, { message: 'The path is not valid.' })
  if (pathname === '/sandbox' || pathname.startsWith('/sandbox/')) {
    await sandbox.handle(req, res)
    return req.method === 'GET' ? undefined : console.sandboxChanged()
  }
  const access = consoleAccess(req, credentials())
  if (pathname === '/' && access === 'by link') {
    res.writeHead(303, { location: '/', 'set-cookie': consoleCookie(req, credentials()) }).end()
    return undefined
  }
  const isAsset = /^\/console\/[\w-]+\.\w+$/.test(pathname)
  if (access === 'none' && !isAsset && (pathname === '/tasks' || pathname.startsWith('/console/')))
    return sendJson(res, 401, { message: NO_ACCESS })
  if (pathname.startsWith('/console/')) return void (await console.handle(req, res, pathname.slice(9)))
  if (pathname === '/tasks')
    return sendJson(res, 200, { tasks: cloud.executions().map((task) => withTask(task, cloud)) })
  if (pathname === '/v1/openapi.json') return sendJson(res, 200, openApi(url))
  if (pathname === '/') {
    if (prefersPage(req.headers.accept) && (await sendAsset(res, 'index.html'))) return undefined
    return sendJson(res, 200, apiIndex(url))
  }
  const source = /^\/v1\/events\/([^/]+)$/.exec(pathname)?.[1]
  if (source !== undefined && parts.hasSources) {
    const resource = { resource: '/events/{source}', stage: 'v1', pathParameters: { source } }
    const { statusCode, body } = await callFunction(req, res, { name: events, pathname, resource }, parts)
    // Other responses are for senders that were not verified, or send the notification again.
    if (statusCode === 200 && body) console.notified(source, req, body)
    return undefined
  }
  if (pathname === '/v1/mcp')
    return void (await callFunction(req, res, { name: mcp, pathname, resource: MCP_RESOURCE }, parts))
  if (pathname === `/.well-known${METADATA_PATH}`)
    return void (await callFunction(req, res, { name: mcp, pathname, resource: METADATA_RESOURCE }, parts))
  const category = /^\/v1\/([^/]+)/.exec(pathname)?.[1]
  if (category === undefined)
    return sendJson(res, 404, { message: `Not found: ${pathname}. ${HOW_TO_CALL}`, ...apiIndex(url) })
  return callWebhook(req, res, { category, pathname }, parts)
}

/** Simulates API Gateway: invokes the webhook function of the category. */
async function callWebhook(
  req: IncomingMessage,
  res: ServerResponse,
  { category, pathname }: { category: string; pathname: string },
  { cloud, console, observe }: RuntimeParts,
): Promise<void> {
  const observeResponse = responseObserver(req, pathname, observe)
  const names = categories.map(({ name }) => name)
  if (!names.some((name) => name === category)) {
    const response = problemResponse(new Failure('unknown', unknownName('category', decodePath(category), names)), '')
    writeProxyResult(res, response)
    return observeResponse(response)
  }
  const body = await readBody(req)
  const id = randomUUID()
  // Reading the status of a task, canceling it, or deciding its approval is not a call.
  const isCall = !/^\/v1\/[^/]+\/(?:tasks\/|approvals\/|[^/]+\/cancel$)/.test(pathname)
  if (isCall) console.received(id, req, body)
  const { error, ...response } =
    body === undefined
      ? { error: undefined, ...tooLong() }
      : await invoke(cloud, `${category}-webhook`, toProxyEvent(req, body, { resource: '/{proxy+}', stage: 'v1' }), id)
  if (isCall) console.responded(id, response)
  writeProxyResult(res, response)
  observeResponse(response, error)
}

const MCP_RESOURCE = { resource: '/mcp', stage: 'v1' }
const METADATA_RESOURCE = { resource: METADATA_PATH, stage: 'v1' }

/** Simulates API Gateway: invokes a function that has a path of its own. Returns its status and the body that was sent. */
async function callFunction(
  req: IncomingMessage,
  res: ServerResponse,
  { name, pathname, resource }: { name: string; pathname: string; resource: Resource },
  { cloud, observe }: RuntimeParts,
): Promise<{ statusCode: number; body: Buffer | undefined }> {
  const observeResponse = responseObserver(req, pathname, observe)
  const body = await readBody(req)
  const { error, ...response } =
    body === undefined
      ? { error: undefined, ...tooLong() }
      : await invoke(cloud, name, toProxyEvent(req, body, resource), randomUUID())
  writeProxyResult(res, response)
  observeResponse(response, error)
  return { statusCode: response.statusCode, body }
}

/** Returns a function that reports the response to a request. */
function responseObserver(req: IncomingMessage, pathname: string, observe: RuntimeParts['observe']) {
  const startedAt = Date.now()
  return (response: ProxyResult, error?: string) => {
    const detail = response.statusCode >= 400 ? (error ?? detailOf(response)) : undefined
    observe({
      from: 'gateway',
      at: Date.now(),
      method: req.method ?? '',
      // The path of an approval contains a key.
      path: pathname.replace(/(\/approvals\/).+/, '$1***'),
      status: response.statusCode,
      ms: Date.now() - startedAt,
      ...(detail ? { detail } : {}),
    })
  }
}

interface ProxyResult {
  statusCode: number
  headers?: APIGatewayProxyResult['headers']
  body: string
}

/** Returns 502 if the function fails or returns an invalid result, as API Gateway does. `error` is for the log only. */
async function invoke(
  cloud: LocalCloud,
  name: string,
  event: APIGatewayProxyEvent,
  id: string,
): Promise<ProxyResult & { error?: string | undefined }> {
  const { result, error } = await cloud.invoke(name, event, id)
  if (!error && isProxyResult(result)) return result
  return { statusCode: 502, body: JSON.stringify({ message: 'Internal server error' }), error: error?.errorMessage }
}

function isProxyResult(result: unknown): result is ProxyResult {
  return typeof (result as ProxyResult | undefined)?.statusCode === 'number'
}

/** Adds its task to the execution of a task function, with the names of the HTTP interface. */
function withTask(execution: ExecutionSummary, cloud: LocalCloud): ExecutionSummary & { task?: ListedTask } {
  const { arn, name, functionName, status } = execution
  if (!functionName.endsWith('-task') || !isTask(name)) return execution
  const { input = '{}', result, error } = cloud.execution(arn) ?? {}
  const events = status === 'RUNNING' ? cloud.newestEvents(arn, PROGRESS_EVENTS) : []
  const category = functionName.replace(/-task$/, '')
  return {
    ...execution,
    task: listedTask({ ...execution, category, input, result, error: error?.ErrorMessage }, events),
  }
}

/** Returns the detail of a problem response; undefined for a web page. */
function detailOf({ headers, body }: ProxyResult): string | undefined {
  const type = String(headers?.['content-type'] ?? 'application/json')
  return type.includes('json') ? (JSON.parse(body) as { detail?: string }).detail : undefined
}

function decodePath(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function sendJson(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' })
  res.end(`${JSON.stringify(body, null, 2)}\n`)
}
