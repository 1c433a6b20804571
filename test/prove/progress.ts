/** Interval of the lines without a terminal. */
const INTERVAL_MS = 10_000

/** Reports the progress of a run: rewrites one line in a terminal, else prints a line every ten seconds. */
export class Progress {
  readonly #start = Date.now()
  #last = 0
  #width = 0

  /** @param always prints a separate line */
  report(text: string, always = false): void {
    const seconds = Math.round((Date.now() - this.#start) / 1_000)
    const line = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}  ${text}`
    const { stderr } = process
    if (stderr.isTTY) {
      const fitting = line.slice(0, (stderr.columns ?? 80) - 1)
      stderr.write(`\r${fitting.padEnd(this.#width)}${always ? '\n' : ''}`)
      this.#width = always ? 0 : fitting.length
    } else if (always || Date.now() - this.#last >= INTERVAL_MS) {
      this.#last = Date.now()
      stderr.write(`${line}\n`)
    }
  }
}
