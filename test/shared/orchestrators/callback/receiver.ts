import { type CloudEvent, HTTP } from 'cloudevents'
import { Webhook } from 'standardwebhooks'
import { type Call, type Reply, type Served, serve } from '../../../../infra/testing/loopback-server.ts'

/** A message that a receiver accepted. */
interface Accepted {
  id: string
  path: string
  body: Record<string, unknown>
}

/** A receiver that verifies signatures with the library of Standard Webhooks, and ignores a message that it has seen before. */
export interface Receiver extends Served {
  /** Messages in the order of their arrival, each once. */
  accepted: Accepted[]
  /** Ids of messages that it had seen before. */
  duplicates: string[]
  /** Signing keys that the receiver trusts. Empty: it does not verify. */
  keys: string[]
  /** Status of a successful response. */
  status: number
  reset(): void
}

export const SIGNING_KEY = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
export const OTHER_SIGNING_KEY = `whsec_${Buffer.from('another-key-of-thirty-two-bytes!').toString('base64')}`

export async function startReceiver(): Promise<Receiver> {
  const served = await serve((call) => accept(receiver, call))
  const defaults = () => ({ accepted: [], duplicates: [], keys: [SIGNING_KEY], status: 200 })
  const receiver: Receiver = {
    ...served,
    ...defaults(),
    reset() {
      Object.assign(receiver, defaults())
      receiver.calls.splice(0)
      receiver.recover()
    },
  }
  return receiver
}

function accept(receiver: Receiver, { method, encodedPath: path, headers, text }: Call): Reply {
  if (method !== 'POST' && method !== 'PUT') return { status: 405 }
  const isSigned = receiver.keys.some((key) => {
    try {
      new Webhook(key).verify(text, headersOf(headers))
      return true
    } catch {
      return false
    }
  })
  if (receiver.keys.length > 0 && !isSigned) return { status: 401, body: { message: 'invalid signature' } }
  const id = String(headers['webhook-id'] ?? '')
  if (id !== '' && receiver.accepted.some((message) => message.id === id)) receiver.duplicates.push(id)
  else receiver.accepted.push({ id, path, body: JSON.parse(text) })
  return { status: receiver.status }
}

/** Parses a request with the SDK of CloudEvents, which validates it. */
export function cloudEventOf({ headers, text }: Call): CloudEvent {
  const event = HTTP.toEvent({ headers: headersOf(headers), body: text })
  if (Array.isArray(event)) throw new Error('The request has a batch of events.')
  return event as CloudEvent
}

function headersOf(headers: Call['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}
