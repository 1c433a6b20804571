import { setTimeout as sleep } from 'node:timers/promises'
import type { CallRecords, Delivery, Entry } from './call-records.ts'
import type { Call } from './calls.ts'
import type { RuntimeProcess } from './child.ts'
import type { Credentials } from './credentials.ts'

/** Longer than a webhook may take, in milliseconds. */
const patience = 40_000
/** How often a delivery that got no answer is sent again. */
const MAX_ATTEMPTS = 20

/** Sends calls as Keptn's webhook-service does. Unlike it, repeats a call without a response. */
export function createCaller(runtime: RuntimeProcess, credentials: Credentials, callRecords: CallRecords) {
  const deliver = async (entry: Entry): Promise<Delivery> => {
    const { action, query, body, forged } = entry.call
    const at = Date.now()
    const token = forged ? 'an-unknown-token' : credentials.caller
    let delivery: Delivery
    let text = ''
    try {
      const response = await fetch(`${runtime.url}/v1/${action}?${query}`, {
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
    callRecords.answered(entry, delivery, text)
    return delivery
  }
  const deliverAfter = async (ms: number, entry: Entry): Promise<void> => {
    await sleep(ms)
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
      await runtime.up()
      if ((await deliver(entry)).status !== undefined) return
      await sleep(200)
    }
  }
  return {
    /**
     * Sends a call as often as it is planned.
     *
     * @returns promises for the response to the first delivery and for all responses
     */
    send(call: Call): { first: Promise<void>; all: Promise<unknown> } {
      const entry = callRecords.add(call)
      const deliveries = call.deliveries.map((after) => deliverAfter(after, entry))
      return { first: deliveries[0] ?? Promise.resolve(), all: Promise.all(deliveries) }
    },
  }
}

function meaning({ status }: Response, text: string): Pick<Delivery, 'status' | 'taskId' | 'duplicate'> {
  // API Gateway returns this if a function crashes; our functions never do.
  if (status === 502 && text.includes('"message":"Internal server error"')) return { status: undefined }
  if (status !== 202) return { status }
  const { taskId, duplicate } = JSON.parse(text.slice(text.indexOf('} {') + 2)) as {
    taskId: string
    duplicate: boolean
  }
  return { status, taskId, duplicate }
}
