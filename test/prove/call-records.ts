import { appendFileSync } from 'node:fs'
import type { Call } from './calls.ts'
import type { Rerun } from './operator.ts'

/** One delivery of a call. */
export interface Delivery {
  /** Epoch milliseconds of the true time. */
  at: number
  answeredAt: number
  /** Undefined without a response, or with a 502 of the gateway. */
  status: number | undefined
  taskId?: string
  duplicate?: boolean
}

/** A call with its responses, as its caller saw them. */
export interface Entry {
  call: Call
  deliveries: Delivery[]
  /** When the first 202 came, and the task that it named. */
  accepted?: { at: number; taskId: string }
  /** When its finished event was recorded, or its engine has ended the run. */
  finishedAt?: number
  /** The requests of operators to run its task again, with their responses. */
  reruns?: Rerun[]
  /** The verdict that an agent read at the end. */
  reported?: string
  /** The status of the task after the run, for calls of engines and agents. */
  status?: { state: string; verdict: string; unanswered?: string; outcome?: { message: string } }
}

/** The calls and their responses, as the callers saw them. */
export class CallRecords {
  readonly entries = new Map<string, Entry>()
  /** Accepted calls without a finished event. */
  readonly open = new Set<Entry>()
  /** Number of accepted calls. */
  accepted = 0
  readonly #answers: string

  /** @param answers the file for all responses with their headers */
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
    const isAccepted = status === 202 || (entry.call.engine !== undefined && status !== undefined && status < 300)
    if (!isAccepted || taskId === undefined || entry.accepted) return
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

  /** Removes and returns the completed calls, so that a long run does not store them. */
  take(): Entry[] {
    const over = [...this.entries.values()].filter(({ call, deliveries, accepted, finishedAt }) => {
      return deliveries.length >= call.deliveries.length && (!accepted || finishedAt !== undefined)
    })
    for (const { call } of over) this.entries.delete(call.id)
    return over
  }

  /** Records another response. */
  addResponse(what: string, text: string): void {
    appendFileSync(this.#answers, `${what} ${text}\n`)
  }

  deliveries(): Delivery[] {
    return [...this.entries.values()].flatMap(({ deliveries }) => deliveries)
  }
}
