/**
 * Tracks whether a client may have changed something at its platform. Counts writes instead of remembering the last one,
 * so that parallel writes do not hide each other.
 */
export class WriteTracker {
  /** Writes that were sent and not refused. */
  #writes = 0
  #acceptedResponse: (() => string) | undefined

  /** Whether a write was sent that the platform has not refused: it succeeded, or may have. */
  get mayHaveWritten(): boolean {
    return this.#writes > 0
  }

  /**
   * The start of the response to the last write, redacted, if it was accepted and no request has failed since. An error
   * that is thrown now is about the response: the write itself succeeded.
   */
  get acceptedResponse(): string | undefined {
    return this.#acceptedResponse?.()
  }

  /** Records a write. Call it before the request is sent. */
  sent(): void {
    this.#writes++
  }

  /** Records that the last write was refused, or never left this process. */
  refused(): void {
    this.#writes--
  }

  /** @param describe returns the response for messages; called only when needed */
  accepted(describe: () => string): void {
    this.#acceptedResponse = describe
  }

  /** Records that a request failed. */
  failed(): void {
    this.#acceptedResponse = undefined
  }
}
