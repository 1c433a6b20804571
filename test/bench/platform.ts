import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'
import { handleSecrets, isSecretsCall } from '../../infra/local/cloud/secrets-api.ts'
import { functionVariables } from '../../infra/local/cloud/workers.ts'
import { localSecrets } from '../../infra/local/secrets.ts'
import type { Sandbox } from '../../infra/sandbox/platforms/sandbox/sandbox.ts'
import { hmacHex } from '../../shared/hmac.ts'
import type { Stop } from '../../shared/policy/kinds/stop.ts'
import { itemKeys } from '../../shared/state/item-keys.ts'
import { listen } from '../listen.ts'

const IDENTITY_KEY = 'identity-key-of-thirty-two-characters'

/** A received request. */
export interface Recorded {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
}

export interface Platform {
  url: string
  /** Environment of a webhook that uses this server. */
  variables: Record<string, string>
  variablesOf(category: string): Record<string, string>
  /** Adds a caller to the secret, for a child process that starts later. */
  addCaller(name: string, entry: object): void
  /** Adds the stops that the webhook reads before a start. */
  setStops(stops: readonly Stop[]): void
  /** Returns the requests since the last call. */
  taken(): Recorded[]
  /** Number of opened connections. */
  connections(): number
  close(): Promise<void>
}

/**
 * Fakes Secrets Manager, DynamoDB, Lambda and GitHub issues in one server that responds immediately and does nothing, so
 * that only the time of the caller is measured.
 *
 * @param sandbox a working sandbox with one platform per category, instead of GitHub
 */
export async function startPlatform(sandbox?: Sandbox): Promise<Platform> {
  const server = createServer({ keepAliveTimeout: 65_000 })
  const url = `http://127.0.0.1:${await listen(server)}`
  const secrets = localSecrets(url, undefined, {
    keys: { identity: IDENTITY_KEY, callbacks: undefined },
  })
  const added: Record<string, object> = {}
  /** Returns the secrets of a deployment with one caller, and those that were added. The sandbox has one for each engine. */
  const secret = (name: string) => {
    const text = secrets.get(name)
    return text && name.endsWith('/callers') ? JSON.stringify({ demo: JSON.parse(text).demo, ...added }) : text
  }
  let recorded: Recorded[] = []
  let connections = 0
  let stopsItem: Record<string, object> | undefined
  /** The payload of the last task that was started. */
  let payload = ''
  server.on('connection', () => {
    connections += 1
  })
  server.on('request', async (req, res) => {
    const body = await textOf(req)
    const { method = '', url: path = '', headers } = req
    recorded.push({ method, path, headers, body })
    if (sandbox && path.startsWith('/sandbox/')) {
      const { socket } = req
      const again = Object.assign(Readable.from([Buffer.from(body)]), { method, url: path, headers, socket })
      return sandbox.handle(again as never, res)
    }
    const { status, answer } = answerTo(method, path, headers['x-amz-target']?.toString(), body)
    const text = JSON.stringify(answer)
    res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
  })

  function answerTo(method: string, path: string, target: string | undefined, body: string) {
    if (target?.endsWith('.GetItem') && body.includes(`"${itemKeys.stops}"`))
      return { status: 200, answer: { Item: stopsItem } }
    if (isSecretsCall(target)) {
      const { status, body: answer } = handleSecrets({ secret }, target, Buffer.from(body))
      return { status, answer }
    }
    // The response of DynamoDB to a write and of Lambda to an event.
    if (target !== undefined) return { status: 200, answer: {} }
    // A webhook that gets a forwarded request.
    if (path.includes('%3Ahttp/invocations'))
      return { status: 200, answer: forwardedAnswer(JSON.parse(body).httpMethod) }
    if (path.includes('/invocations')) {
      payload = body
      return { status: 202, answer: {} }
    }
    if (path.includes('/durable-executions?'))
      return { status: 200, answer: { DurableExecutions: [{ DurableExecutionArn: 'arn' }] } }
    if (path.includes('/durable-executions/')) return { status: 200, answer: { ...ended, InputPayload: payload } }
    // The list in which the webhook searches for an issue of an earlier delivery.
    if (method === 'GET' && path.split('?')[0]?.endsWith('/issues')) return { status: 200, answer: [] }
    return { status: method === 'POST' ? 201 : 200, answer: issue }
  }

  const variablesOf = (category: string) =>
    functionVariables(
      {
        name: `${category}-webhook`,
        version: 1,
        file: '',
        handler: 'handler',
        timeoutSeconds: 28,
        environment: { WEBHOOKS_TASK_FUNCTION: `${category}-task:live`, WEBHOOKS_STATE_TABLE: 'webhooks' },
      },
      { lambda: url, dynamodb: url },
      { accessKeyId: 'local', secretAccessKey: 'local' },
    )
  return {
    url,
    variables: variablesOf('issue-ticketing'),
    variablesOf,
    addCaller: (name, entry) => void Object.assign(added, { [name]: entry }),
    setStops: (stops) => {
      const [version, text] = [Date.now(), JSON.stringify(stops)]
      const seal = hmacHex(IDENTITY_KEY, `stops ${version} ${text}`)
      stopsItem = { version: { N: String(version) }, stops: { S: text }, seal: { S: seal } }
    },
    taken: () => {
      const all = recorded
      recorded = []
      return all
    },
    connections: () => connections,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const outcome = { status: 'succeeded', result: 'pass', message: 'Opened issue 1', data: { id: '1' }, links: {} }
const ended = {
  Status: 'SUCCEEDED',
  StartTimestamp: 1_796_000_000,
  EndTimestamp: 1_796_000_001,
  Result: JSON.stringify({ outcome }),
}

/** Returns the response of a webhook to a forwarded call, and to the request for its task. */
function forwardedAnswer(method: string) {
  const taskId = 'a'.repeat(40)
  const times = { acceptedAt: '2026-11-30T10:00:00.000Z', deadlineAt: '2026-11-30T11:00:00.000Z' }
  const task = { taskId, state: 'finished', verdict: 'pass', progress: '', ...times, outcome }
  return method === 'POST'
    ? { statusCode: 202, headers: {}, body: JSON.stringify({ taskId, duplicate: false }) }
    : { statusCode: 200, headers: {}, body: JSON.stringify(task) }
}

const issue = {
  id: 1,
  number: 1,
  html_url: 'https://github.invalid/demo/shop/issues/1',
  state: 'open',
  title: 'Checkout is slow',
  body: 'p95 is at 4 s since 12:00',
  labels: [{ name: 'incident' }],
  created_at: '2026-11-30T10:00:00Z',
}
