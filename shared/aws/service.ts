import { setTimeout as sleep } from 'node:timers/promises'
import { isRecord } from '../record.ts'
import { traceRequest } from '../tracing.ts'
import { endpointOf, regionOfFunction, type ServiceName } from './endpoint.ts'
import { sendSigned } from './send-signed.ts'
import { type Signer, sign } from './signature.ts'

export interface ServiceRequest {
  method: string
  /** Each variable part is encoded by `encodePart`. */
  path: string
  query?: Record<string, string>
  headers: Record<string, string>
  body?: string
}

export interface ServiceOptions {
  /** Ends the call, including its retries, before its own time limit. */
  abortSignal?: AbortSignal | undefined
  /** Replaces the limits of an attempt and of the call. */
  timeoutMs?: number
}

export interface ServiceResponse {
  headers: Record<string, string | string[] | undefined>
  /** Parsed JSON; an empty object for an empty body. */
  body: Record<string, unknown>
}

interface Metadata {
  httpStatusCode?: number
  attempts: number
}

interface AttemptOptions {
  abortSignal: AbortSignal | undefined
  timeoutMs: number
}

/** An error that a service returned. Has the name and the metadata of the SDK's own errors. */
class ServiceError extends Error {
  readonly $metadata: Metadata
  /** The pause that the service asks for. */
  readonly retryAfterMs: number
  /** The clock of this machine was wrong, which is corrected now. */
  hasNewClock = false

  constructor(name: string, message: string, metadata: Metadata, retryAfterMs: number) {
    super(message)
    this.name = name
    this.$metadata = metadata
    this.retryAfterMs = retryAfterMs
  }
}

const RETRY_BASE_MS = 100
const THROTTLING_BASE_MS = 500
const MAX_RETRY_PAUSE_MS = 20_000
/** A service may ask for this much more than the usual pause. The SDK has the same limit. */
const MAX_ADDED_PAUSE_MS = 5_000
/** An attempt, without any data from the service. */
const ATTEMPT_TIMEOUT_MS = 5_000
/** A call with its retries. Lambda ends a webhook after 28 s, and its response must say before that what does not answer. */
const CALL_TIMEOUT_MS = 10_000
/** With less time left, a call is not sent again. */
const MIN_ATTEMPT_MS = 1_000
/** A larger difference between the clocks makes signatures invalid. */
const MAX_CLOCK_SKEW_MS = 5 * 60_000

const THROTTLING =
  /^(?:BandwidthLimitExceeded|EC2ThrottledException|LimitExceededException|PriorRequestNotComplete|ProvisionedThroughputExceededException|RequestLimitExceeded|RequestThrottled|RequestThrottledException|SlowDown|ThrottledException|Throttling|ThrottlingException|TooManyRequestsException|TransactionInProgressException)$/
const CLOCK_ERROR =
  /^(?:AuthFailure|InvalidSignatureException|RequestExpired|RequestInTheFuture|RequestTimeTooSkewed|SignatureDoesNotMatch)$/
