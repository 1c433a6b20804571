/** The alert cannot be handled now. It is handled again later. */
export class RetryLater extends Error {
  /** Seconds. Undefined for a pause that grows. */
  readonly after: number | undefined

  constructor(message: string, after?: number) {
    super(message)
    this.after = after
  }
}

/** A call is not accepted, and the same call would not be accepted later. */
export class RefusedCall extends Error {}
