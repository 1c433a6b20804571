/** The kinds of failures: HTTP status, title, and whether the same call may succeed later. */
export const failureKinds = {
  invalid: { status: 400, title: 'Invalid request', transient: false },
  unauthenticated: { status: 401, title: 'Unauthorized', transient: false },
  forbidden: { status: 403, title: 'Forbidden', transient: false },
  unknown: { status: 404, title: 'Not found', transient: false },
  method: { status: 405, title: 'Method not allowed', transient: false },
  limited: { status: 429, title: 'Too many requests', transient: false },
  running: { status: 409, title: 'Already running', transient: false },
  large: { status: 413, title: 'Content too large', transient: false },
  media: { status: 415, title: 'Unsupported media type', transient: false },
  refused: { status: 422, title: 'Refused by the platform', transient: false },
  /** A rule of the policy allows it at another time, or in another way. */
  closed: { status: 422, title: 'Not allowed now', transient: false },
  /** People have stopped it. It is accepted again when they lift the stop. */
  stopped: { status: 503, title: 'Stopped', transient: false },
  /** The secret may have been changed, so it is read again and the call is retried once. */
  credentials: { status: 422, title: 'Credentials refused by the platform', transient: false },
  /** A write without a usable response, whose effect was not found. It is not sent again. */
  unconfirmed: { status: 502, title: 'Outcome unknown', transient: false },
  platform: { status: 502, title: 'Platform error', transient: true },
  unavailable: { status: 503, title: 'Service unavailable', transient: true },
  misconfigured: { status: 503, title: 'Not configured', transient: false },
  timeout: { status: 504, title: 'Platform timeout', transient: true },
  deadline: { status: 504, title: 'Deadline exceeded', transient: false },
} as const

/** The kind of a failure. It determines the status of the problem response. */
export type FailureKind = keyof typeof failureKinds
