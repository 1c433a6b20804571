import { randomUUID } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { APIGatewayProxyResult } from 'aws-lambda'
import { categories } from '../../functions/index.ts'
import type { Task } from '../../shared/core/call.ts'
import { executionTimeoutOf } from '../../shared/core/deadlines.ts'
import { problem } from '../../shared/core/http/responses.ts'
import { describeProgress, PROGRESS_EVENTS } from '../../shared/core/task/progress.ts'
import { Failure } from '../../shared/errors.ts'
import { actionNames } from '../../shared/providers/category.ts'
import { unknownName } from '../../shared/validate.ts'
import { dist, finisher } from '../build/main.ts'
import { openApi } from '../openapi/document.ts'
import { createSandbox, type Sandbox, type SandboxObservation } from '../platforms/sandbox/index.ts'
import {
  authorizationWith,
  type CloudCredentials,
  type ExecutionSummary,
  type LocalCloud,
  type LocalFunction,
  type Observation,
  readBody,
  type StatusChangeEvent,
  startLocalCloud,
  tooLong,
  toProxyEvent,
  writeProxyResult,
} from './cloud/index.ts'
import { type Console, createConsole, prefersPage, sendAsset } from './console/index.ts'
import { consoleAccess, consoleCookie, NO_ACCESS } from './console-access.ts'
import { credentialsOf, type LocalCredentials } from './credentials.ts'
import { ensureIdentityKey } from './identity-key.ts'
import { runtimeFile, writeRuntimeFile } from './runtime-file.ts'
import { localSecrets } from './secrets.ts'
import { openStateFolder } from './state-folder.ts'

export interface RuntimeOptions {
  /** 0 for a free one. */
  port: number
  /** A folder: everything that must survive is in it. */
  state: string
  /** A JSON file of secrets, laid over the sandbox's own. */
  secretsFile?: string | undefined
  /** Where the bundles are. */
  bundles?: string
  /** Instead of the demo's or generated ones: for tests. */
  credentials?: LocalCredentials
  /** What functions sign requests to AWS with, instead of random credentials: for tests. */
  awsCredentials?: CloudCredentials
  /** Functions cache secrets for five minutes, as on AWS, instead of seeing each change at once: for tests. */
  cacheSecrets?: boolean
  /** Divides the waits of durable steps: for tests. */
  timeScale?: number
  /** Seconds that a webhook may take: 28, since API Gateway waits 29; fewer where a test wants to see them run out. */
  webhookTimeout?: number
  /** Seconds after which Lambda ends a task, instead of the timeout of its category: for tests. */
  executionTimeout?: number
  observe?: (event: RuntimeEvent) => void
  /** Called when a real platform was connected while the runtime runs, and the demo's credentials no longer work. */
  onPrivate?: (credentials: LocalCredentials) => void
}

/** What happens, as it happens: requests in, durable steps, calls out to the sandbox and events back. */
export type RuntimeEvent =
  | { from: 'gateway'; at: number; method: string; path: string; status: number; ms: number; detail?: string }
  | ({ from: 'cloud' } & Observation)
  | ({ from: 'sandbox' } & SandboxObservation)

export interface Runtime {
  url: string
  cloud: LocalCloud
  sandbox: Sandbox
  /** The ones that work now. */
  credentials(): LocalCredentials
  close(): Promise<void>
}

/** Lambda's limit for one invocation of a task; a step's requests are far shorter. */
const taskTimeout = 300
const day = 86_400

