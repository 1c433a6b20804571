import * as z from 'zod/v4/core'
import { Failure, retryLater } from '../errors.ts'
import { redact } from '../redact.ts'
import { toPlainText } from '../text/plain-text.ts'
import { clipSingleLine } from '../text/single-line.ts'
import { traceparent } from '../traceparent.ts'
import { registerCredentials, registerUrlParts } from './credentials.ts'
import { checkDeadline } from './deadline.ts'
import { errorReasonIn } from './error-reason.ts'
import type { HttpResponse, SentRequest } from './exchange.ts'
import { isUnsent } from './network.ts'
import type { HttpOptions, RequestOptions } from './options.ts'
import { sendRedirected } from './redirects.ts'
import { isRateLimited, retryAfterSeconds } from './retry-after.ts'
import type { ReceivedResponse } from './send.ts'
import { WriteTracker } from './write-tracker.ts'

/** How long to wait after a 403 that is a rate limit without a time, as GitHub recommends. */
const DEFAULT_RATE_LIMIT_SECONDS = 60
/** Characters of a response in messages. */
const MAX_EXCERPT = 200

/**
 * The HTTP client of one platform instance. Sends and parses JSON, limits the time and the response size, verifies TLS,
 * follows redirects within the base URL only, and throws `Failure`s with the platform's own reason.
 *
 * It never retries: the caller decides, by `mayHaveWritten` of the failure, whether a retry is safe.
 *
 * @example
 * const { body } = await http.get(`runs/${segment(id)}`, { schema: run })
 * const { status } = await http.post('runs', { ref: idempotencyKey }, { accept: [409] })
 */
export class Http {
  readonly #options: HttpOptions
  readonly #base: URL
  readonly #writes = new WriteTracker()

  constructor(options: HttpOptions) {
    this.#options = options
    this.#base = new URL(options.baseUrl.endsWith('/') ? options.baseUrl : `${options.baseUrl}/`)
    registerCredentials(options.headers ?? {})
  }

  /** The base URL without a trailing slash, for links. */
  get baseUrl(): string {
    return this.#options.baseUrl.replace(/\/$/, '')
  }

  /** See `WriteTracker`. */
  get mayHaveWritten(): boolean {
    return this.#writes.mayHaveWritten
  }

  /** See `WriteTracker`. */
  get acceptedResponse(): string | undefined {
    return this.#writes.acceptedResponse
  }

  /** Sends a GET request. See `request`. */
  get<T>(path: string, options?: RequestOptions<T>): Promise<HttpResponse<T>> {
    return this.request('GET', path, options)
  }

  /** Sends a POST request. See `request`. */
  post<T>(path: string, body?: unknown, options?: RequestOptions<T>): Promise<HttpResponse<T>> {
    return this.request('POST', path, { ...options, body })
  }

  /** Sends a PUT request. See `request`. */
  put<T>(path: string, body?: unknown, options?: RequestOptions<T>): Promise<HttpResponse<T>> {
    return this.request('PUT', path, { ...options, body })
  }

  /** Sends a PATCH request. See `request`. */
  patch<T>(path: string, body?: unknown, options?: RequestOptions<T>): Promise<HttpResponse<T>> {
    return this.request('PATCH', path, { ...options, body })
  }

  /** Sends a DELETE request. See `request`. */
  delete<T>(path: string, options?: RequestOptions<T>): Promise<HttpResponse<T>> {
    return this.request('DELETE', path, options)
  }

