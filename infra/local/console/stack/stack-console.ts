import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { LambdaClient } from '@aws-sdk/client-lambda'
import { functionsOf, type StackFunction } from '../../../aws/running-tasks.ts'
import { consoleAccess, consoleCookie, consoleLink, isLoopbackHost } from '../../console-access.ts'
import { nameOf, operatorOf } from '../../operator/identity.ts'
import { closeServer, listen } from '../../port.ts'
import { sendAsset } from '../assets.ts'
import { callList } from '../call-list.ts'
import { CallStore } from '../call-store.ts'
import { createEventStream } from '../event-stream.ts'
import { overviewOf } from '../overview.ts'
import { type CallAction, createRoutes, sendJson } from '../routes.ts'
import { actOnTask } from './act-on-task.ts'
import { LogReader } from './logs.ts'
import { StackCalls } from './stack-calls.ts'

export interface StackConsoleOptions {
  lambda: LambdaClient
  stack: string
  /** 0 for a free port. */
  port: number
  /** Age of the oldest silent calls, in milliseconds. */
  sinceMs: number
  /** Refuses everything that changes something. */
  isReadOnly?: boolean
}

/** The console of a deployed stack. */
export interface StackConsole {
  /** URL with the key of this console. */
  link: string
  close(): Promise<void>
}

const REFRESH_MS = 15_000

/** When a task that was changed is read again, in milliseconds. It may end after its next poll only. */
const READ_AGAIN_MS = [1_000, 3_000, 8_000]

const NO_ACCESS = 'Open the console with the link that webhooks console printed.'

const READ_ONLY = 'This console is read-only. Start it without --read-only to change something.'

/**
 * Serves the console of a deployed stack on loopback. It reads, and changes tasks as an operator, with the AWS credentials of the
 * person who starts it. Reads from AWS only while a page is open.
 *
 * @returns undefined if the stack has no functions
 * @throws errors of the SDK; Error if the port is in use
 */
export async function startStackConsole(options: StackConsoleOptions): Promise<StackConsole | undefined> {
  const { lambda, stack, port, sinceMs, isReadOnly = false } = options
  const functions: StackFunction[] = []
  for await (const fn of functionsOf(lambda, stack, ['webhook', 'task', 'finisher'])) functions.push(fn)
  if (functions.length === 0) return undefined
  const region = await lambda.config.region()
  const account = functions[0]?.arn.split(':')[4] ?? ''
  const operator = isReadOnly ? undefined : nameOf(await operatorOf(lambda))
  const store = new CallStore(':memory:')
  const stream = createEventStream()
  const logs = new LogReader(lambda)
  const since = Date.now() - sinceMs
  const changed = (calls: object[]) => stream.send('calls', { changed: calls, removed: [] })
  const calls = new StackCalls({ lambda, logs, functions, store, since, changed })
  const reads = {
    calls(query: URLSearchParams) {
      const list = callList(store, query, Date.now())
      return { ...list, notice: calls.notice }
    },
    call(id: string) {
      const complete = store.completeId(id)
      return complete === undefined ? undefined : calls.detail(complete)
    },
    overview: (ms: number) => overviewOf(store, ms, Date.now()),
    openStream(res: ServerResponse) {
      void refresh()
      return stream.add(res)
    },
  }
  const refresh = async () => {
    await calls.refresh()
    // Without changes of calls, too: the notice has changed.
    stream.send('calls', { changed: [], removed: [] })
  }
  const timer = setInterval(() => {
    if (stream.hasPages) void refresh()
  }, REFRESH_MS).unref()
  let isClosed = false
  async function act(id: string, what: CallAction): Promise<object | undefined> {
    const complete = store.completeId(id)
    const stored = complete === undefined ? undefined : store.load(complete)
    if (!stored) return undefined
    const done = await actOnTask(lambda, stack, stored, what)
    const readAgain = async () => {
      if (!isClosed) await calls.readChanged(stored.record.id)
    }
    for (const ms of READ_AGAIN_MS) setTimeout(() => void readAgain(), ms).unref()
    await readAgain()
    return done
  }
  const handle = createRoutes(reads, isReadOnly ? undefined : { act })

  const key = randomBytes(24).toString('base64url')
  const keys = { consoleKey: key, callerToken: key }
  const server = createServer((req, res) => {
    respond(req, res).catch((error: Error) => sendJson(res, 502, { message: error.message }))
  })
  /** For those with the key only. */
  const opened = { account, ...(operator !== undefined && { operator }) }
  async function respond(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = URL.parse(`http://127.0.0.1${req.url}`)?.pathname ?? ''
    if (!isLoopbackHost(req)) return sendJson(res, 403, { message: 'Call this console as 127.0.0.1 or localhost.' })
    const access = consoleAccess(req, keys)
    if (path === '/' && access === 'by link')
      return void res.writeHead(303, { location: '/', 'set-cookie': consoleCookie(req, keys) }).end()
    if (path === '/')
      return void (await sendAsset(res, 'index.html', { stack, region, ...(access === 'open' && opened) }))
    if (!path.startsWith('/console/')) return sendJson(res, 404, { message: `Not found: ${path}` })
    const isAsset = /^\/console\/[\w-]+\.\w+$/.test(path)
    if (access === 'none' && !isAsset) return sendJson(res, 401, { message: NO_ACCESS })
    if (isReadOnly && req.method !== 'GET') return sendJson(res, 403, { message: READ_ONLY })
    await handle(req, res, path.slice('/console/'.length))
  }

  const url = await listen(server, port)
  return {
    link: consoleLink(url, keys),
    async close() {
      isClosed = true
      clearInterval(timer)
      stream.close()
      await closeServer(server)
      store.close()
    },
  }
}
