import { setTimeout as sleep } from 'node:timers/promises'
import type { Ledger } from './call-records.ts'
import type { RuntimeProcess } from './child.ts'
import { type Books, type ChatMessage, idIn } from './platform-records.ts'

/** How often the books are looked into, in milliseconds. */
const pause = 200
/** How often a click is tried where nobody takes it. */
const mostClicks = 30

/** Follows the books while a run goes on: notes what has ended, and clicks what is asked. */
export class Watch {
  readonly #books: Books
  readonly #ledger: Ledger
  readonly #runtime: RuntimeProcess
  #ended = false
  /** What people have clicked, and how many clicks were taken. */
  clicks = 0
  events = 0
  /** How many finished came for a trigger that had one already. */
  doubled = 0
  readonly #finished = new Set<string>()

  constructor(books: Books, ledger: Ledger, runtime: RuntimeProcess) {
    this.#books = books
    this.#ledger = ledger
    this.#runtime = runtime
  }

  async run(): Promise<void> {
    let [event, message] = [0, 0]
    while (!this.#ended) {
      for (const { seq, type, triggeredid } of this.#books.events(event)) {
        event = seq
        this.events += 1
        if (!type.endsWith('.finished')) continue
        if (this.#finished.has(triggeredid)) this.doubled += 1
        this.#finished.add(triggeredid)
        this.#ledger.ended(triggeredid)
      }
      for (const question of this.#books.questions(message)) {
        message = question.rowid
        void this.#decide(question)
      }
      await sleep(pause)
    }
  }

  end(): void {
    this.#ended = true
  }

  async #decide({ ts, text }: ChatMessage): Promise<void> {
    const click = this.#ledger.entries.get(idIn(text) ?? '')?.call.click
    if (!click) return
    await sleep(click.after)
    const { action, user, twice } = click
    const clicks = [this.#click(ts, action, user)]
    // Somebody else decides otherwise at the same moment.
    if (twice)
      clicks.push(this.#click(ts, action === 'approve' ? 'reject' : 'approve', user === 'jane' ? 'ben' : 'jane'))
    await Promise.all(clicks)
  }

  async #click(ts: string, action: string, user: string): Promise<void> {
    for (let tries = 0; tries < mostClicks && !this.#ended; tries++) {
      await this.#runtime.up()
      try {
        const { status } = await fetch(`${this.#runtime.url}/sandbox/slack/click`, {
          method: 'POST',
          body: new URLSearchParams({ ts, action, user }),
          redirect: 'manual',
          signal: AbortSignal.timeout(10_000),
        })
        // 502 is that the app did not take it: people click again. What is decided has no such button any more.
        if (status === 303) this.clicks += 1
        if (status !== 502) return
      } catch (error) {
        // By its name: within Jest, what fetch throws is of another realm, and an instance of no class here.
        if (!['TypeError', 'TimeoutError'].includes((error as Error).name)) throw error
      }
      await sleep(500)
    }
  }
}
