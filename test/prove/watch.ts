import { setTimeout as sleep } from 'node:timers/promises'
import type { SentNotification } from '../../infra/sandbox/platforms/sandbox/notifications/notifier.ts'
import type { CallRecords } from './call-records.ts'
import type { RuntimeProcess } from './child.ts'
import { type ForgedNotification, forgeEnd } from './forge.ts'
import { type ButtonMessage, idIn, type PlatformRecords } from './platform-records.ts'

/** Interval of the checks. */
const INTERVAL_MS = 200
/** Limit for a button press that the app does not accept. */
const MAX_ATTEMPTS = 30

/** Watches the records of the platforms during a run: records finished events, decides approvals, and forges notifications. */
export class Watch {
  readonly #records: PlatformRecords
  readonly #callRecords: CallRecords
  readonly #runtime: RuntimeProcess
  #ended = false
  /** Number of accepted button presses. */
  buttonPresses = 0
  /** Number of duplicate finished events. */
  doubled = 0
  readonly #finished = new Set<string>()
  #engineKey: string | undefined
  /** The responses to forged notifications. */
  readonly forged: ForgedNotification[] = []

  constructor(records: PlatformRecords, callRecords: CallRecords, runtime: RuntimeProcess) {
    this.#records = records
    this.#callRecords = callRecords
    this.#runtime = runtime
  }

  async run(): Promise<void> {
    let [event, message, notification] = [0, 0, 0]
    while (!this.#ended) {
      for (const { seq, type, triggeredid } of this.#records.events(event)) {
        event = seq
        if (!type.endsWith('.finished')) continue
        if (this.#finished.has(triggeredid)) this.doubled += 1
        this.#finished.add(triggeredid)
        this.#callRecords.ended(triggeredid)
      }
      for (const approval of this.#records.approvals(message)) {
        message = approval.seq
        void this.#decide(approval)
      }
      for (const started of this.#records.notifications(notification)) {
        notification = started.seq
        void this.#forge(started)
      }
      await sleep(INTERVAL_MS)
    }
  }

  /** @param engineKey with which the platforms authenticate their notifications */
  forgeWith(engineKey: string): void {
    this.#engineKey = engineKey
  }

  end(): void {
    this.#ended = true
  }

  /** Notifies the runtime of ends that are not true: of each second run with the right key, of every fourth one with a wrong one. */
  async #forge({ platform, run, event }: SentNotification): Promise<void> {
    if (this.#engineKey === undefined || !/requested|start/.test(event) || run % 4 > 2) return
    const key = run % 2 === 0 ? this.#engineKey : 'a-key-that-is-not-the-one-of-the-source'
    const response = await forgeEnd(platform, run, this.#runtime.url, key)
    if (response) this.forged.push(response)
  }

  async #decide({ ts, text }: ButtonMessage): Promise<void> {
    const decision = this.#callRecords.entries.get(idIn(text) ?? '')?.call.decision
    if (!decision) return
    await sleep(decision.after)
    const { action, user, twice } = decision
    const presses = [this.#pressButton(ts, action, user)]
    // Another person decides the opposite at the same time.
    if (twice)
      presses.push(this.#pressButton(ts, action === 'approve' ? 'reject' : 'approve', user === 'jane' ? 'ben' : 'jane'))
    await Promise.all(presses)
  }

  async #pressButton(ts: string, action: string, user: string): Promise<void> {
    for (let attempts = 0; attempts < MAX_ATTEMPTS && !this.#ended; attempts++) {
      await this.#runtime.up()
      try {
        const { status } = await fetch(`${this.#runtime.url}/sandbox/slack/click`, {
          method: 'POST',
          body: new URLSearchParams({ ts, action, user }),
          redirect: 'manual',
          signal: AbortSignal.timeout(10_000),
        })
        // 502 means that the app did not accept it, so the person attempts again. A closed approval has no buttons.
        if (status === 303) this.buttonPresses += 1
        if (status !== 502) return
      } catch (error) {
        if (!['TypeError', 'TimeoutError'].includes((error as Error).name)) throw error
      }
      await sleep(500)
    }
  }
}
