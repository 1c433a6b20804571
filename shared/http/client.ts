import type { Agent } from 'node:https'
import * as z from 'zod/v4/core'
import { Failure, messageOf } from '../errors.ts'
import { log } from '../log.ts'
import { isCredential, redact, registerSecret } from '../redact.ts'
import { toPlainText } from '../text/plain-text.ts'
import { clipSingleLine } from '../text/single-line.ts'
import { errorReasonIn, isRateLimited, retryAfterSeconds } from './error-reason.ts'
import { agentWithCa, isUnsent, networkReason } from './network.ts'
import { trace } from './trace.ts'

/** Longest that one request to a platform may take, in milliseconds; a deadline that is nearer shortens it. */
const requestTimeout = 15_000
/** A look-up may still take this long when the deadline is nearer or past, in milliseconds. */
const shortestTimeout = 1_000
/** Answers over this are refused: none that we need is larger, and a Lambda's memory is small. */
const largestAnswer = 5 * 1024 * 1024
const mostRedirects = 3
/** How long to stay away where a 403 is a limit and does not say until when, in seconds: as GitHub asks for. */
const untoldLimit = 60
/** Characters of a response that a message shows. */
const MAX_EXCERPT = 200
/** Of a URL that is a credential, in characters. */
const shortestSecretPart = 16

type Query = Record<string, string | number | boolean | undefined>

export interface RequestOptions<T = unknown> {
  /** What the response must look like; what does not is a fault of the platform, not ours. */
  schema?: z.$ZodType<T>
  query?: Query
  headers?: Record<string, string>
  /** Sent as JSON, unless it is a string: then as it is, with the content type from `headers`. */
  body?: unknown
  /** Statuses >= 300 that are answers here, not failures, such as a 404 of a look-up; a redirect is then not followed. */
  accept?: readonly number[]
  /** POST that only reads (a search, a token): may be sent again, and after the deadline. */
  isRead?: boolean
  /** As in `HttpOptions`, for this request. */
  errorStatus?: (body: unknown) => number | undefined
  /** As in `HttpOptions`, for this request. */
  errorReason?: (body: unknown) => string | undefined
  /**
   * What its URL is called, such as `the webhook`, where the URL itself is a credential: then nothing shows more of it than
   * its host, and no redirect is followed.
   */
  urlAlias?: string
}

export interface HttpResponse<T = unknown> {
  status: number
  /** By names in lower case. Several cookies of `set-cookie` are separated by line breaks. */
  headers: Record<string, string>
  /** Parsed JSON; the text where it is not JSON; undefined where it is empty. */
  body: T
}

export interface HttpOptions {
  /** Who is called, in messages: `GitHub`. */
  platform: string
  baseUrl: string
  headers?: Record<string, string>
  /** PEM of a certificate authority to trust beside the public ones. */
  ca?: string | undefined
  /** Epoch milliseconds after which nothing is written any more. */
  deadlineAt?: number
  /**
   * Gets each write before it goes out: for a dry run. If it throws or returns an response, the write is not sent, and the response
   * takes the place of the platform's.
   */
  intercept?: (request: SentRequest) => HttpResponse | undefined
  /** Whether a refusal is one of the credentials, where it is no 401. */
  isCredentialsError?: (status: number, body: unknown) => boolean
  /** The platform's own words for a refusal, where the usual places do not hold them. */
  errorReason?: (body: unknown) => string | undefined
  /** The status that an response stands for, where the platform puts its errors into a success. */
  errorStatus?: (body: unknown) => number | undefined
  /** What its Retry-After counts, where not seconds. */
  retryAfterUnit?: 'milliseconds' | undefined
  authorization?: Authorization | undefined
}

/** How requests are authenticated where that takes more than a header that never changes. */
export interface Authorization {
  /**
   * The headers that authenticate a request: a token that has to be fetched first, or a signature of the request.
   *
   * @throws Failure
   */
  headers(request: SentRequest): Promise<Record<string, string>>
  /** They were not accepted: what was kept of them is not used again. */
  invalidate?(): void
}

/** A request as it goes out. */
export interface SentRequest {
  method: string
  url: string
  headers: Record<string, string>
  body: string | undefined
}

/**
 * The client of one platform instance: JSON in and out, a time-out on everything, a limit on the response's size, TLS
 * verified, redirects only within the same origin, and errors as `Failure`s that carry the platform's own reason.
 *
 * It never repeats a request by itself: whether a repeat is safe is known one level up (see `perform.ts`), which asks
 * the failure whether it came `afterWrite`.
 */
export class Http {
  readonly #options: HttpOptions
  readonly #base: URL
  /** Whether a write was sent that the platform has not refused: it was carried out, or may have been. */
  #written = false
  #accepted: Received | undefined

