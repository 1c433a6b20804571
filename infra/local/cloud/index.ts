import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Core } from './core.ts'
import { Driver } from './driver.ts'
import { DurableService } from './durable.ts'
import { startDynamoDb } from './dynamodb.ts'
import { ApiError } from './errors.ts'
import { executionOf } from './executions.ts'
import { type ApiResponse, errorResponse, hasAccessKey, readLimited, sendResponse, unrecognizedClient } from './http.ts'
import { Invoker } from './invoke.ts'
import { LambdaApi } from './lambda-api.ts'
import { functionArn } from './names.ts'
import { Notifier } from './notifier.ts'
import { skipWaits } from './operations.ts'
import { isQueueCall, Queues } from './queues.ts'
import { readersOf } from './readers.ts'
import { handleSecrets, isSecretsCall } from './secrets-api.ts'
import { Store } from './store.ts'
import type { CloudCredentials, CloudOptions, LocalCloud } from './types.ts'
import { Versions } from './versions.ts'
import { functionVariables, Workers } from './workers.ts'

export type { Resource } from './gateway.ts'
export { readBody, tooLong, toProxyEvent, writeProxyResult } from './gateway.ts'
export { authorizationWith } from './http.ts'
export { REGION } from './names.ts'
export type * from './types.ts'
export { awsVariables } from './workers.ts'

/** A checkpoint with the result of an execution can be as large as the storage limit of an execution. */
const MAX_BODY_BYTES = 128 * 1024 * 1024
/** Longer than the AWS SDK keeps an idle connection, so that it never uses a connection that is being closed. */
const KEEP_ALIVE_MS = 65_000
const GRACE_MS = 2_000
const CLOCK_CHECK_MS = 5_000

/**
 * Starts the AWS services that the functions use on free loopback ports: Lambda with durable executions, Secrets Manager, SQS and
 * DynamoDB. Continues the executions of an earlier process.
 *
 * @throws Error if another process uses the state folder
 */
export async function startLocalCloud(options: CloudOptions): Promise<LocalCloud> {
  const { credentials = randomCredentials() } = options
  const { store, versions, dynamodb } = await openStores(options, credentials)
  const observe = options.observe ?? (() => {})
  const { server, endpoint } = await listenOnLoopback()
  const core: Core = {
    store,
    versions,
    timeScale: options.timeScale ?? 1,
    clockCheckMs: options.clockCheckMs ?? CLOCK_CHECK_MS,
    observe,
    alarm: (at) => driver.alarm(at),
    ended: (id) => invoker.ended(id),
  }
  const endpoints = { lambda: endpoint, dynamodb: dynamodb.endpoint }
  const workers = new Workers((fn) => functionVariables(fn, endpoints, credentials), observe, options.secretsVersion)
  const service = new DurableService(core)
  const invoker = new Invoker(core, service, workers)
  const driver = new Driver(core, service, workers, new Notifier(core, options.onEnded))
  const lambda = new LambdaApi(store, service, invoker)
  const queues = new Queues(core, invoker, options.queues)
  server.on('request', (req, res) => {
    responseTo(req, { lambda, queues }, options, credentials)
      .catch(errorResponse)
      .then((response) => sendResponse(res, response))
  })
  driver.start()
  queues.start()

  let closing: Promise<void> | undefined
  const close = async () => {
    driver.stop()
    queues.close()
    await workers.close(options.graceMs ?? GRACE_MS)
    invoker.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await dynamodb.close()
    store.close()
  }
  return {
    endpoint,
    credentials,
    dynamodb: dynamodb.endpoint,
    functionArn: (name) => functionArn(name, 'live'),
    ...readersOf(store),
    skipWait: (arn) => {
      const now = Date.now()
      skipWaits(store, executionOf(store, arn).id, now)
      core.alarm(now)
    },
    stop: (arn) => void service.stop(arn, undefined),
    invoke: async (name, event, requestId) => {
      const { result, error } = await invoker.run(name, JSON.stringify(event ?? null), { requestId })
      return error === undefined ? { result: JSON.parse(result ?? 'null') } : { error }
    },
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

/** Opens the database of the executions and the local DynamoDB. If one of them fails, the state folder is free again. */
async function openStores(options: CloudOptions, credentials: CloudCredentials) {
  const store = new Store(options.state)
  try {
    const versions = new Versions(store, options.state, options.functions, options.copiesCode)
    return { store, versions, dynamodb: await startDynamoDb(options.state, options.table, credentials) }
  } catch (error) {
    store.close()
    throw error
  }
}

async function listenOnLoopback() {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

function randomCredentials(): CloudCredentials {
  return {
    accessKeyId: `LOCAL${randomBytes(24).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(32).toString('base64url'),
  }
}

async function responseTo(
  req: IncomingMessage,
  { lambda, queues }: { lambda: LambdaApi; queues: Queues },
  options: CloudOptions,
  { accessKeyId }: CloudCredentials,
): Promise<ApiResponse> {
  if (!hasAccessKey(req, accessKeyId)) throw unrecognizedClient()
  const body = await readLimited(req, MAX_BODY_BYTES)
  if (body === undefined) throw new ApiError('RequestTooLargeException', 413, 'The request is too large.')
  const target = req.headers['x-amz-target']?.toString()
  if (isSecretsCall(target)) return handleSecrets(options, target, body)
  if (isQueueCall(target)) return queues.handle(target, body)
  const [path = '', query = ''] = (req.url ?? '').split('?', 2)
  const search = new URLSearchParams(query)
  return lambda.handle({ method: req.method ?? '', path, query: search, headers: req.headers, body })
}
