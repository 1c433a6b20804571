import { type FailureKind, failureKinds } from './failure-kinds.ts'

export type { FailureKind } from './failure-kinds.ts'

/** An error of one field of the request. */
export interface FieldError {
  path: string
  message: string
}

interface FailureOptions {
  errors?: FieldError[]
  /** Seconds until the next attempt, as the platform requested. */
  retryAfter?: number | undefined
  headers?: Record<string, string>
  /** The platform reports that it did nothing, although the status of its response may be a success. */
  nothingWritten?: boolean
  /** Something may have been written at the platform before this happened. */
  mayHaveWritten?: boolean | undefined
  /** The platform's response, for code that decides by it. Never serialized. */
  response?: FailedResponse | undefined
  cause?: unknown
}

interface FailedResponse {
  status: number
  /** Parsed JSON, or text. */
  body: unknown
}

/**
 * An expected error. Every other error is a bug, and is reported as one.
 *
 * People read `message` in the HTTP response or in the orchestrator: it says what is wrong and what to do. It never contains
 * headers. Of a body it contains only the platform's reason, or the masked start of a response that is not usable.
 */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly kind: FailureKind
  readonly errors: FieldError[] | undefined
  readonly retryAfter: number | undefined
  readonly headers: Record<string, string> | undefined
  /** The platform may have written something before this failure. */
  readonly mayHaveWritten: boolean
  readonly nothingWritten: boolean
  /** Private, so that it never gets into JSON. */
  readonly #options: FailureOptions

  constructor(kind: FailureKind, message: string, options: FailureOptions = {}) {
    super(message, { cause: options.cause })
    this.kind = kind
    this.errors = options.errors
    this.retryAfter = options.retryAfter
    this.headers = options.headers
    this.nothingWritten = options.nothingWritten ?? false
    this.mayHaveWritten = options.mayHaveWritten ?? false
    this.#options = options
  }

  /** The platform's response. Not available after a step, because it is never serialized. */
  get response(): FailedResponse | undefined {
    return this.#options.response
  }

  /** Returns the failure with another `mayHaveWritten`. */
  withMayHaveWritten(mayHaveWritten: boolean): Failure {
    if (mayHaveWritten === this.mayHaveWritten) return this
    const failure = new Failure(this.kind, this.message, { ...this.#options, mayHaveWritten })
    failure.stack = this.stack
    return failure
  }

  get status(): number {
    return failureKinds[this.kind].status
  }

  get title(): string {
    return failureKinds[this.kind].title
  }

  /** Whether the same call may succeed later. */
  get transient(): boolean {
    return failureKinds[this.kind].transient
  }
}

/** Whether the same call may succeed later. */
export function isTransient(error: unknown): boolean {
  return error instanceof Failure && error.transient
}

/** Returns the kind of an error for a log line: `internal` for a bug. */
export function kindOf(error: unknown): FailureKind | 'internal' {
  return error instanceof Failure ? error.kind : 'internal'
}

/** Returns the message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Adds a full stop, so that another sentence can follow. */
export function toSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

/**
 * Returns the error for what the platform, or the connection, does not accept. The call ends with it: it is not repeated.
 *
 * @param message the reason, and the remedy
 * @example throw refused(`Linear has no team with the key ${key}. Check the key and the teams of the token.`)
 */
export function refused(message: string, options: RefusalOptions = {}): Failure {
  return new Failure('refused', message, options)
}

type RefusalOptions = Pick<FailureOptions, 'errors' | 'nothingWritten' | 'response' | 'cause'>

/**
 * Returns the error for a platform that is busy or not ready, or whose response is not usable. The call is repeated until its
 * deadline. If an earlier attempt may have written something, it is looked up first, and the call ends if it cannot be looked up.
 *
 * @param options.after seconds until the next attempt, if the platform says so
 * @example throw retryLater(`Another test is running (${state}).`, { after: 10 })
 */
export function retryLater(message: string, { after, ...options }: RetryOptions = {}): Failure {
  return new Failure('platform', message, { ...options, retryAfter: after })
}

interface RetryOptions extends Pick<FailureOptions, 'nothingWritten' | 'mayHaveWritten' | 'response' | 'cause'> {
  after?: number | undefined
}

/**
 * Returns the error for what this deployment cannot do now, for example because its table does not respond. The call may be
 * sent again. For a platform, use `retryLater`.
 *
 * @param options.after seconds until the next attempt
 */
export function serviceUnavailable(
  message: string,
  { after, cause }: Pick<RetryOptions, 'after' | 'cause'> = {},
): Failure {
  return new Failure('unavailable', message, { retryAfter: after, cause })
}

/**
 * Returns the error for a request that may have written something that cannot be found. The call ends with it, so that nothing
 * is written twice.
 *
 * @param message the unknown effect, and where to look for it before the call is repeated
 * @example throw outcomeUnknown(`Acme accepted the start but returned no run. Check Acme before you repeat the call.`)
 */
export function outcomeUnknown(message: string, options: Pick<FailureOptions, 'cause'> = {}): Failure {
  return new Failure('unconfirmed', message, options)
}

/**
 * Returns the error for one field of a call.
 *
 * @param path of the field in the request: `input.title`, `data.stage`
 * @param message the rest of a sentence that starts with the path: the error, and the value to send instead
 * @example throw invalidInput('input.id', 'must be an incident id such as Q02JTSNZWHSEKV')
 */
export function invalidInput(path: string, message: string): Failure {
  return new Failure('invalid', `${path} ${message}`, { errors: [{ path, message }] })
}

/** Returns the error for several fields of a call. Each message continues the path, as in `invalidInput`. */
export function invalidFields(errors: FieldError[]): Failure {
  return new Failure('invalid', errors.map(({ path, message }) => `${path} ${message}`).join('. '), { errors })
}

/**
 * Returns the error for a field that is valid, but that the connection or the platform does not allow.
 *
 * @param path of the field in the request: `input.target`
 * @param message the rest of a sentence that starts with the path: the error, and what allows the value
 * @example throw refusedInput('input.target', `is not in targets of the connection: ${targets.join(', ')}`)
 */
export function refusedInput(path: string, message: string): Failure {
  return refused(`${path} ${message}`, { errors: [{ path, message }] })
}

/** Returns the advice after an unknown outcome. */
export function checkFirst(title: string): string {
  return `Check ${title} before you repeat the call.`
}
