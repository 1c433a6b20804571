import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { handleSecrets, isSecretsCall } from '../../infra/local/cloud/secrets-api.ts'
import { functionVariables } from '../../infra/local/cloud/workers.ts'
import { localSecrets } from '../../infra/local/secrets.ts'
import type { Sandbox } from '../../infra/platforms/sandbox/index.ts'

/** A request as it came in. */
export interface Recorded {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
}

export interface Platform {
  url: string
  /** The environment of a webhook of issue-ticketing, or of another category, that finds everything here. */
  variables: Record<string, string>
  variablesOf(category: string): Record<string, string>
  /** Every request since this was called last. */
  taken(): Recorded[]
  /** How many connections were opened so far. */
  connections(): number
  close(): Promise<void>
}

/**
 * All that a webhook calls, in one server that answers at once and does nothing: Secrets Manager, DynamoDB, Lambda and
 * GitHub's issues. What is measured against it is the caller's own time, not that of a stand-in which works.
 *
 * @param sandbox works, and plays one platform of each category instead of GitHub's issues alone
 */
export async function startPlatform(sandbox?: Sandbox): Promise<Platform> {
  const server = createServer({ keepAliveTimeout: 65_000 }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const secrets = localSecrets(url, undefined, { identityKey: 'identity-key-of-thirty-two-characters' })
  let recorded: Recorded[] = []
  let connections = 0
  server.on('connection', () => {
    connections += 1
  })
  server.on('request', async (req, res) => {
    const body = await textOf(req)
    const { method = '', url: path = '', headers } = req
    recorded.push({ method, path, headers, body })
    if (sandbox && path.startsWith('/sandbox/')) {
      const { socket } = req
      return sandbox.handle(
        Object.assign(Readable.from([Buffer.from(body)]), { method, url: path, headers, socket }) as never,
        res,
      )
    }
    const { status, answer } = answerTo(method, path, headers['x-amz-target']?.toString(), body)
    const text = JSON.stringify(answer)
    res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
  })

  function answerTo(method: string, path: string, target: string | undefined, body: string) {
    if (isSecretsCall(target)) {
      const { status, body: answer } = handleSecrets({ secret: secrets.get }, target, Buffer.from(body))
      return { status, answer }
    }
    // DynamoDB's answer to a write, and Lambda's to an event.
    if (target !== undefined) return { status: 200, answer: {} }
    if (path.includes('/invocations')) return { status: 202, answer: {} }
    // The list, in which ours looks whether an earlier delivery opened its issue already.
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

const issue = {
  id: 1,
  number: 1,
  html_url: 'https://github.invalid/demo/shop/issues/1',
  state: 'open',
  title: 'Checkout is slow',
  body: 'p95 is at 4 s since 12:00',
  labels: [{ name: 'incident' }],
}

async function textOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