  constructor(options: HttpOptions) {
    this.#options = options
    this.#base = new URL(options.baseUrl.endsWith('/') ? options.baseUrl : `${options.baseUrl}/`)
    for (const [name, value] of Object.entries(options.headers ?? {})) {
      // What follows the name of a scheme, such as Bearer, may come back alone; each value to mask takes time at every call.
      if (isCredential(name)) registerSecret(value.replace(AUTHORIZATION_SCHEME, ''))
    }
  }

  /** Where the platform lives, without a slash at the end: for links. */
  get baseUrl(): string {
    return this.#options.baseUrl.replace(/\/$/, '')
  }

  /** Whether a write was sent that the platform has not refused. */
  get mayHaveWritten(): boolean {
    return this.#written
  }

  /**
   * The start of the platform's response to the last write, masked, if that was a success and no request has failed since.
   * An error that is thrown now is about what the platform answered: the write itself was carried out.
   */
  get acceptedResponse(): string | undefined {
    if (!this.#accepted) return undefined
    const { status, text } = this.#accepted
    if (text === undefined) return `${status}, and not all of the body`
    return text.trim() === '' ? `${status} without a body` : `${status} ${clipSingleLine(text, MAX_EXCERPT)}`
  }

  get<T>(path: string, options?: RequestOptions<T>): Promise<HttpResponse<T>> {
    return this.request('GET', path, options)
  }

  post<T>(path: string, body?: unknown, options?: RequestOptions<T>): Promise<HttpResponse<T>> {
    return this.request('POST', path, { ...options, body })
  }

  put<T>(path: string, body?: unknown, options?: RequestOptions<T>): Promise<HttpResponse<T>> {
    return this.request('PUT', path, { ...options, body })
  }

  patch<T>(path: string, body?: unknown, options?: RequestOptions<T>): Promise<HttpResponse<T>> {
    return this.request('PATCH', path, { ...options, body })
  }

  delete<T>(path: string, options?: RequestOptions<T>): Promise<HttpResponse<T>> {
    return this.request('DELETE', path, options)
  }

  /**
   * @param path below the base URL; each variable part goes through `segment` first. Or a whole URL of the same origin
   * @throws Failure `refused` (4xx), `credentials` (401), `platform` (5xx, network, limits), `timeout`, `deadline`
   */
  async request<T>(method: string, path: string, options: RequestOptions<T> = {}): Promise<HttpResponse<T>> {
    const { platform, deadlineAt = Number.POSITIVE_INFINITY } = this.#options
    const writes = method !== 'GET' && method !== 'HEAD' && !options.isRead
    const { urlAlias } = options
    const request = this.#build(method, path, options)
    const what = `${method} ${urlAlias ?? new URL(request.url).pathname}`
    if (urlAlias !== undefined) rememberParts(new URL(request.url))
    if (writes) {
      const shown = urlAlias === undefined ? request : { ...request, url: `${this.#base.origin}/***` }
      const instead = this.#options.intercept?.(shown)
      if (instead) return instead as HttpResponse<T>
      if (Date.now() >= deadlineAt) {
        throw new Failure(
          'deadline',
          `The deadline passed before ${platform} could be asked for ${what}: nothing was sent.`,
        )
      }
    }
    const authorized = await this.#authorize(request)
    const writtenBefore = this.#written
    if (writes) this.#written = true
    const received: Received = {}
    let response: HttpResponse
    try {
      response = this.#meant(await this.#follow(authorized, what, options, received), options)
    } catch (error) {
      this.#accepted = writes && isSuccess(received.status) ? received : undefined
      if (!(error instanceof Failure)) throw error
      if (isUnsent(error.cause)) this.#written = writtenBefore
      error.afterWrite = this.#written
      throw error
    }
    if (response.status >= 400 && response.status < 500) this.#written = writtenBefore
    if (writes) this.#accepted = isSuccess(response.status) ? received : undefined
    if (options.accept?.includes(response.status)) return response as HttpResponse<T>
    if (response.status < 400) return this.#shaped(response, what, options.schema)
    this.#accepted = undefined
    const failure = this.#failure(response, what, options)
    if (failure.kind === 'credentials') this.#options.authorization?.invalidate?.()
    failure.afterWrite = this.#written
    throw failure
  }

  #build(method: string, path: string, options: RequestOptions): SentRequest {
    const url = new URL(path.replace(/^\//, ''), this.#base)
    if (url.origin !== this.#base.origin) throw new Error(`A path must stay below the base URL: ${path}`)
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const { body } = options
    const isText = typeof body === 'string'
    return {
      method,
      url: url.href,
      headers: {
        accept: 'application/json',
        'user-agent': 'cloud-automation-webhooks',
        ...(body === undefined || isText ? {} : { 'content-type': 'application/json' }),
        ...this.#options.headers,
        ...options.headers,
      },
      body: body === undefined || isText ? body : JSON.stringify(body),
    }
  }

  async #authorize(request: SentRequest): Promise<SentRequest> {
    const { authorization } = this.#options
    if (!authorization) return request
    try {
      return { ...request, headers: { ...request.headers, ...(await authorization.headers(request)) } }
    } catch (error) {
      // Of this request nothing was sent.
      if (error instanceof Failure) error.afterWrite = this.#written
      throw error
    }
  }

  #meant(response: HttpResponse, { errorStatus = this.#options.errorStatus }: RequestOptions): HttpResponse {
    const status = response.status < 300 ? errorStatus?.(response.body) : undefined
    return status === undefined ? response : { ...response, status }
  }

  async #follow(
    request: SentRequest,
    what: string,
    { accept = [], urlAlias }: RequestOptions,
    received: Received,
  ): Promise<HttpResponse> {
    let current = request
    for (let redirects = 0; ; redirects++) {
      const response = await this.#logged(current, urlAlias, () => this.#send(current, what, received))
      const location = response.headers['location']
      const redirected = [301, 302, 303, 307, 308].includes(response.status) && location !== undefined
      if (!redirected || accept.includes(response.status)) return response
      const target = URL.parse(location, current.url)
      if (!target) {
        const { platform } = this.#options
        throw new Failure('platform', `${platform} redirected ${what} to something that is no URL.`)
      }
      const repeatable =
        urlAlias === undefined && (current.method === 'GET' || response.status === 307 || response.status === 308)
      const isBelow = target.origin === this.#base.origin && target.pathname.startsWith(this.#base.pathname)
      if (!isBelow || !repeatable || redirects === mostRedirects) {
        throw new Failure(
          'refused',
          `${this.#options.platform} redirected ${what} to ${urlAlias === undefined ? `${target.origin}${target.pathname}` : target.origin}, which is not followed: check the connection's URL.`,
        )
      }
      current = { ...current, url: target.href }
    }
  }

