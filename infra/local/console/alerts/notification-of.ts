import type { IncomingMessage } from 'node:http'
import { isRecord } from '../../../../shared/record.ts'
import { maskHeaders } from '../inbound.ts'
import type { StoredNotification } from './notification-store.ts'

/**
 * Converts the request of a sender that was verified. Masks its credentials and registered secrets.
 *
 * @returns undefined if its body is not a JSON object
 */
export function notificationOf(
  source: string,
  req: IncomingMessage,
  body: Buffer,
): Omit<StoredNotification, 'id'> | undefined {
  const { headers, mask } = maskHeaders(req.headers)
  try {
    const parsed: unknown = JSON.parse(mask(body.toString('utf8')))
    return isRecord(parsed) ? { source, at: Date.now(), headers, body: JSON.stringify(parsed) } : undefined
  } catch {
    return undefined
  }
}
