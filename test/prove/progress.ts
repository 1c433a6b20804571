/** Every so often a plain line where nobody looks at a terminal, in milliseconds. */
const plainly = 10_000

/** Tells how far a run is: one line that is written anew at a terminal, a line every ten seconds elsewhere. */
export class Progress {
  readonly #began = Date.now()
  #last = 0
  #width = 0

  /** @param always it is worth a line of its own */
  report(text: string, always = false): void {
    const seconds = Math.round((Date.now() - this.#began) / 1_000)
    const line = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}  ${text}`
    const { stderr } = process
    if (stderr.isTTY) {
      const fitting = line.slice(0, (stderr.columns ?? 80) - 1)
      stderr.write(`\r${fitting.padEnd(this.#width)}${always ? '\n' : ''}`)
      this.#width = always ? 0 : fitting.length
    } else if (always || Date.now() - this.#last >= plainly) {
      this.#last = Date.now()
      stderr.write(`${line}\n`)
    }
  }
}