/**
 * Starts the bundles of `dist/` behind the HTTP interface that they have on AWS, with stand-ins for the parts of AWS that
 * they use, and the sandbox. Listens on loopback only.
 *
 * @throws Error if the port is in use or the state folder cannot be used
 */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { port, state, bundles = dist } = options
  if (!existsSync(bundles)) throw new Error(`There are no bundles in ${bundles}: run npm run build first.`)
  openStateFolder(state)
  const started = Promise.withResolvers<Serving>()
  // Attached before the server listens: a request that comes early waits until everything has started.
  const server = createServer(async (req, res) => {
    try {
      await serve(req, res, await started.promise)
    } catch (error) {
      console.error('The local runtime failed to answer:', error)
      res.destroy()
    }
  })
  const url = await listen(server, port)
  try {
    const serving = await startParts(url, options)
    started.resolve(serving)
    return {
      url,
      cloud: serving.cloud,
      sandbox: serving.sandbox,
      credentials: serving.credentials,
      async close() {
        serving.viewer.close()
        // Before the platforms go: what is still at work would take their end for a failure, and note it.
        await serving.cloud.close()
        await closeServer(server)
        serving.sandbox.close()
        rmSync(runtimeFile(state), { force: true })
      },
    }
  } catch (error) {
    started.promise.catch(() => {})
    started.reject(error)
    await closeServer(server)
    throw error
  }
}

async function closeServer(server: Server): Promise<void> {
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
}

async function startParts(url: string, options: RuntimeOptions): Promise<Serving> {
  const { state, secretsFile, bundles = dist, timeScale = 1 } = options
  const { webhookTimeout = 28, executionTimeout, awsCredentials } = options
  // The CLI writes it: what is stored there is known at once.
  const stored = { file: secretsFile ?? join(state, 'secrets.json'), optional: secretsFile === undefined }
  const { credentials: given } = options
  const credentials = given ? () => given : credentialsOf(state)
  const secrets = localSecrets(url, stored.file, {
    optional: stored.optional,
    identityKey: ensureIdentityKey(state),
    credentials,
  })
  // Reading the secrets generates private credentials if they are needed.
  secrets.version()
  let isPrivate = credentials(false).consoleKey !== undefined
  const noteIfPrivate = () => {
    const now = credentials(false)
    if (isPrivate || now.consoleKey === undefined) return
    isPrivate = true
    options.onPrivate?.(now)
  }
  let viewer: Console | undefined
  const observe = (event: RuntimeEvent) => {
    viewer?.observe(event)
    options.observe?.(event)
  }
  const sandbox = createSandbox({
    state,
    interactivityUrl: `${url}/v1/notification/slack`,
    observe: (seen) => observe({ from: 'sandbox', ...seen }),
  })
  const cloud = await startLocalCloud({
    state,
    functions: [
      ...categories.flatMap((category) =>
        functionsOf(category.name, bundles, webhookTimeout, executionTimeout ?? executionTimeoutOf(category)),
      ),
      finisherFunction(bundles),
    ],
    secret: (name) => secrets.get(name),
    secretNames: () => secrets.names(),
    secretsVersion() {
      const version = secrets.version()
      noteIfPrivate()
      return options.cacheSecrets ? '' : version
    },
    credentials: awsCredentials,
    table,
    timeScale,
    observe: (seen) => observe({ from: 'cloud', ...seen }),
    onEnded: (ended) => startFinisher(cloud, ended),
  })
  viewer = createConsole({ url, cloud, sandbox, secrets, token: () => credentials(false).callerToken })
  const { endpoint, dynamodb } = cloud
  writeRuntimeFile(state, { url, aws: { endpoint, dynamodb, ...cloud.credentials } })
  return { cloud, sandbox, viewer, url, observe, credentials: () => credentials(false) }
}

const table = 'webhooks'

/** What every function is told here, as the stack tells it on AWS; all of its log, since the console shows the calls out. */
function common(): Record<string, string> {
  const passed = ['WEBHOOKS_SECRET_PREFIX', 'WEBHOOKS_LOG_LEVEL'].flatMap((name) => {
    const value = process.env[name]
    return value ? [[name, value]] : []
  })
  return { WEBHOOKS_LOG_LEVEL: 'DEBUG', ...Object.fromEntries(passed) }
}

function functionsOf(
  category: string,
  bundles: string,
  webhookTimeout: number,
  executionTimeout: number,
): LocalFunction[] {
  const environment = {
    ...common(),
    WEBHOOKS_TASK_FUNCTION: `${category}-task:live`,
    WEBHOOKS_STATE_TABLE: table,
  }
  const bundle = (entry: string) => ({ file: join(bundles, category, `${entry}.js`), handler: 'handler', environment })
  return [
    { name: `${category}-webhook`, ...bundle('webhook'), timeoutSeconds: webhookTimeout },
    {
      name: `${category}-task`,
      ...bundle('task'),
      timeoutSeconds: taskTimeout,
      durable: { executionTimeoutSeconds: executionTimeout, retentionDays: 14 },
    },
  ]
}

