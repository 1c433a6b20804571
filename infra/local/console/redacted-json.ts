import { redact } from '../../../shared/redact.ts'
import { withoutKeys } from './inbound.ts'

/** The JSON of what the page gets: no known secret is in it, and no link that is a key. */
export function shownJson(value: unknown): string {
  return JSON.stringify(value, (_name, held) => (typeof held === 'string' ? redact(withoutKeys(held)) : held))
}
