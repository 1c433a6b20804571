/** The time that the code under test reads. */
export class Clock {
  readonly #now = Date.now

  advance(seconds: number): void {
    if (seconds === 0) return
    const later = this.#now() + seconds * 1_000
    Date.now = () => later
  }

  reset(): void {
    Date.now = this.#now
  }
}
