import type * as z from 'zod/v4/core'
import type { HttpResponse, SentRequest } from './exchange.ts'

/** Options of one request. */
export interface RequestOptions<T = unknown> {
  /** The schema of the response. A response that does not match is the platform's fault and is retried. */
  schema?: z.$ZodType<T>
  query?: Record<string, string | number | boolean | undefined>
  headers?: Record<string, string>
  /** Sent as JSON. A string is sent unchanged, with the content type from `headers`. */
  body?: unknown
  /** Statuses from 300 that are results, not failures, such as 404 for a lookup. An accepted redirect is not followed. */
  accept?: readonly number[]
  /**
   * Whether the request only reads. It may then be repeated, and sent in a dry run and after the deadline. Defaults to true
   * for GET and HEAD.
   */
  isRead?: boolean
  /** Whether a read without a schema may return a web page. By default, it is unexpected: login pages and proxies answer 200, too. */
  acceptsPages?: boolean
  /** Overrides `errorStatus` of `HttpOptions`. */
  errorStatus?: (body: unknown) => number | undefined
  /** Overrides `errorReason` of `HttpOptions`. */
  errorReason?: (body: unknown) => string | undefined
  /**
   * The name of a URL that is itself a credential, such as `the webhook`. Messages then contain only this name and the
   * host, and redirects are not followed.
   */
  urlAlias?: string
}

/** Settings of an HTTP client for one platform. */
export interface HttpOptions {
  /** The platform's name in messages: `GitHub`. */
  platform: string
  baseUrl: string
  headers?: Record<string, string>
  /** PEM of a certificate authority to trust in addition to the public ones. */
  ca?: string | undefined
  /** Epoch milliseconds after which nothing is written. */
  deadlineAt?: number | undefined
  /**
   * Called with each write before it is sent, for dry runs. If it throws or returns a response, the write is not sent and
   * that response is used.
   */
  intercept?: (request: SentRequest) => HttpResponse | undefined
  /**
   * Called directly before each write is sent. Throws to hold it back.
   *
   * @param mayHaveWritten whether this client has sent a write before that was not refused
   */
  beforeWrite?: (mayHaveWritten: boolean) => Promise<void>
  /** Whether a refusal other than 401 means that the credentials are wrong. */
  isCredentialsError?: (status: number, body: unknown) => boolean
  /** Returns the platform's reason for a refusal, if it is in an unusual place. */
  errorReason?: (body: unknown) => string | undefined
  /** Returns the status to assume, for platforms that report errors in a successful response, or all with the status 400. */
  errorStatus?: (body: unknown) => number | undefined
  /** The unit of the Retry-After header. Defaults to seconds. */
  retryAfterUnit?: 'milliseconds' | undefined
  authorization?: Authorization | undefined
}

/** How a token is requested. */
export type SignInOptions = Pick<HttpOptions, 'ca' | 'deadlineAt'>

/** Authentication that needs more than fixed headers. */
export interface Authorization {
  /**
   * Returns the headers that authenticate a request: a fetched token, or a signature.
   *
   * @param deadlineAt until when to wait for a token, in epoch milliseconds
   * @throws Failure
   */
  headers(request: SentRequest, deadlineAt?: number): Promise<Record<string, string>>
  /** Discards cached credentials, because the platform did not accept them. */
  invalidate?(): void
}