  /** One line at the level DEBUG for each request: where it went, and what came back; no header, query or body. */
  async #logged(
    request: SentRequest,
    place: string | undefined,
    send: () => Promise<HttpResponse>,
  ): Promise<HttpResponse> {
    const began = Date.now()
    const line = (status: number | undefined) => {
      const { host, pathname } = new URL(request.url)
      const { platform } = this.#options
      log.debug('called', {
        platform,
        method: request.method,
        host,
        path: place ?? pathname,
        status,
        ms: Date.now() - began,
      })
    }
    try {
      const response = await send()
      line(response.status)
      trace({ kind: 'exchange', request, response })
      return response
    } catch (error) {
      line(undefined)
      trace({ kind: 'exchange', request, error })
      throw error
    }
  }

  async #send(request: SentRequest, what: string, received: Received): Promise<HttpResponse> {
    const { platform, ca, deadlineAt = Number.POSITIVE_INFINITY } = this.#options
    const timeout = Math.max(shortestTimeout, Math.min(requestTimeout, deadlineAt - Date.now()))
    const secure = request.url.startsWith('https:')
    // Loaded when first used, as the AWS SDK does.
    const { request: open } = secure ? await import('node:https') : await import('node:http')
    const trusting = secure && ca ? { agent: await trust(ca) } : {}
    return new Promise<HttpResponse>((resolve, reject) => {
      const fail = (kind: 'platform' | 'timeout', text: string, cause?: unknown) => {
        reject(new Failure(kind, `${platform} ${text} (${what}).`, { cause }))
        outgoing.destroy()
      }
      const length = request.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(request.body)) }
      const how = { method: request.method, headers: { ...request.headers, ...length }, ...trusting }
      const outgoing = orUnsendable(() =>
        open(request.url, how, (incoming) => {
          received.status = incoming.statusCode
          const chunks: Buffer[] = []
          let size = 0
          incoming.on('data', (chunk: Buffer) => {
            size += chunk.length
            if (size > largestAnswer) fail('platform', `answered more than ${largestAnswer / 1024 / 1024} MB`)
            else chunks.push(chunk)
          })
          incoming.on('end', () => {
            if (!incoming.complete) return
            const text = Buffer.concat(chunks).toString('utf8')
            const { statusCode: status = 0 } = incoming
            const isUnreadable = isDeep(text)
            // The status of a refusal says enough.
            if (isUnreadable && status < 400) return fail('platform', `answered ${DEEP_JSON}`)
            received.text = text.slice(0, 10 * MAX_EXCERPT)
            resolve({
              status,
              headers: Object.fromEntries(
                Object.entries(incoming.headers).map(([name, value]) => [
                  name,
                  Array.isArray(value) ? value.join('\n') : String(value),
                ]),
              ),
              body: isUnreadable ? DEEP_JSON : parse(text),
            })
          })
          incoming.on('close', () => {
            clearTimeout(timer)
            if (!incoming.complete) fail('platform', 'broke off in the middle of its response')
          })
        }),
      )
      const timer = setTimeout(() => fail('timeout', `did not respond within ${Math.round(timeout / 1000)} s`), timeout)
      outgoing.on('close', () => clearTimeout(timer))
      outgoing.on('error', (error) => fail('platform', `could not be reached: ${networkReason(error)}`, error))
      outgoing.end(request.body)
    })
  }

  #shaped<T>(response: HttpResponse, what: string, shape: z.$ZodType<T> | undefined): HttpResponse<T> {
    const parsed = shape && z.safeParse(shape, response.body)
    if (parsed === undefined) return response as HttpResponse<T>
    if (parsed.success) return { ...response, body: parsed.data }
    const [issue] = parsed.error.issues
    const failure = new Failure(
      'platform',
      `${this.#options.platform} answered ${what} with something else than expected (${issue?.path.join('.') || 'the response'} ${issue?.message}).`,
    )
    failure.afterWrite = this.#written
    throw failure
  }

  #failure(response: HttpResponse, what: string, { errorReason = this.#options.errorReason }: RequestOptions): Failure {
    const { platform, retryAfterUnit: unit } = this.#options
    const retryAfter = retryAfterSeconds(response.headers, Date.now(), unit)
    const said = redact(
      toPlainText((errorReason?.(response.body) ?? errorReasonIn(response.body)) || 'no reason given'),
    )
    const text = `${platform} answered ${response.status} to ${what}: ${said}`
    const limited = isRateLimited(response.status, response.headers, said)
    if (response.status >= 500 || response.status === 408 || limited) {
      return new Failure('platform', text, {
        retryAfter: retryAfter ?? (response.status === 403 ? untoldLimit : undefined),
      })
    }
    const credentials = response.status === 401 || this.#options.isCredentialsError?.(response.status, response.body)
    return new Failure(credentials ? 'credentials' : 'refused', text)
  }
}

