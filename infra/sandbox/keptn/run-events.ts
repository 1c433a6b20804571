import { setTimeout as sleep } from 'node:timers/promises'
import { type EventLog, EventLogError } from './event-log.ts'
import type { KeptnEvent } from './events.ts'

interface RunEventsOptions {
  log: EventLog
  context: string
  retryMs: number
  /** How long to retry if the log does not respond. */
  patienceMs: number
  signal: AbortSignal
  warn(text: string): void
  /** Called once for each event of the run, including events of others. */
  onEvent(event: KeptnEvent, own: boolean): void
}

/** The events of one run. Sends events to the log and reads the events of others from it. */
export class RunEvents {
  readonly events: KeptnEvent[] = []
  private readonly options: RunEventsOptions
  private readonly seen = new Set<string>()
  private readonly own = new Set<string>()
  private wake: () => void = () => {}

  constructor(options: RunEventsOptions) {
    this.options = options
  }

  /** Records an event. Retries while the log does not respond. @throws EventLogError if the log rejects the event */
  async send(event: KeptnEvent): Promise<void> {
    this.own.add(event.id)
    await this.retry(() => this.options.log.record(event))
    this.add(event)
  }

  /** Reads new events from the log. */
  async refresh(): Promise<void> {
    const events = await this.retry(() => this.options.log.read(this.options.context))
    for (const event of events) this.add(event)
  }

  /** Waits until an event is added, or for the given time. */
  async waitForEvent(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.wake = resolve
    const timer = new AbortController()
    const signal = AbortSignal.any([timer.signal, this.options.signal])
    const timeout = sleep(milliseconds, undefined, { signal }).catch(() => this.options.signal.throwIfAborted())
    try {
      await Promise.race([promise, timeout])
    } finally {
      timer.abort()
    }
  }

  private add(event: KeptnEvent): void {
    if (this.seen.has(event.id)) return
    this.seen.add(event.id)
    this.events.push(event)
    this.options.onEvent(event, this.own.has(event.id))
    this.wake()
  }

  private async retry<T>(attempt: () => Promise<T>): Promise<T> {
    const { signal, retryMs, patienceMs, warn } = this.options
    const until = Date.now() + patienceMs
    for (let warned = false; ; warned = true) {
      try {
        return await attempt()
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof EventLogError && error.passing)) throw error
        if (Date.now() >= until) {
          throw new EventLogError(`${error.message} (gave up after ${patienceMs / 1_000} s)`, false, error)
        }
        if (!warned) warn(`${error.message}; retrying`)
        await sleep(retryMs, undefined, { signal })
      }
    }
  }
}
