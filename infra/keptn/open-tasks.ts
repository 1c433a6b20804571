import { setTimeout as wait } from 'node:timers/promises'
import { type EventLog, EventLogError } from './event-log.ts'
import type { KeptnEvent } from './events.ts'

interface LedgerOptions {
  log: EventLog
  context: string
  retryMs: number
  /** How long a log is waited for that does not answer. */
  patienceMs: number
  signal: AbortSignal
  warn(text: string): void
  /** Called once for each event of the run, whoever sent it. */
  onEvent(event: KeptnEvent, own: boolean): void
}

/** The events of one run: what is sent goes into the log, what others sent comes out of it. */
export class Ledger {
  readonly events: KeptnEvent[] = []
  private readonly options: LedgerOptions
  private readonly seen = new Set<string>()
  private readonly own = new Set<string>()
  private wake: () => void = () => {}

  constructor(options: LedgerOptions) {
    this.options = options
  }

  /** Records an event. Waits for a log that does not answer for the moment; throws EventLogError if it refuses. */
  async send(event: KeptnEvent): Promise<void> {
    this.own.add(event.id)
    await this.insist(() => this.options.log.record(event))
    this.take(event)
  }

  /** Takes over what has come into the log. */
  async refresh(): Promise<void> {
    const events = await this.insist(() => this.options.log.read(this.options.context))
    for (const event of events) this.take(event)
  }

  /** Waits until an event is taken, or so long. */
  async news(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.wake = resolve
    const timer = new AbortController()
    const signal = AbortSignal.any([timer.signal, this.options.signal])
    const late = wait(milliseconds, undefined, { signal }).catch(() => this.options.signal.throwIfAborted())
    try {
      await Promise.race([promise, late])
    } finally {
      timer.abort()
    }
  }

  private take(event: KeptnEvent): void {
    if (this.seen.has(event.id)) return
    this.seen.add(event.id)
    this.events.push(event)
    this.options.onEvent(event, this.own.has(event.id))
    this.wake()
  }

  private async insist<T>(attempt: () => Promise<T>): Promise<T> {
    const { signal, retryMs, patienceMs, warn } = this.options
    const until = Date.now() + patienceMs
    for (let warned = false; ; warned = true) {
      try {
        return await attempt()
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof EventLogError && error.passing)) throw error
        if (Date.now() >= until) {
          throw new EventLogError(`${error.message}, for ${patienceMs / 1_000} s: gave up`, false, error)
        }
        if (!warned) warn(`${error.message}; trying again`)
        await wait(retryMs, undefined, { signal })
      }
    }
  }
}