function finisherFunction(bundles: string): LocalFunction {
  return {
    name: finisher,
    file: join(bundles, finisher, `${finisher}.js`),
    handler: 'handler',
    environment: { ...common(), WEBHOOKS_STATE_TABLE: table },
    timeoutSeconds: taskTimeout,
    durable: { executionTimeoutSeconds: 2 * day, retentionDays: 14 },
  }
}

/** EventBridge's rule: the end of a task, not of the finisher itself, starts the finisher. */
async function startFinisher(cloud: LocalCloud, ended: StatusChangeEvent): Promise<void> {
  if (!ended.detail.functionArn.includes('-task:')) return
  const response = await fetch(`${cloud.endpoint}/2015-03-31/functions/${finisher}:live/invocations`, {
    method: 'POST',
    headers: { authorization: authorizationWith(cloud.credentials), 'x-amz-invocation-type': 'Event' },
    body: JSON.stringify(ended),
  })
  if (!response.ok) throw new Error(`The finisher could not be started: ${response.status} ${await response.text()}`)
}

interface Serving {
  cloud: LocalCloud
  sandbox: Sandbox
  viewer: Console
  url: string
  observe: (event: RuntimeEvent) => void
  credentials: () => LocalCredentials
}

async function serve(
  req: IncomingMessage,
  res: ServerResponse,
  { cloud, sandbox, viewer, url, observe, credentials }: Serving,
): Promise<void> {
  // Not relative to it: a path may begin with two slashes, and means no host then.
  const pathname = URL.parse(`${url}${req.url}`)?.pathname
  // A page in the user's browser can point a name of its own at loopback; what it sends names that host.
  if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(req.headers.host ?? '')) {
    return answer(res, 403, { message: 'This is the local runtime: call it as 127.0.0.1 or localhost.' })
  }
  if (pathname === undefined) return answer(res, 400, { message: 'The path can not be read.' })
  if (pathname === '/sandbox' || pathname.startsWith('/sandbox/')) {
    await sandbox.handle(req, res)
    return req.method === 'GET' ? undefined : viewer.touched()
  }
  const access = consoleAccess(req, credentials())
  if (pathname === '/' && access === 'by link') {
    res.writeHead(303, { location: '/', 'set-cookie': consoleCookie(credentials()) }).end()
    return undefined
  }
  const isAsset = /^\/console\/[\w-]+\.\w+$/.test(pathname)
  if (access === 'none' && !isAsset && (pathname === '/tasks' || pathname.startsWith('/console/')))
    return answer(res, 401, { message: NO_ACCESS })
  if (pathname.startsWith('/console/')) return void (await viewer.handle(req, res, pathname.slice(9)))
  if (pathname === '/tasks')
    return answer(res, 200, { tasks: cloud.executions().map((task) => withProgress(task, cloud)) })
  if (pathname === '/v1/openapi.json') return answer(res, 200, openApi(url))
  if (pathname === '/') {
    if (prefersPage(req.headers.accept) && sendAsset(res, 'index.html')) return undefined
    return answer(res, 200, index(url))
  }
  const category = /^\/v1\/([^/]+)/.exec(pathname)?.[1]
  if (category === undefined) return answer(res, 404, { message: `There is nothing at ${pathname}.`, ...index(url) })
  const began = Date.now()
  const finish = (status: number, detail?: string) =>
    observe({
      from: 'gateway',
      at: Date.now(),
      method: req.method ?? '',
      // A link to a question is a key.
      path: pathname.replace(/(\/approvals\/).+/, '$1***'),
      status,
      ms: Date.now() - began,
      ...(detail ? { detail } : {}),
    })
  if (!categories.some(({ name }) => name === category)) {
    const failure = new Failure(
      'unknown',
      unknownName(
        'category',
        decodeURIComponentSafe(category),
        categories.map(({ name }) => name),
      ),
    )
    writeProxyResult(res, problem(failure, ''))
    return finish(404, failure.message)
  }
  const body = await readBody(req)
  const id = randomUUID()
  // Who only looks at a task calls nothing.
  const isCall = !/^\/v1\/[^/]+\/tasks\//.test(pathname)
  if (isCall) viewer.received(id, req, body)
  const { error, ...answered } =
    body === undefined ? { error: undefined, ...tooLong() } : await callFunction(cloud, category, id, req, body)
  if (isCall) viewer.answered(id, answered.statusCode, answered.body)
  writeProxyResult(res, answered)
  finish(answered.statusCode, answered.statusCode >= 400 ? (error ?? detailOf(answered)) : undefined)
}

