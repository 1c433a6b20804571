import { setTimeout as sleep } from 'node:timers/promises'
import type { SentNotification } from '../../infra/sandbox/platforms/sandbox/notifications/notifier.ts'
import type { CallRecords } from './call-records.ts'
import type { RuntimeProcess } from './child.ts'
import { type ForgedNotification, forgeEnd } from './forge.ts'
import type { Operator } from './operator.ts'
import type { ButtonMessage, PlatformRecords } from './platform-records.ts'
import { Presses } from './presses.ts'

/** Interval of the checks. */
const INTERVAL_MS = 200

/** Watches the records of the platforms during a run: records finished events, runs tasks again, decides approvals, and
 * forges notifications. */
export class Watch {
  readonly #records: PlatformRecords
  readonly #callRecords: CallRecords
  readonly #runtime: RuntimeProcess
  readonly #operator: Operator
  #ended = false
  readonly presses: Presses
  /** Number of duplicate finished events. */
  doubled = 0
  readonly #finished = new Set<string>()
  #engineKey: string | undefined
  /** The responses to forged notifications. */
  readonly forged: ForgedNotification[] = []

  constructor(records: PlatformRecords, callRecords: CallRecords, runtime: RuntimeProcess, operator: Operator) {
    this.#records = records
    this.#callRecords = callRecords
    this.#runtime = runtime
    this.#operator = operator
    this.presses = new Presses(runtime)
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
        void this.#operator.handle(triggeredid)
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
    this.presses.end()
  }

  /** Notifies the runtime of ends that are not true: of each second run with the right key, of every fourth one with a wrong one. */
  async #forge({ platform, run, event }: SentNotification): Promise<void> {
    if (this.#engineKey === undefined || !/requested|start/.test(event) || run % 4 > 2) return
    const key = run % 2 === 0 ? this.#engineKey : 'a-key-that-is-not-the-one-of-the-source'
    const response = await forgeEnd(platform, run, this.#runtime.url, key)
    if (response) this.forged.push(response)
  }

  async #decide({ ts, ids }: ButtonMessage): Promise<void> {
    const { presses = [] } = ids.map((id) => this.#callRecords.entries.get(id)?.call).find(Boolean) ?? {}
    await Promise.all(presses.map((press) => this.presses.press(ts, press)))
  }
}
