// Runs in the worker thread of a Lambda execution environment.
import { subscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import Module, { createRequire, enableCompileCache, flushCompileCache } from 'node:module'
import { extname } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import type { FromThread, ThreadData, ToThread } from './environment.ts'
import type { FunctionError } from './types.ts'

type Handler = (event: unknown, context: object) => unknown

const MAX_RESPONSE_BYTES = 6 * 1024 * 1024

const data = workerData as ThreadData
if (data.compileCache !== undefined) enableCompileCache(data.compileCache)

function post(message: FromThread): void {
  parentPort?.postMessage(message)
}

/** Sends output through the same port as the result, so that all lines of an invocation arrive before its end. */
function capture(name: 'stdout' | 'stderr'): () => void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  process[name].write = (chunk: string | Uint8Array, ...others: unknown[]): boolean => {
    const lines = (rest + (typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk)))).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) post({ kind: 'log', stream: name, line })
    const done = others.find((other) => typeof other === 'function')
    if (done !== undefined) queueMicrotask(() => done())
    return true
  }
  return () => {
    if (rest !== '') post({ kind: 'log', stream: name, line: rest })
    rest = ''
  }
}

async function load(): Promise<Handler> {
  const exported = extname(data.file) === '.mjs' ? await import(pathToFileURL(data.file).href) : loadCommonJs(data.file)
  const name = data.handler.slice(data.handler.lastIndexOf('.') + 1)
  const handler: unknown = exported[name]
  if (typeof handler !== 'function')
    throw Object.assign(new Error(`${name} is undefined or not exported by ${data.file}`), {
      name: 'Runtime.HandlerNotFound',
    })
  return handler as Handler
}

/** Loads a bundle as CommonJS. The package.json of this project would make it an ES module. */
function loadCommonJs(file: string): Record<string, unknown> {
  const module = new Module(file) as Module & { _compile(code: string, file: string, format: string): void }
  module.filename = file
  module.paths = createRequire(file).resolve.paths('a-package') ?? []
  module._compile(readFileSync(file, 'utf8'), file, 'commonjs')
  return module.exports
}

function errorOf(thrown: unknown): FunctionError {
  if (!(thrown instanceof Error)) return { errorType: typeof thrown, errorMessage: String(thrown) }
  return { errorType: thrown.name, errorMessage: thrown.message, trace: thrown.stack?.split('\n') ?? [] }
}

const flushes = [capture('stdout'), capture('stderr')]

/** Characters of a body. */
const MAX_BODY_LENGTH = 16_384

/** Reports the requests that the function publishes: see shared/http/trace.ts. */
subscribe('cloud-automation-webhooks', (event) => {
  const { kind, request, response, error } = event as TraceEvent
  if (kind !== 'exchange') return
  post({
    kind: 'request',
    method: request.method,
    url: request.url,
    headers: request.headers,
    body: clip(request.body),
    ...(response === undefined ? {} : { status: response.status, responseHeaders: response.headers }),
    responseBody: clip(response?.body),
    ...(error instanceof Error ? { error: error.message } : {}),
  })
})

/** @param body text, or the value that was parsed from JSON */
function clip(body: unknown): string {
  const text = typeof body === 'string' ? body : (JSON.stringify(body) ?? '')
  return text.slice(0, MAX_BODY_LENGTH)
}

interface TraceEvent {
  kind: string
  request: { method: string; url: string; headers: Record<string, string>; body: string | undefined }
  response?: { status: number; headers: Record<string, string>; body: unknown }
  error?: unknown
}

/** The first invocation has loaded most modules, and the thread may be terminated later. */
let hasAnswered = false

async function run(handler: Handler, { requestId, event, timeLeft, functionArn }: ToThread): Promise<void> {
  const until = performance.now() + timeLeft
  const context = {
    awsRequestId: requestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName: data.functionName,
    functionVersion: data.functionVersion,
    invokedFunctionArn: functionArn,
    memoryLimitInMB: String(data.memoryMb),
    logGroupName: `/aws/lambda/${data.functionName}`,
    logStreamName: data.logStreamName,
    getRemainingTimeInMillis: () => Math.max(0, until - performance.now()),
  }
  let ending: { result: string } | { error: FunctionError }
  try {
    const result = JSON.stringify((await handler(JSON.parse(event), context)) ?? null) ?? 'null'
    ending = Buffer.byteLength(result) > MAX_RESPONSE_BYTES ? { error: TOO_LARGE } : { result }
  } catch (error) {
    ending = { error: errorOf(error) }
  }
  for (const flush of flushes) flush()
  post({ kind: 'answer', requestId, ...ending })
  if (!hasAnswered) flushCompileCache()
  hasAnswered = true
}

const TOO_LARGE = {
  errorType: 'Function.ResponseSizeTooLarge',
  errorMessage: `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`,
}

try {
  const handler = await load()
  parentPort?.on('message', (message: ToThread) => void run(handler, message))
  post({ kind: 'ready' })
} catch (error) {
  for (const flush of flushes) flush()
  post({ kind: 'failed', error: errorOf(error) })
}
