import { randomUUID } from 'node:crypto'
import { isObject } from '../sandbox/http.ts'

const kinds = ['started', 'finished', 'invalidated']

/**
 * Why Keptn's API would not take an event, in one sentence; undefined where it would. These are the rules of strict
 * validation (protocol, "Sending events back"), which an installation may have switched off: a receiver that passes
 * here passes there.
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
 * The context under which Keptn records an event. A caller's own UUID is kept, none gets a new one, and any other text
 * is turned into a UUID by its first 16 bytes, always the same for the same text.
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
