import { appendFileSync } from 'node:fs'
import type { Call } from './calls.ts'

/** What came of one delivery of a call. */
export interface Delivery {
  /** Milliseconds since 1970, by a clock that nobody steps. */
  at: number
  answeredAt: number
  /** Undefined where no answer came, or only one of the gateway, whose function had died. */
  status: number | undefined
  taskId?: string
  duplicate?: boolean
}

/** A call with all that came of it, as its caller saw it. */
export interface Entry {
  call: Call
  deliveries: Delivery[]
  /** When the first 202 came, and the task that it named. */
  accepted?: { at: number; taskId: string }
  /** When its finished was seen. */
  finishedAt?: number
}

/** What the prover has sent and was answered: the callers' side of the books. */
export class Ledger {
  readonly entries = new Map<string, Entry>()
  /** Those that were accepted, and of which no end was seen. */
  readonly open = new Set<Entry>()
  /** How many were accepted. */
  accepted = 0
  readonly #answers: string

  /** @param answers file of every answer, with its headers */
  constructor(answers: string) {
    this.#answers = answers
  }

  add(call: Call): Entry {
    const entry: Entry = { call, deliveries: [] }
    this.entries.set(call.id, entry)
    return entry
  }

  answered(entry: Entry, delivery: Delivery, text: string): void {
    entry.deliveries.push(delivery)
    appendFileSync(this.#answers, `${entry.call.id} ${delivery.status ?? 'no answer'} ${text}\n`)
    const { status, answeredAt: at, taskId } = delivery
    if (status !== 202 || taskId === undefined) return
    if (entry.accepted) return
    entry.accepted = { at, taskId }
    this.accepted += 1
    if (entry.finishedAt === undefined) this.open.add(entry)
  }

  ended(id: string): void {
    const entry = this.entries.get(id)
    if (!entry) return
    entry.finishedAt ??= Date.now()
    this.open.delete(entry)
  }

  /** Takes out what has ended, so that a long run does not keep it. */
  take(): Entry[] {
    const over = [...this.entries.values()].filter(({ call, deliveries, accepted, finishedAt }) => {
      return deliveries.length >= call.deliveries.length && (!accepted || finishedAt !== undefined)
    })
    for (const { call } of over) this.entries.delete(call.id)
    return over
  }

  /** Notes an answer that is no call's own. */
  told(what: string, text: string): void {
    appendFileSync(this.#answers, `${what} ${text}\n`)
  }

  deliveries(): Delivery[] {
    return [...this.entries.values()].flatMap(({ deliveries }) => deliveries)
  }
}
