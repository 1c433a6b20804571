// Runs a webhook in a process: our function, or a bare handler that does the same.
import { createHash, timingSafeEqual } from 'node:crypto'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { readBody, toProxyEvent, writeProxyResult } from '../../infra/local/cloud/gateway.ts'
import { Workers } from '../../infra/local/cloud/workers.ts'
import { listen } from '../listen.ts'
import { lambdaContext } from './event.ts'
import { post } from './post.ts'

/** The first argument of the process. */
export interface ServerTask {
  /** Our bundle. Defaults to the bare handler. */
  file?: string
  /** Environments of our function. Defaults to this process. */
  environments?: number
  /** The platform and its token. */
  issuesUrl: string
  token: string
  /** SHA-256 of the caller's token, in hex. */
  callerHash: string
}

const task = JSON.parse(process.argv[2] ?? '{}') as ServerTask
const agent = new http.Agent({ keepAlive: true })

type Answerer = (req: IncomingMessage, res: ServerResponse) => Promise<void>

/** Converts each call to an API Gateway event. */
function ours(run: (event: object) => Promise<unknown>): Answerer {
  return async (req, res) => {
    const body = (await readBody(req)) ?? Buffer.alloc(0)
    writeProxyResult(res, await run(toProxyEvent(req, body, { resource: '/{proxy+}', stage: 'v1' })))
  }
}

/** Handles one call at a time, like an environment of Lambda. */
function inThisProcess(file: string): (event: object) => Promise<unknown> {
  const { handler } = createRequire(import.meta.url)(file) as {
    handler: (event: unknown, context: object) => Promise<unknown>
  }
  let before: Promise<unknown> = Promise.resolve()
  return (event) => {
    const answered = before.then(() => handler(event, lambdaContext()))
    before = answered
    return answered
  }
}

/** Uses threads, like the local runtime. */
function inThreads(file: string, concurrency: number): (event: object) => Promise<unknown> {
  const fn = { name: 'webhook', version: 1, file, handler: 'handler', timeoutSeconds: 28, environment: {}, concurrency }
  const variables = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? '']))
  const forever = { ms: 2 ** 30, lastMs: 2 ** 30 }
  const workers = new Workers(
    () => variables,
    () => undefined,
    undefined,
    forever,
  )
  return async (event) => {
    const { result, error } = (await workers.invoke(fn, () => ({ event: JSON.stringify(event) }))) ?? {}
    if (error) throw new Error(error.errorMessage)
    return JSON.parse(result ?? 'null')
  }
}

const bare: Answerer = async (req, res) => {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  const token = req.headers.authorization?.replace('Bearer ', '') ?? ''
  const hash = createHash('sha256').update(token).digest()
  if (!timingSafeEqual(hash, Buffer.from(task.callerHash, 'hex'))) return void answer(res, 401, {})
  const { title, description, labels } = JSON.parse(Buffer.concat(chunks).toString()).input
  const headers = { authorization: `Bearer ${task.token}`, 'user-agent': 'bare' }
  const { body } = await post(task.issuesUrl, { title, body: description, labels }, agent, headers)
  answer(res, 200, { status: 'succeeded', result: 'pass', data: JSON.parse(body) })
}

function answer(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function answererOf({ file, environments }: ServerTask): Answerer {
  if (file === undefined) return bare
  return ours(environments === undefined ? inThisProcess(file) : inThreads(file, environments))
}

const answerer = answererOf(task)
const server = http.createServer({ keepAliveTimeout: 65_000 }, (req, res) => {
  answerer(req, res).catch((error: unknown) => {
    console.error(error)
    res.destroy()
  })
})
process.send?.(await listen(server))
process.on('disconnect', () => process.exit())
