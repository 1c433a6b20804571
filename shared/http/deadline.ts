import { Failure } from '../errors.ts'

const MAX_REQUEST_MS = 15_000
/** A read may still take this long if the deadline is near or past. */
const MIN_REQUEST_MS = 1_000

/** Returns how long one request to a platform may take, in milliseconds. */
export function requestTimeoutMs(deadlineAt: number): number {
  return Math.max(MIN_REQUEST_MS, Math.min(MAX_REQUEST_MS, deadlineAt - Date.now()))
}

/**
 * Refuses a write after the deadline.
 *
 * @param operation for messages: `POST /runs`
 * @throws Failure `deadline`
 */
export function checkDeadline(platform: string, operation: string, deadlineAt: number): void {
  if (Date.now() < deadlineAt) return
  throw new Failure('deadline', `The deadline passed before ${operation} was sent to ${platform}. Nothing was sent.`)
}