  /**
   * Sends a request. Everything except GET and HEAD counts as a write unless `isRead` says otherwise.
   *
   * @param path relative to the base URL, with `segment` for each variable part; or an absolute URL of the same origin
   * @throws Failure `refused` (4xx), `credentials` (401), `platform` (5xx, network, rate limit), `timeout`, `deadline`
   */
  async request<T>(method: string, path: string, options: RequestOptions<T> = {}): Promise<HttpResponse<T>> {
    const isWrite = !(options.isRead ?? (method === 'GET' || method === 'HEAD'))
    const { urlAlias } = options
    const request = this.#build(method, path, options)
    const url = new URL(request.url)
    const operation = `${method} ${urlAlias ?? url.pathname}`
    if (urlAlias !== undefined) registerUrlParts(url)
    if (isWrite) {
      const shown = urlAlias === undefined ? request : { ...request, url: `${this.#base.origin}/***` }
      const intercepted = this.#options.intercept?.(shown)
      if (intercepted) return intercepted as HttpResponse<T>
    }
    const authorized = await this.#authorize(request)
    try {
      return await this.#exchange(authorized, operation, options, isWrite)
    } catch (error) {
      const isRejected = error instanceof Failure && error.kind === 'credentials'
      if (!isRejected || !this.#options.authorization?.invalidate) throw error
      // The token or session may have expired. The platform refused the request, so it can be sent again.
      return this.#exchange(await this.#authorize(request), operation, options, isWrite)
    }
  }

  async #exchange<T>(
    request: SentRequest,
    operation: string,
    options: RequestOptions<T>,
    isWrite: boolean,
  ): Promise<HttpResponse<T>> {
    const { platform, deadlineAt = Number.POSITIVE_INFINITY, beforeWrite } = this.#options
    const { mayHaveWritten } = this.#writes
    const mayWrite = async () => {
      await beforeWrite?.(mayHaveWritten)
      // Also after a token that arrived late.
      checkDeadline(platform, operation, deadlineAt)
    }
    if (isWrite) {
      await mayWrite()
      this.#writes.sent()
    }
    // A platform that redirects a write has not carried it out.
    const beforeRepeat = async () => {
      this.#writes.refused()
      await mayWrite()
      this.#writes.sent()
    }
    const received: ReceivedResponse = {}
    let response: HttpResponse
    try {
      response = this.#withErrorStatus(
        await this.#send(request, operation, options, received, isWrite ? beforeRepeat : undefined),
        options,
      )
    } catch (error) {
      if (isWrite && isSuccess(received.status)) this.#writes.accepted(() => excerpt(received))
      else this.#writes.failed()
      if (!(error instanceof Failure)) throw error
      if (isWrite && isUnsent(error.cause)) this.#writes.refused()
      throw this.#withMayHaveWritten(error)
    }
    const { status } = response
    if (isWrite) {
      if (status >= 400 && status < 500) this.#writes.refused()
      if (isSuccess(status)) this.#writes.accepted(() => excerpt(received))
      else this.#writes.failed()
    }
    if (options.accept?.includes(status)) return response as HttpResponse<T>
    if (!isWrite && !options.schema && !options.acceptsPages && status < 400 && isPage(response.body)) {
      const hint = 'Check the base URL, and that no login page or proxy answers for the API.'
      throw retryLater(`${platform} answered ${status} to ${operation} with a web page. ${hint}`)
    }
    if (status < 400) return this.#parse(response, operation, options.schema)
    this.#writes.failed()
    const failure = this.#refusal(response, operation, options, received.status)
    if (failure.kind === 'credentials') this.#options.authorization?.invalidate?.()
    throw this.#withMayHaveWritten(failure)
  }

  #withMayHaveWritten(failure: Failure): Failure {
    return failure.withMayHaveWritten(this.#writes.mayHaveWritten)
  }

  #build(method: string, path: string, options: RequestOptions): SentRequest {
    const url = new URL(path.replace(/^\//, ''), this.#base)
    if (url.origin !== this.#base.origin) throw new Error(`A path must stay below the base URL: ${path}`)
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const { body } = options
    const isText = typeof body === 'string'
    const traced = traceparent()
    return {
      method,
      url: url.href,
      headers: {
        accept: 'application/json',
        'user-agent': 'cloud-automation-webhooks',
        ...(body === undefined || isText ? {} : { 'content-type': 'application/json' }),
        ...(traced === undefined ? {} : { traceparent: traced }),
        ...this.#options.headers,
        ...options.headers,
      },
      body: body === undefined || isText ? body : JSON.stringify(body),
    }
  }

  async #authorize(request: SentRequest): Promise<SentRequest> {
    const { authorization, deadlineAt } = this.#options
    if (!authorization) return request
    try {
      return { ...request, headers: { ...request.headers, ...(await authorization.headers(request, deadlineAt)) } }
    } catch (error) {
      // This request was not sent, but an earlier one may have written.
      throw error instanceof Failure ? this.#withMayHaveWritten(error) : error
    }
  }

  #send(
    request: SentRequest,
    operation: string,
    { accept, urlAlias }: RequestOptions,
    received: ReceivedResponse,
    beforeRepeat: (() => Promise<void>) | undefined,
  ) {
    const { platform, ca, deadlineAt } = this.#options
    return sendRedirected(
      request,
      { platform, operation, ca, deadlineAt, base: this.#base, accept, urlAlias, beforeRepeat },
      received,
    )
  }

  #withErrorStatus(response: HttpResponse, { errorStatus = this.#options.errorStatus }: RequestOptions): HttpResponse {
    const isVague = response.status < 300 || response.status === 400
    const status = isVague ? errorStatus?.(response.body) : undefined
    return status === undefined ? response : { ...response, status }
  }

  #parse<T>(response: HttpResponse, operation: string, schema: z.$ZodType<T> | undefined): HttpResponse<T> {
    const parsed = schema && z.safeParse(schema, response.body)
    if (parsed === undefined) return response as HttpResponse<T>
    if (parsed.success) return { ...response, body: parsed.data }
    const [issue] = parsed.error.issues
    const problem = `${issue?.path.join('.') || 'the response'} ${issue?.message}`
    throw this.#withMayHaveWritten(
      retryLater(`${this.#options.platform} returned an unexpected response to ${operation} (${problem}).`),
    )
  }

  #refusal(
    { status, headers, body }: HttpResponse,
    operation: string,
    { errorReason = this.#options.errorReason, errorStatus }: RequestOptions,
    receivedStatus: number | undefined,
  ): Failure {
    const { platform, retryAfterUnit, isCredentialsError } = this.#options
    const reason = redact(toPlainText((errorReason?.(body) ?? errorReasonIn(body)) || 'no reason given'))
    // The connection decided that the response is an error, so its author must see the status of the API.
    const isReplaced = errorStatus !== undefined && receivedStatus !== status
    const answered = isReplaced ? `${receivedStatus} with an error` : status
    const message = `${platform} answered ${answered} to ${operation}: ${reason}`
    const response = { status, body }
    if (status >= 500 || status === 408 || isRateLimited(status, headers, reason)) {
      const seconds = retryAfterSeconds(headers, Date.now(), retryAfterUnit)
      const retryAfter = seconds ?? (status === 403 ? DEFAULT_RATE_LIMIT_SECONDS : undefined)
      return retryLater(message, { after: retryAfter, response })
    }
    const kind = status === 401 || isCredentialsError?.(status, body) ? 'credentials' : 'refused'
    return new Failure(kind, message, { response })
  }
}

function excerpt({ status, text }: ReceivedResponse): string {
  if (text === undefined) return `${status} with an incomplete body`
  return text.trim() === '' ? `${status} without a body` : `${status} ${clipSingleLine(text, MAX_EXCERPT)}`
}

function isPage(body: unknown): boolean {
  return typeof body === 'string' && /^\s*<(?:!doctype html|html)\b/i.test(body)
}

/** A redirect that the caller accepts is a success, too. */
function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 400
}
