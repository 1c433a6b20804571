import { setTimeout as sleep } from 'node:timers/promises'
import type { RuntimeProcess } from './child.ts'

/** The members of the sandbox's Slack. */
export type User = 'jane' | 'ben'

/** A planned button press. */
export interface Press {
  user: User
  action: 'approve' | 'reject'
  /** Milliseconds after the person sees the message. */
  after: number
}

/** An attempt to press a button of a message. */
export interface SentPress extends Pick<Press, 'user' | 'action'> {
  /** The id of the message. */
  ts: string
  /** Epoch milliseconds of the true time. */
  sentAt: number
  answeredAt: number
  /** 303 if the app accepted it. Undefined without a response: the app may have accepted it. */
  status: number | undefined
}

/** Limit for a button press that the app does not accept. */
const MAX_ATTEMPTS = 30
const TIMEOUT_MS = 10_000

/** Presses buttons in the sandbox's Slack as people do, and records it. */
export class Presses {
  readonly #runtime: RuntimeProcess
  #ended = false
  readonly sent: SentPress[] = []

  constructor(runtime: RuntimeProcess) {
    this.#runtime = runtime
  }

  /** Number of accepted button presses. */
  get accepted(): number {
    return this.sent.filter(({ status }) => status === 303).length
  }

  end(): void {
    this.#ended = true
  }

  async press(ts: string, { user, action, after }: Press): Promise<void> {
    await sleep(after)
    for (let attempts = 0; attempts < MAX_ATTEMPTS && !this.#ended; attempts++) {
      await this.#runtime.up()
      const sentAt = Date.now()
      const status = await this.#send({ ts, user, action })
      this.sent.push({ ts, user, action, sentAt, answeredAt: Date.now(), status })
      // 502 means that the app did not accept it, so the person attempts again. A closed approval has no buttons.
      if (status !== undefined && status !== 502) return
      await sleep(500)
    }
  }

  async #send(fields: { ts: string; user: string; action: string }): Promise<number | undefined> {
    try {
      const { status } = await fetch(`${this.#runtime.url}/sandbox/slack/click`, {
        method: 'POST',
        body: new URLSearchParams(fields),
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      return status
    } catch (error) {
      if (!['TypeError', 'TimeoutError'].includes((error as Error).name)) throw error
      return undefined
    }
  }
}
