import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { LambdaClient } from '@aws-sdk/client-lambda'
import type { EventsFile } from '../../../../shared/sources/events-file.ts'
import { explainAws } from '../../../aws/aws-errors.ts'
import { functionsOf, type StackFunction } from '../../../aws/running-tasks.ts'
import { consoleAccess, consoleCookie, consoleLink, isLoopbackHost } from '../../console-access.ts'
import { nameOf, operatorOf } from '../../operator/identity.ts'
import { closeServer, listen } from '../../port.ts'
import { sendAsset } from '../assets.ts'
import { sendJson } from '../routes.ts'
import { createStackApi, type ReadSources } from './stack-api.ts'

export interface StackConsoleOptions {
  lambda: LambdaClient
  stack: string
  /** 0 for a free port. */
  port: number
  /** Age of the oldest silent calls, in milliseconds. */
  sinceMs: number
  /** Refuses everything that changes something. */
  isReadOnly?: boolean
  /** Reads the declared sources, if there are any. */
  sources?: ReadSources | undefined
  /** The contents of `events.yaml` on this machine. */
  events?: EventsFile | undefined
}

/** The console of a deployed stack. */
export interface StackConsole {
  /** URL with the key of this console. */
  link: string
  close(): Promise<void>
}

const NO_ACCESS = 'Open the console with the link that webhooks console printed.'

const READ_ONLY = 'This console is read-only. Start it without --read-only to change something.'

/**
 * Serves the console of a deployed stack on loopback. It reads, and changes tasks as an operator, with the AWS credentials of the
 * person who starts it. Reads from AWS only while a page is open.
 *
 * @returns undefined if the stack has no functions
 * @throws Error if AWS rejects a request, or if the port is in use
 */
export async function startStackConsole(options: StackConsoleOptions): Promise<StackConsole | undefined> {
  const { lambda, stack, port, sinceMs, isReadOnly = false, sources, events } = options
  const { functions, region, operator } = await readStack(options).catch((error: unknown) => {
    throw explainAws(error, 'Reading the stack')
  })
  if (functions.length === 0) return undefined
  const account = functions[0]?.arn.split(':')[4] ?? ''
  const api = createStackApi({ lambda, stack, functions, sinceMs, isReadOnly, sources, events })
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
    await api.handle(req, res, path.slice('/console/'.length))
  }

  const url = await listen(server, port)
  return {
    link: consoleLink(url, keys),
    async close() {
      await closeServer(server)
      api.close()
    },
  }
}

/** Returns the functions of a stack, and who its operator is. */
async function readStack({ lambda, stack, isReadOnly }: StackConsoleOptions) {
  const functions: StackFunction[] = []
  for await (const fn of functionsOf(lambda, stack, ['webhook', 'task', 'finisher'])) functions.push(fn)
  const region = await lambda.config.region()
  const operator = isReadOnly || functions.length === 0 ? undefined : nameOf(await operatorOf(lambda))
  return { functions, region, operator }
}
