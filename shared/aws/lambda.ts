import type { Event, GetDurableExecutionResponse } from '@aws-sdk/client-lambda'
import { AwsService, type ServiceOptions } from './service.ts'
import { encodePart } from './signature.ts'

const service = new AwsService({ host: 'lambda', variable: 'LAMBDA' })

const API = '/2025-12-01'

interface ExecutionStart {
  /** Name or ARN, with a version or an alias. */
  functionName: string
  executionName: string
  /** JSON. */
  payload: string
}

/**
 * Starts a durable execution. The same name and payload again is the same execution.
 *
 * @returns its ARN, if Lambda returns it
 * @throws ServiceError `DurableExecutionAlreadyStartedException`: another payload has the name; or the error of the network
 */
export async function startExecution(start: ExecutionStart, options?: ServiceOptions): Promise<string | undefined> {
  const { headers } = await service.send(
    {
      method: 'POST',
      path: `/2015-03-31/functions/${encodePart(start.functionName)}/invocations`,
      headers: {
        'content-type': 'application/octet-stream',
        'x-amz-invocation-type': 'Event',
        'x-amz-durable-execution-name': start.executionName,
      },
      body: start.payload,
    },
    options,
  )
  return headers['x-amz-durable-execution-arn']?.toString()
}

/**
 * Invokes a function and waits for its result.
 *
 * @param functionName name or ARN, with a version or an alias
 * @throws Error if the function fails; ServiceError, or the error of the network
 */
export async function invokeFunction(
  functionName: string,
  payload: object,
  timeoutMs: number,
): Promise<Record<string, unknown>> {
  const { headers, body } = await service.send(
    {
      method: 'POST',
      path: `/2015-03-31/functions/${encodePart(functionName)}/invocations`,
      headers: { 'content-type': 'application/octet-stream' },
      body: JSON.stringify(payload),
    },
    { timeoutMs },
  )
  if (headers['x-amz-function-error'] === undefined) return body
  throw new Error(`${functionName} failed: ${body['errorType']}: ${body['errorMessage']}`)
}

/**
 * Finds the execution with a name.
 *
 * @param functionName without a version or an alias, to search all of them
 * @throws ServiceError, or the error of the network
 */
export async function findExecutionArn(
  functionName: string,
  executionName: string,
  options?: ServiceOptions,
): Promise<string | undefined> {
  const path = `${API}/functions/${encodePart(functionName)}/durable-executions`
  const query = { DurableExecutionName: executionName, MaxItems: '1' }
  const { DurableExecutions: [found] = [] } = await get<{ DurableExecutions?: { DurableExecutionArn?: string }[] }>(
    path,
    query,
    options,
  )
  return found?.DurableExecutionArn
}

/** @throws ServiceError, or the error of the network */
export function getExecution(arn: string, options?: ServiceOptions): Promise<GetDurableExecutionResponse> {
  return get(executionPath(arn), {}, options)
}

/**
 * Reads a page of the history of an execution, with its data.
 *
 * @throws ServiceError, or the error of the network
 */
export function getHistory(
  arn: string,
  query: { ReverseOrder?: 'true'; MaxItems?: string; Marker?: string },
  options?: ServiceOptions,
): Promise<{ Events?: Event[]; NextMarker?: string }> {
  return get(`${executionPath(arn)}/history`, { IncludeExecutionData: 'true', ...query }, options)
}

/**
 * Reads the complete history of an execution, oldest event first.
 *
 * @throws ServiceError, or the error of the network
 */
export async function* historyOf(arn: string): AsyncGenerator<Event> {
  let marker: string | undefined
  do {
    const { Events = [], NextMarker } = await getHistory(arn, marker ? { Marker: marker } : {})
    yield* Events
    marker = NextMarker
  } while (marker)
}

/**
 * Completes a callback of an execution.
 *
 * @param result JSON
 * @throws ServiceError, or the error of the network
 */
export async function completeCallback(callbackId: string, result: string): Promise<void> {
  await service.send({
    method: 'POST',
    path: `${API}/durable-execution-callbacks/${encodePart(callbackId)}/succeed`,
    headers: { 'content-type': 'application/octet-stream' },
    body: result,
  })
}

function executionPath(arn: string): string {
  return `${API}/durable-executions/${encodePart(arn)}`
}

async function get<Output>(path: string, query: Record<string, string>, options?: ServiceOptions): Promise<Output> {
  const { body } = await service.send({ method: 'GET', path, query, headers: {} }, options)
  return withDates(body) as Output
}

/** Lambda sends times as epoch seconds. Payloads are text, so no name of theirs is changed. */
function withDates(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withDates)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      typeof item === 'number' && name.endsWith('Timestamp') ? new Date(item * 1_000) : withDates(item),
    ]),
  )
}
