/** What went wrong, each with its HTTP status, and whether the same call may succeed later. */
export const failureKinds = {
  invalid: { status: 400, title: 'The call is not valid', transient: false },
  unauthenticated: { status: 401, title: 'Who are you?', transient: false },
  forbidden: { status: 403, title: 'You may not do this', transient: false },
  unknown: { status: 404, title: 'There is no such thing', transient: false },
  method: { status: 405, title: 'The method is not allowed', transient: false },
  limited: { status: 429, title: 'Too many requests', transient: false },
  running: { status: 409, title: 'The same call is still running', transient: false },
  large: { status: 413, title: 'The body is too large', transient: false },
  media: { status: 415, title: 'The content type is not understood', transient: false },
  refused: { status: 422, title: 'The platform refused', transient: false },
  /** The platform did not accept our credentials; the secret may have been rotated, so it is read anew and tried once more. */
  credentials: { status: 422, title: 'The platform refused our credentials', transient: false },
  /** A write without a usable answer that cannot be looked up, or is not found: a second one might do it twice. */
  doubtful: { status: 502, title: 'It is not known whether it was done', transient: false },
  platform: { status: 502, title: 'The platform failed', transient: true },
  unavailable: { status: 503, title: 'We could not take the call', transient: true },
  misconfigured: { status: 503, title: 'We are not configured for this', transient: false },
  timeout: { status: 504, title: 'The platform did not answer in time', transient: true },
  deadline: { status: 504, title: 'The deadline passed', transient: false },
} as const

export type FailureKind = keyof typeof failureKinds

/** One thing that is wrong with the input: where, and what to write instead. */
export interface FieldError {
  path: string
  message: string
}

interface FailureOptions {
  errors?: FieldError[]
  /** How long the platform asked us to stay away, in seconds. */
  retryAfter?: number | undefined
  headers?: Record<string, string>
  /** The platform says itself that it did nothing, although its response may look like a success. */
  nothingWritten?: boolean
  cause?: unknown
}

/**
 * The one error that functions throw on purpose. Anything else that is thrown is a bug and is reported as one.
 *
 * `message` is read by a person, in the HTTP answer or in the orchestrator's UI: one sentence that names the thing and what
 * to do; never a header, and of a body only the platform's reason, or the masked start of a response that cannot be used.
 */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly kind: FailureKind
  readonly errors: FieldError[] | undefined
  readonly retryAfter: number | undefined
  readonly headers: Record<string, string> | undefined
  /** Whether something may have been written at the platform before this happened. */
  afterWrite = false
  readonly nothingWritten: boolean

  constructor(kind: FailureKind, message: string, options: FailureOptions = {}) {
    super(message, { cause: options.cause })
    this.kind = kind
    this.errors = options.errors
    this.retryAfter = options.retryAfter
    this.headers = options.headers
    this.nothingWritten = options.nothingWritten ?? false
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

/** `true` for a failure that may go away by itself. */
export function isTransient(error: unknown): boolean {
  return error instanceof Failure && error.transient
}

/** What went wrong, for a log line; `internal` for a bug. */
export function kindOf(error: unknown): FailureKind | 'internal' {
  return error instanceof Failure ? error.kind : 'internal'
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** A text with a full stop, so that another sentence can follow. */
export function toSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

/**
 * Returns the error for one field of a call.
 *
 * @param path where the field is in the request: `input.title`, `data.stage`
 * @param message what is wrong and what to send instead, as the rest of a sentence that starts with the path
 * @example throw invalidInput('input.id', 'must be an incident id such as Q02JTSNZWHSEKV')
 */
export function invalidInput(path: string, message: string): Failure {
  return new Failure('invalid', `${path} ${message}`, { errors: [{ path, message }] })
}
