import type { IncomingHttpHeaders } from 'node:http'
import type { ErrorObject, ExecutionStatus, OperationUpdate } from '@aws-sdk/client-lambda'
import type { DurableService } from './durable.ts'
import { ApiError, invalidParameter, notFound, notJson } from './errors.ts'
import { detailOf, executionOf, listExecutions } from './executions.ts'
import { historyOf } from './history.ts'
import type { ApiResponse } from './http.ts'
import type { Invoker } from './invoke.ts'
import { ALIAS, functionArn, functionNameOf, qualifierOf } from './names.ts'
import { aliasesOf } from './resolve-function.ts'
import type { Store } from './store.ts'
import { validateTokens } from './validation.ts'
import { marker, readMarker } from './wire.ts'

/** A request to the REST API. `path` is percent-encoded. */
export interface ApiCall {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: Buffer
}

type Route = [method: string, path: RegExp, handle: (call: ApiCall, key: string) => ApiResponse | Promise<ApiResponse>]

/**
 * The operations of Lambda's REST API that the functions, the durable execution SDK and `npm run destroy` call.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/api/
 */
export class LambdaApi {
  readonly #store: Store
  readonly #service: DurableService
  readonly #invoker: Invoker
  readonly #routes: Route[]

  constructor(store: Store, service: DurableService, invoker: Invoker) {
    this.#store = store
    this.#service = service
    this.#invoker = invoker
    const executions = '^/2025-12-01/durable-executions/(.+)'
    const callbacks = '^/2025-12-01/durable-execution-callbacks/([^/]+)'
    this.#routes = [
      ['GET', /^\/2015-03-31\/(functions)\/?$/, () => this.#functions()],
      ['GET', /^\/2015-03-31\/functions\/([^/]+)\/versions$/, (_call, key) => this.#versions(key)],
      ['GET', /^\/2015-03-31\/functions\/([^/]+)\/aliases$/, (_call, key) => this.#aliases(key)],
      ['DELETE', /^\/2015-03-31\/functions\/([^/]+)$/, (call, key) => this.#delete(call, key)],
      ['GET', /^\/2017-03-31\/tags\/(.+)$/, (_call, key) => this.#tags(key)],
      ['POST', /^\/2015-03-31\/functions\/([^/]+)\/invocations$/, (call, key) => this.#invoke(call, key)],
      ['POST', new RegExp(`${executions}/checkpoint$`), (call, key) => this.#checkpoint(call, key)],
      ['GET', new RegExp(`${executions}/state$`), (call, key) => this.#state(call, key)],
      ['GET', new RegExp(`${executions}/history$`), (call, key) => this.#history(call, key)],
      ['POST', new RegExp(`${executions}/stop$`), (call, key) => this.#stop(call, key)],
      ['GET', new RegExp(`${executions}$`), (call, key) => this.#get(call, key)],
      ['GET', /^\/2025-12-01\/functions\/([^/]+)\/durable-executions$/, (call, key) => this.#list(call, key)],
      ['POST', new RegExp(`${callbacks}/succeed$`), (call, key) => this.#succeed(call, key)],
    ]
  }

  /**
   * Handles a request.
   *
   * @throws ApiError with the error that AWS returns
   */
  async handle(call: ApiCall): Promise<ApiResponse> {
    for (const [method, path, handle] of this.#routes) {
      const key = method === call.method ? path.exec(call.path)?.[1] : undefined
      if (key !== undefined) return await handle(call, decode(key))
    }
    throw new ApiError('UnknownOperationException', 404, `The local cloud does not support ${call.method} ${call.path}`)
  }

  #invoke({ headers, body }: ApiCall, functionId: string): Promise<ApiResponse> {
    const type = single(headers['x-amz-invocation-type']) ?? 'RequestResponse'
    const fn = this.#invoker.resolve(functionId)
    return this.#invoker.invoke(fn, type, body, single(headers['x-amz-durable-execution-name']))
  }

  #functions(): ApiResponse {
    const Functions = this.#invoker.functions.map(({ name, handler, timeoutSeconds, environment, durable }) => ({
      FunctionName: name,
      FunctionArn: functionArn(name),
      Handler: handler,
      Timeout: timeoutSeconds,
      Environment: { Variables: environment },
      Version: '$LATEST',
      ...(durable === undefined
        ? {}
        : {
            DurableConfig: {
              ExecutionTimeout: durable.executionTimeoutSeconds,
              RetentionPeriodInDays: durable.retentionDays,
            },
          }),
    }))
    return { status: 200, body: { Functions } }
  }

  #versions(functionId: string): ApiResponse {
    const name = functionNameOf(functionId)
    this.#invoker.functionOf(name)
    const Versions = ['$LATEST', ...this.#invoker.versions.numbersOf(name).map(String)].map((Version) => ({
      FunctionName: name,
      FunctionArn: functionArn(name, Version),
      Version,
    }))
    return { status: 200, body: { Versions } }
  }

  #aliases(functionId: string): ApiResponse {
    const fn = this.#invoker.functionOf(functionNameOf(functionId))
    const Aliases = aliasesOf(fn).map((Name) => ({
      AliasArn: functionArn(fn.name, Name),
      Name,
      FunctionVersion: String(fn.version),
    }))
    return { status: 200, body: { Aliases } }
  }

  /** Deletes a version only: the functions are those of the runtime. */
  #delete({ query }: ApiCall, functionId: string): ApiResponse {
    const latest = this.#invoker.functionOf(functionNameOf(functionId))
    const version = Number(query.get('Qualifier') ?? qualifierOf(functionId))
    if (!Number.isInteger(version)) throw invalidParameter('The local cloud deletes only versions, by their number.')
    if (version === latest.version)
      throw new ApiError('ResourceConflictException', 409, `The alias ${ALIAS} references version ${version}.`)
    this.#invoker.functionOf(latest.name, version)
    this.#invoker.versions.delete(latest.name, version)
    return { status: 204 }
  }

  #tags(arn: string): ApiResponse {
    return { status: 200, body: { Tags: this.#invoker.functionOf(functionNameOf(arn)).tags ?? {} } }
  }

  #checkpoint({ body }: ApiCall, arn: string): ApiResponse {
    const { CheckpointToken, ClientToken, Updates } = object(body) as {
      CheckpointToken?: string
      ClientToken?: string
      Updates?: OperationUpdate[]
    }
    validateTokens(CheckpointToken ?? '', ClientToken)
    const request = { token: CheckpointToken ?? '', clientToken: ClientToken, updates: Updates ?? [] }
    return { status: 200, body: this.#service.checkpoint(arn, request) }
  }

  #state({ query }: ApiCall, arn: string): ApiResponse {
    const marker = query.get('Marker') ?? undefined
    const limit = itemsOf(query)
    return { status: 200, body: this.#service.state(arn, { token: query.get('CheckpointToken') ?? '', marker, limit }) }
  }

  #get({ query }: ApiCall, arn: string): ApiResponse {
    const execution = executionOf(this.#store, arn)
    const { input, result, error, startedAt, endedAt } = detailOf(execution)
    const withData = query.get('IncludeExecutionData') !== 'false'
    return {
      status: 200,
      body: {
        DurableExecutionArn: arn,
        DurableExecutionName: execution.name,
        // The qualifier of the start, such as `live`. `Version` is the version that runs.
        FunctionArn: functionArn(execution.function, execution.qualifier),
        StartTimestamp: startedAt / 1000,
        Status: execution.status,
        ...(endedAt === undefined ? {} : { EndTimestamp: endedAt / 1000 }),
        ...(withData ? { InputPayload: input, Result: result, Error: error } : {}),
        Version: String(execution.function_version),
        ExecutionDataIncluded: withData,
        DurableConfig: {
          ExecutionTimeout: execution.timeout_seconds,
          RetentionPeriodInDays: execution.retention_days,
        },
      },
    }
  }

  #history({ query }: ApiCall, arn: string): ApiResponse {
    const execution = executionOf(this.#store, arn)
    const { events, more } = historyOf(
      this.#store,
      execution.id,
      {
        limit: itemsOf(query),
        after: afterOf(query),
        newestFirst: query.get('ReverseOrder') === 'true',
        data: query.get('IncludeExecutionData') !== 'false',
      },
      'seconds',
    )
    const last = Number(events.at(-1)?.['EventId'] ?? 0)
    return { status: 200, body: { Events: events, ...(more ? { NextMarker: marker(last) } : {}) } }
  }

  #stop({ body }: ApiCall, arn: string): ApiResponse {
    const error = body.length === 0 ? undefined : (object(body) as ErrorObject)
    const isEmpty = error === undefined || Object.keys(error).length === 0
    return { status: 200, body: { StopTimestamp: this.#service.stop(arn, isEmpty ? undefined : error) / 1000 } }
  }

  #list({ query }: ApiCall, functionId: string): ApiResponse {
    const functionName = functionNameOf(functionId)
    this.#invoker.functionOf(functionName)
    const limit = itemsOf(query)
    const found = listExecutions(this.#store, {
      functionName,
      version: versionFrom(query.get('Qualifier')),
      name: query.get('DurableExecutionName') ?? undefined,
      statuses: query.getAll('Statuses') as ExecutionStatus[],
      startedAfter: timeOf(query.get('StartedAfter')),
      startedBefore: timeOf(query.get('StartedBefore')),
      oldestFirst: query.get('ReverseOrder') === 'true',
      after: afterOf(query),
      limit: limit + 1,
    })
    const page = found.slice(0, limit)
    const DurableExecutions = page.map((execution) => ({
      DurableExecutionArn: execution.arn,
      DurableExecutionName: execution.name,
      FunctionArn: functionArn(functionName, execution.version),
      Status: execution.status,
      StartTimestamp: execution.startedAt / 1000,
      ...(execution.endedAt === undefined ? {} : { EndTimestamp: execution.endedAt / 1000 }),
    }))
    const last = found.length > limit ? page.at(-1) : undefined
    return { status: 200, body: { DurableExecutions, ...(last === undefined ? {} : { NextMarker: marker(last.id) }) } }
  }

  #succeed({ body }: ApiCall, id: string): ApiResponse {
    this.#service.succeedCallback(id, body.toString())
    return { status: 200 }
  }
}

/** An alias is not a filter: it means the version that it references. */
function versionFrom(qualifier: string | null): number | undefined {
  return qualifier !== null && /^\d+$/.test(qualifier) ? Number(qualifier) : undefined
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}

function decode(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch (error) {
    throw notFound(`Malformed path: ${key}`, { cause: error })
  }
}

function object(body: Buffer): object {
  let value: unknown
  try {
    value = JSON.parse(body.toString() || '{}')
  } catch (error) {
    throw notJson(error)
  }
  if (typeof value !== 'object' || value === null) throw invalidParameter('The request body must be a JSON object.')
  return value
}

function itemsOf(query: URLSearchParams): number {
  const items = Number(query.get('MaxItems') ?? 0)
  if (!Number.isInteger(items) || items < 0 || items > 1000)
    throw invalidParameter('MaxItems must be between 0 and 1000.')
  return items === 0 ? 100 : items
}

function afterOf(query: URLSearchParams): number | undefined {
  const text = query.get('Marker')
  return text === null || text === '' ? undefined : readMarker(text)
}

function timeOf(text: string | null): number | undefined {
  if (text === null) return undefined
  const time = /^[\d.]+$/.test(text) ? Number(text) * 1000 : Date.parse(text)
  if (Number.isNaN(time)) throw invalidParameter(`Invalid timestamp: ${text}`)
  return time
}
