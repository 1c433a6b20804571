import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Failure, toSentence } from '../../../shared/errors.ts'
import { connect } from '../../../shared/providers/connect.ts'
import type { Connection } from '../../../shared/providers/connections.ts'
import type { Client, Provider } from '../../../shared/providers/provider.ts'
import { isRecord } from '../../../shared/record.ts'
import { UsageError } from '../usage-error.ts'
import { Recorder } from './recorder.ts'
import { type Report, reportStep } from './report.ts'

const KEY = '0123456789abcdef0123456789abcdef01234567'
const ID = 'id-of-the-call'

/** Sends each request of a provider, by the connection field that describes it. */
const requests: Partial<Record<Provider['kind'], Record<string, (provider: never, client: Client) => unknown>>> = {
  ticket: {
    open: ({ open }: AnyProvider, client) => open(client, {}),
    find: ({ find }: AnyProvider, client) => find(client, {}),
    get: ({ get }: AnyProvider, client) => get(client, { id: ID }),
    update: ({ change }: AnyProvider, client) => change(client, { id: ID }, {}),
    comment: ({ comment }: AnyProvider, client) => comment(client, { id: ID }, ''),
    hasComment: ({ hasComment }: AnyProvider, client) => hasComment(client, { id: ID }),
    close: ({ close }: AnyProvider, client) => close(client, { id: ID }, {}),
  },
  job: {
    start: ({ start }: AnyProvider, client) => start(client, {}),
    find: ({ find }: AnyProvider, client) => find(client, {}),
    look: ({ look }: AnyProvider, client) => look(client, { id: ID }),
    stop: ({ stop }: AnyProvider, client) => stop(client, { id: ID }),
  },
  flag: {
    get: ({ get }: AnyProvider, client) => get(client, {}, ID),
    set: ({ set }: AnyProvider, client) => set(client, {}, [{}], undefined),
  },
  message: { post: ({ post }: AnyProvider, client) => post(client, undefined, {}) },
  evaluation: {
    measure: ({ measure }: AnyProvider, client) =>
      measure(client, { queries: [{ name: 'query', query: 'query' }], start: 0, end: 0 }),
  },
}

// biome-ignore lint/suspicious/noExplicitAny: the kind of the provider determines its functions.
type AnyProvider = Record<string, (client: Client, ...more: any[]) => unknown> & any

/**
 * Evaluates the expressions of a connection on a saved response, without the platform.
 *
 * @param name the request that the response belongs to, such as `open`
 * @throws UsageError if the connection has no such request
 */
export async function tryResponse(
  { name: connectionName, provider, values }: Connection,
  { name, status, text }: { name: string; status: number; text: string },
): Promise<Report> {
  const known = requests[provider.kind] ?? {}
  const make = Object.hasOwn(known, name) ? known[name] : undefined
  const names = Object.keys(known).filter((one) => values[one] !== undefined)
  if (!make || !names.includes(name)) throw new UsageError(`--request must be one of ${names.join(', ')}.`)
  const server = createServer((_req, res) => res.writeHead(status).end(text)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { login: _, ...others } = values
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const localValues = { ...others, baseUrl, [name]: withoutInput(values[name]) }
  const recorder = new Recorder()
  const problems: string[] = []
  try {
    const limits = { idempotencyKey: KEY, isRetry: false, deadlineAt: Number.POSITIVE_INFINITY }
    await make(provider as never, connect({ name: connectionName, provider, values: localValues }, limits))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    // With "then": "find", an error may belong to the second request.
    if (recorder.steps.length === 1) problems.push(toSentence(error.message))
  } finally {
    recorder.stop()
    server.closeAllConnections()
    server.close()
  }
  const steps = recorder.steps.slice(0, 1).map((step) => {
    const { method: _, url: __, headers: ___, body: ____, ...shown } = reportStep(step, { connection: values })
    return shown
  })
  return { steps, problems }
}

/** Returns the request without the expressions that read the input of a call. */
function withoutInput(request: unknown): unknown {
  if (Array.isArray(request)) return request.slice(0, 1).map(withoutInput)
  if (!isRecord(request)) return request
  const responseFields = ['at', 'error', 'reason', 'responseType', 'then'].filter(
    (field) => request[field] !== undefined,
  )
  return { path: '', ...Object.fromEntries(responseFields.map((field) => [field, request[field]])) }
}
