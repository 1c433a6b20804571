import { setTimeout as sleep } from 'node:timers/promises'
import type { CallRecords, Entry } from './call-records.ts'
import type { RuntimeProcess } from './child.ts'
import type { Credentials } from './credentials.ts'

/** A request to run a task again. */
export interface Rerun {
  /** Undefined if there was no answer. */
  status: number | undefined
  /** The new task. */
  taskId?: string
}

/** More requests than one: the second one must change nothing. */
const REQUESTS = 2
const MAX_ATTEMPTS = 60
const TIMEOUT_MS = 10_000

/** Asks to run half of the ended tasks again, also some that have passed. */
export class Operator {
  readonly #runtime: RuntimeProcess
  readonly #credentials: Credentials
  readonly #callRecords: CallRecords
  #isEnded = false
  /** Number of tasks that are being run again. */
  pending = 0

  constructor(runtime: RuntimeProcess, credentials: Credentials, callRecords: CallRecords) {
    this.#runtime = runtime
    this.#credentials = credentials
    this.#callRecords = callRecords
  }

  /** Asks for the task of a call that has ended, if the call is one of those. */
  async handle(id: string): Promise<void> {
    const entry = this.#callRecords.entries.get(id)
    if (!entry?.accepted || !isCandidate(entry)) return
    this.pending += 1
    const reruns = Array.from({ length: REQUESTS }, () => this.#rerun(entry, entry.accepted?.taskId ?? ''))
    entry.reruns = await Promise.all(reruns)
    this.pending -= 1
  }

  end(): void {
    this.#isEnded = true
  }

  async #rerun({ call }: Entry, taskId: string): Promise<Rerun> {
    const [category] = call.action.split('/')
    for (let attempts = 0; attempts < MAX_ATTEMPTS && !this.#isEnded; attempts++) {
      await this.#runtime.up()
      try {
        const response = await fetch(`${this.#runtime.url}/v1/${category}/tasks/${taskId}/rerun`, {
          method: 'POST',
          headers: { authorization: `Bearer ${this.#credentials.caller}` },
          signal: AbortSignal.timeout(TIMEOUT_MS),
        })
        const text = await response.text()
        this.#callRecords.addResponse(`rerun of ${call.id}`, `${response.status} ${text}`)
        if (response.status === 202) return { status: 202, taskId: JSON.parse(text).taskId }
        // A new token is not known yet, the execution has not ended yet, people have stopped the action, or the worker has died.
        if (response.status !== 401 && response.status !== 409 && response.status < 500)
          return { status: response.status }
      } catch (error) {
        this.#callRecords.addResponse(`rerun of ${call.id}`, String(error))
      }
      await sleep(1_000)
    }
    return { status: undefined }
  }
}

/** People, windows and turns would decide about the new task, too: the checks of these look at one task for each call. */
function isCandidate({ call: { id, engine, agent, acts, restriction } }: Entry): boolean {
  const isFree = restriction === undefined || restriction.connection === 'stoppable'
  return acts && !engine && !agent && isFree && /^[0-7]/.test(id)
}
