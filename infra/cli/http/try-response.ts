import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Failure, toSentence } from '../../../shared/errors.ts'
import { connect } from '../../../shared/providers/connect.ts'
import type { Connection } from '../../../shared/providers/connections.ts'
import type { EvaluationProvider } from '../../../shared/providers/evaluation/provider.ts'
import type { FlagProvider } from '../../../shared/providers/flag.ts'
import type { JobProvider } from '../../../shared/providers/job.ts'
import type { MessageProvider } from '../../../shared/providers/message.ts'
import { type Client, hasIdempotencyKey } from '../../../shared/providers/provider.ts'
import type { TicketProvider } from '../../../shared/providers/ticket.ts'
import { isRecord } from '../../../shared/record.ts'
import { UsageError } from '../../project/usage-error.ts'
import { Recorder } from './recorder.ts'
import { type Report, reportStep } from './report.ts'

const KEY = '0123456789abcdef0123456789abcdef01234567'
const ID = 'id-of-the-call'

type Send = (client: Client & { idempotencyKey: string }) => unknown

/** Returns functions that send each request of a provider, by the connection field that describes the request. */
function requestsOf({ provider }: Connection): Record<string, Send> {
  if (provider.kind === 'ticket') {
    const tickets = provider as TicketProvider
    return {
      open: (client) => tickets.open(client, { title: '' }),
      find: (client) => tickets.find(client, { title: '' }),
      get: (client) => tickets.get?.(client, { id: ID }),
      update: (client) => tickets.update(client, { id: ID }, {}),
      comment: (client) => tickets.comment(client, { id: ID }, ''),
      hasComment: (client) => tickets.hasComment(client, { id: ID }),
      close: (client) => tickets.close(client, { id: ID }, {}),
    }
  }
  if (provider.kind === 'job') {
    const jobs = provider as JobProvider
    return {
      start: (client) => jobs.start(client, { target: ID }),
      find: (client) => jobs.find?.(client, { target: ID }),
      look: (client) => jobs.getStatus(client, { id: ID }),
      stop: (client) => jobs.stop?.(client, { id: ID }),
    }
  }
  if (provider.kind === 'flag') {
    const flags = provider as FlagProvider
    const location = { project: undefined, environment: ID }
    return {
      get: (client) => flags.get(client, location, ID),
      set: (client) => flags.set(client, location, [{ flag: ID, on: true, percentage: undefined }], undefined),
    }
  }
  if (provider.kind === 'message') {
    const message = { mood: 'neutral' as const, title: ID, fields: [], links: [] }
    return { post: (client) => (provider as MessageProvider).post(client, undefined, message) }
  }
  const window = { start: 0, end: 0, project: undefined, stage: undefined, service: undefined }
  const queries = [{ name: 'query', query: 'query' }]
  return {
    measure: (client) => (provider as EvaluationProvider).measure(client, { queries, ...window }, undefined),
  }
}

/**
 * Evaluates the expressions of a connection on a saved response, without the platform.
 *
 * @param name the request that the response belongs to, such as `open`
 * @throws UsageError if the connection has no such request
 */
export async function tryResponse(
  connection: Connection,
  { name, status, text }: { name: string; status: number; text: string },
): Promise<Report> {
  const { values } = connection
  const known = requestsOf(connection)
  const names = Object.keys(known).filter((name) => values[name] !== undefined)
  const send = names.includes(name) ? known[name] : undefined
  if (!send) throw new UsageError(`--request must be one of ${names.join(', ')}.`)
  const server = createServer((_req, res) => res.writeHead(status).end(text)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { login: _, ...others } = values
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const localValues = { ...others, baseUrl, [name]: withoutInput(values[name]) }
  const recorder = new Recorder()
  const problems: string[] = []
  try {
    const limits = { idempotencyKey: KEY, isRetry: false, deadlineAt: Number.POSITIVE_INFINITY }
    const client = connect({ ...connection, values: localValues }, limits)
    if (hasIdempotencyKey(client)) await send(client)
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
