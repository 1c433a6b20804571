import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery, Entry, Ledger } from './call-records.ts'
import type { Call } from './calls.ts'
import type { RuntimeProcess } from './child.ts'
import type { Credentials } from './credentials.ts'

/** Longer than a webhook may take, in milliseconds. */
const patience = 40_000
/** How often a delivery that got no answer is sent again. */
const mostTries = 20

/** The part of Keptn's webhook-service that calls us, but for one thing: what gets no answer it sends again. */
export class Caller {
  readonly #runtime: RuntimeProcess
  readonly #credentials: Credentials
  readonly #ledger: Ledger

  constructor(runtime: RuntimeProcess, credentials: Credentials, ledger: Ledger) {
    this.#runtime = runtime
    this.#credentials = credentials
    this.#ledger = ledger
  }

  /**
   * Sends a call as often as it is planned.
   *
   * @returns what settles when its first delivery has its answer, and when each has
   */
  send(call: Call): { first: Promise<void>; all: Promise<unknown> } {
    const entry = this.#ledger.add(call)
    const deliveries = call.deliveries.map((after) => this.#deliverAfter(after, entry))
    return { first: deliveries[0] ?? Promise.resolve(), all: Promise.all(deliveries) }
  }

  async #deliverAfter(ms: number, entry: Entry): Promise<void> {
    await sleep(ms)
    for (let tries = 0; tries < mostTries; tries++) {
      await this.#runtime.up()
      if ((await this.#deliver(entry)).status !== undefined) return
      await sleep(200)
    }
  }

  async #deliver(entry: Entry): Promise<Delivery> {
    const { action, query, body, forged } = entry.call
    const at = Date.now()
    const token = forged ? 'nobody-has-this-token' : this.#credentials.caller
    let delivery: Delivery
    let text = ''
    try {
      const response = await fetch(`${this.#runtime.url}/v1/${action}?${query}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(patience),
      })
      text = `${JSON.stringify(Object.fromEntries(response.headers))} ${await response.text()}`
      delivery = { at, answeredAt: Date.now(), ...meaning(response, text) }
    } catch (error) {
      text = String(error)
      delivery = { at, answeredAt: Date.now(), status: undefined }
    }
    this.#ledger.answered(entry, delivery, text)
    return delivery
  }
}

function meaning({ status }: Response, text: string): Pick<Delivery, 'status' | 'taskId' | 'duplicate'> {
  // API Gateway says this of a function that died; ours says it of nothing.
  if (status === 502 && text.includes('"message":"Internal server error"')) return { status: undefined }
  if (status !== 202) return { status }
  const { taskId, duplicate } = JSON.parse(text.slice(text.indexOf('} {') + 2)) as {
    taskId: string
    duplicate: boolean
  }
  return { status, taskId, duplicate }
}