/** What the platform sent back, as far as it came. */
interface Received {
  status?: number | undefined
  /** The start of the body; absent if the body did not come completely. */
  text?: string
}

/** A redirect that the caller of a request accepts is a success, too. */
function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 400
}

/** The name of a scheme before a credential, such as Bearer. `remember` itself knows what is in a basic authorization. */
const AUTHORIZATION_SCHEME = /^(?:(?:Bearer|Token|Api-?Key) (?:token=(?=[^\s,]+$))?|(?!Basic )[a-z][\w-]* +(?=\S+$))/i

/** What makes a URL a credential, wherever the platform repeats it. Shorter parts are words of its API. */
function rememberParts({ pathname, searchParams }: URL): void {
  for (const part of [pathname, ...pathname.split('/'), ...searchParams.values()]) {
    if (part.length >= shortestSecretPart) registerSecret(part)
  }
}

/** @throws Failure `misconfigured` where Node refuses a header: its words name it, and not its value */
function orUnsendable<T>(make: () => T): T {
  try {
    return make()
  } catch (cause) {
    throw new Failure('misconfigured', `The connection makes a request that can not be sent: ${messageOf(cause)}.`, {
      cause,
    })
  }
}

async function trust(ca: string): Promise<Agent> {
  try {
    return await agentWithCa(ca)
  } catch (cause) {
    throw new Failure('misconfigured', 'The "ca" of the connection is no certificate: write it as PEM.', { cause })
  }
}

/** One variable part of a path: whatever it holds, it stays one part. */
export function segment(value: string | number): string {
  const text = String(value)
  if (!text.isWellFormed()) throw new Failure('invalid', 'Half of a character can not be part of a path')
  // A URL parser resolves these even when they come from a value, and so would leave the path.
  // And what decodes a path before it does so finds them between encoded slashes, too.
  if (text === '' || text.split(/[\\/]/).some((part) => part === '.' || part === '..'))
    throw new Failure('invalid', `"${text}" can not be part of a path`)
  return encodeURIComponent(text)
}

/** Levels of JSON in an response. To parse more takes long, and what walks through it would exhaust the stack. */
const MAX_DEPTH = 200
const DEEP_JSON = `JSON of more than ${MAX_DEPTH} levels`

function isDeep(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]
    if (quoted) {
      if (sign === '\\') at++
      else if (sign === '"') quoted = false
    } else if (sign === '"') quoted = true
    else if (sign === '[' || sign === '{') {
      if (++depth > MAX_DEPTH) return true
    } else if (sign === ']' || sign === '}') depth--
  }
  return false
}

function parse(text: string): unknown {
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON: an HTML error page, or a bare number or word. The caller sees it as text.
    return text
  }
}