const TRANSIENT = /^(?:TimeoutError|RequestTimeout|RequestTimeoutException)$/
const TRANSIENT_STATUSES = [500, 502, 503, 504]
const NETWORK_CODES = /^(?:ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/

/**
 * Calls one AWS service in the function's account and region. It takes the place of the SDK's clients of DynamoDB, Lambda and
 * Secrets Manager, each of which takes 40 ms of processor time to load, and behaves like them: endpoints, attempts with backoff,
 * `Retry-After`, wrong clocks, trace headers, and names of errors.
 *
 * Unlike them, it has no dual-stack endpoints, ignores the path of an endpoint in the environment, and does not reduce its retries
 * when many requests fail: an environment of Lambda sends few at the same time.
 */
export class AwsService {
  readonly #name: ServiceName
  readonly #maxAttempts: number
  #signer: Signer | undefined
  /** The clock of the service, compared with that of this machine. */
  #clockOffsetMs = 0

  /** @param maxAttempts unless the environment sets another number */
  constructor(name: ServiceName, maxAttempts = 3) {
    this.#name = name
    this.#maxAttempts = maxAttempts
  }

  /**
   * Sends a request. Repeats it after a transient error, even if it writes.
   *
   * @throws ServiceError if the service returns an error; the error of the network, with `$metadata`, if there is no response
   */
  async send(
    request: ServiceRequest,
    { abortSignal, timeoutMs: limitMs }: ServiceOptions = {},
  ): Promise<ServiceResponse> {
    const maxAttempts = Number(process.env['AWS_MAX_ATTEMPTS']) || this.#maxAttempts
    const endsAt = performance.now() + (limitMs ?? CALL_TIMEOUT_MS)
    const timeLeft = () => endsAt - performance.now()
    for (let attempts = 1; ; attempts++) {
      try {
        const timeoutMs = Math.max(1, Math.min(limitMs ?? ATTEMPT_TIMEOUT_MS, timeLeft()))
        return await this.#attempt(request, attempts, { abortSignal, timeoutMs })
      } catch (error) {
        const pause = retryPauseMs(error, attempts) ?? Number.POSITIVE_INFINITY
        if (pause + MIN_ATTEMPT_MS > timeLeft() || attempts >= maxAttempts || abortSignal?.aborted) {
          throw error instanceof ServiceError ? error : Object.assign(error as Error, { $metadata: { attempts } })
        }
        await sleep(pause, undefined, abortSignal && { signal: abortSignal })
      }
    }
  }

  async #attempt(
    { method, path, query = {}, headers, body }: ServiceRequest,
    attempts: number,
    { abortSignal, timeoutMs }: AttemptOptions,
  ): Promise<ServiceResponse> {
    this.#signer ??= signerOf(this.#name)
    const url = new URL(path, endpointOf(this.#name, process.env))
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    const signed = sign({ method, url, headers, body }, this.#signer, new Date(Date.now() + this.#clockOffsetMs))
    const options = { method, headers: { ...signed, ...unsignedHeaders() }, signal: abortSignal, timeoutMs }
    const {
      status,
      headers: received,
      text,
    } = await traceRequest(
      () => url.host,
      () => sendSigned(url, options, body),
    )
    if (status < 300) return { headers: received, body: text === '' ? {} : JSON.parse(text) }
    const error = errorOf(text, received, { httpStatusCode: status, attempts })
    if (CLOCK_ERROR.test(error.name)) error.hasNewClock = this.#correctClock(received['date'])
    throw error
  }

  /** Returns whether the clock of the next signatures has changed. */
  #correctClock(date = ''): boolean {
    const offset = Date.parse(date) - Date.now()
    const isWrong = Math.abs(offset - this.#clockOffsetMs) > MAX_CLOCK_SKEW_MS
    if (isWrong) this.#clockOffsetMs = offset
    return isWrong
  }
}

/**
 * Returns the headers that proxies may change. The first one continues the X-Ray trace of the invocation, and lets Lambda detect
 * functions that start each other in a loop. The second one shows in CloudTrail who calls.
 */
function unsignedHeaders(): Record<string, string> {
  const trace = process.env['_X_AMZN_TRACE_ID']
  return { ...(trace ? { 'x-amzn-trace-id': trace } : {}), 'user-agent': 'cloud-automation-webhooks' }
}

/** Returns 0 unless the service asks for a pause in a number of seconds, or of milliseconds in the header of AWS. */
function retryAfterMs(headers: ServiceResponse['headers']): number {
  return Number(headers['x-amz-retry-after']) || Number(headers['retry-after']) * 1_000 || 0
}

function signerOf({ host }: ServiceName): Signer {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = process.env
  const { AWS_SESSION_TOKEN: sessionToken } = process.env
  // Lambda sets them for the life of the environment.
  if (!accessKeyId || !secretAccessKey)
    throw new Error(
      'The credentials of the function are not in its environment. Lambda and the local runtime set them.',
    )
  return { accessKeyId, secretAccessKey, sessionToken, service: host, region: regionOfFunction(process.env) }
}

function errorOf(text: string, headers: ServiceResponse['headers'], metadata: Metadata): ServiceError {
  const body = parse(text)
  const type = [headers['x-amzn-errortype'], body['__type'], body['code']].find(
    (value): value is string => typeof value === 'string',
  )
  // `com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException`, or a header with a URL after the name.
  const name = type?.split(':')[0]?.split('#').at(-1) || 'UnknownError'
  const message = [body['message'], body['Message']].find((value): value is string => typeof value === 'string')
  return new ServiceError(name, message ?? name, metadata, retryAfterMs(headers))
}

function parse(text: string): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text)
    return isRecord(body) ? body : {}
  } catch {
    // A proxy may answer with a web page. The status is enough.
    return {}
  }
}

/** Returns the pause before the next attempt: undefined if the same request would fail again. */
function retryPauseMs(error: unknown, attempts: number): number | undefined {
  const base = retryBaseMs(error)
  if (base === undefined) return undefined
  const pause = Math.min(MAX_RETRY_PAUSE_MS, Math.floor(Math.random() * base * 2 ** attempts))
  const afterMs = error instanceof ServiceError ? error.retryAfterMs : 0
  return Math.max(pause, Math.min(afterMs, pause + MAX_ADDED_PAUSE_MS))
}

function retryBaseMs(error: unknown): number | undefined {
  if (!(error instanceof ServiceError)) {
    const { name, code = '' } = error as NodeJS.ErrnoException
    return TRANSIENT.test(name) || NETWORK_CODES.test(code) ? RETRY_BASE_MS : undefined
  }
  const { httpStatusCode: status = 0 } = error.$metadata
  if (error.hasNewClock) return RETRY_BASE_MS
  if (status === 429 || THROTTLING.test(error.name)) return THROTTLING_BASE_MS
  return TRANSIENT.test(error.name) || TRANSIENT_STATUSES.includes(status) ? RETRY_BASE_MS : undefined
}