function withProgress(task: ExecutionSummary, cloud: LocalCloud): ExecutionSummary & { progress?: string } {
  if (task.status !== 'RUNNING') return task
  const { deadline = 0 } = JSON.parse(cloud.execution(task.arn)?.input ?? '{}') as Partial<Task>
  const events = cloud.newestEvents(task.arn, PROGRESS_EVENTS)
  return { ...task, progress: describeProgress(events, Date.now(), task.startedAt + deadline * 1_000) }
}

/** As API Gateway: 502 for a function that fails or returns something else. The error is for the operator alone. */
async function callFunction(
  cloud: LocalCloud,
  category: string,
  id: string,
  req: IncomingMessage,
  body: Buffer,
): Promise<ProxyResult & { error?: string | undefined }> {
  const { result, error } = await cloud.invoke(
    `${category}-webhook`,
    toProxyEvent(req, body, { resource: '/{proxy+}', stage: 'v1' }),
    id,
  )
  if (!error && isProxyResult(result)) return result
  return { statusCode: 502, body: JSON.stringify({ message: 'Internal server error' }), error: error?.errorMessage }
}

function index(url: string) {
  return {
    categories: categories.map((category) => ({
      name: category.name,
      actions: actionNames(category).map((action) => `${url}/v1/${category.name}/${action}`),
    })),
    openapi: `${url}/v1/openapi.json`,
    tasks: `${url}/tasks`,
    events: `${url}/sandbox/events`,
    issues: `${url}/sandbox/issues`,
    incidents: `${url}/sandbox/incidents`,
    flags: `${url}/sandbox/flags`,
    runs: `${url}/sandbox/runs`,
    toxics: `${url}/sandbox/toxics`,
    messages: `${url}/sandbox/messages`,
    /** A page with the buttons of those messages. */
    chat: `${url}/sandbox/slack`,
    /** Of somebody's own tool; a page shows them with all else that it keeps. */
    tickets: `${url}/sandbox/tickets`,
    tool: `${url}/sandbox/tool`,
    slos: `${url}/sandbox/slos`,
    /** A page on which their values are set. */
    objectives: `${url}/sandbox/dynatrace`,
    reports: `${url}/sandbox/reports`,
    requests: `${url}/sandbox/requests`,
    faults: `${url}/sandbox/faults`,
    /** A page that shows all of this; a browser gets it instead of this list. */
    console: `${url}/console/index.html`,
  }
}

interface ProxyResult {
  statusCode: number
  headers?: APIGatewayProxyResult['headers']
  body: string
}

function isProxyResult(result: unknown): result is ProxyResult {
  return typeof (result as ProxyResult | undefined)?.statusCode === 'number'
}

/** A page says why for people. */
function detailOf({ headers, body }: ProxyResult): string | undefined {
  const type = String(headers?.['content-type'] ?? 'application/json')
  return type.includes('json') ? (JSON.parse(body) as { detail?: string }).detail : undefined
}

function decodeURIComponentSafe(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function answer(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' })
  res.end(`${JSON.stringify(body, null, 2)}\n`)
}

/** @throws Error if the port is in use */
export async function checkPort(port: number): Promise<void> {
  const server = createServer()
  await listen(server, port)
  await closeServer(server)
}

function listen(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(`Port ${port} is in use: stop what listens there, or set WEBHOOKS_PORT to another.`)
          : error,
      )
    })
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      resolve(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : port}`)
    })
  })
}
