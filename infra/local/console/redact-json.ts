import { redact } from '../../../shared/redact.ts'
import { withoutKeys } from './inbound.ts'

/** Converts data for the page to JSON. Masks registered secrets and the keys of approval links. */
export function redactedJson(value: unknown): string {
  return JSON.stringify(value, (_name, field) => (typeof field === 'string' ? redact(withoutKeys(field)) : field))
}
