import { randomUUID } from 'node:crypto'
import { isObject } from '../sandbox/http.ts'

const kinds = ['started', 'finished', 'invalidated']

/**
 * Returns why Keptn's API rejects an event, or undefined if it accepts it. These are the rules of strict
 * validation (protocol, "Sending events back"), which an installation can disable: an event that is accepted here is
 * accepted there.
 */
export function refusalOf(event: Record<string, unknown>): string | undefined {
  const { type, source, data, triggeredid } = event
  if (typeof type !== 'string' || type === '') return 'type in body is required'
  if (typeof source !== 'string' || source === '') return 'source in body is required'
  if (!isObject(data)) return 'data in body is required and must be an object'

  const parts = /^sh\.keptn\.event\.[^.]+\.(.+)$/.exec(type)
  if (!parts) return `unknown event type: ${type}`
  const kind = parts[1] ?? ''
  if (!kinds.includes(kind)) return `kind/action not allowed: ${kind}`

  const missing = ['project', 'stage', 'service'].filter((name) => !isFilled(data[name]))
  if (missing.length > 0) return `mandatory field(s) missing in data: ${missing.join(', ')}`
  if (!isFilled(triggeredid)) return 'mandatory field missing: triggeredid'
  if (kind === 'finished') {
    if (!isFilled(data.result)) return 'result field is not set'
    if (!isFilled(data.status)) return 'status field is not set'
  }
  return undefined
}

/**
 * Returns the context under which Keptn records an event. Keptn keeps a UUID, creates one if it is missing, and turns any
 * other text into a UUID with its first 16 bytes.
 */
export function keptnContextOf(given: unknown): string {
  if (!isFilled(given)) return randomUUID()
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(given)) return given
  const bytes = Buffer.alloc(16, ' ')
  bytes.set(Buffer.from(given, 'utf8').subarray(0, 16))
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
