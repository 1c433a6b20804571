import { log } from './log.ts'

/** Version, trace id, parent id and flags. Ids of zeros are not valid. */
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/

/** The trace of the current invocation: an execution environment handles one at a time. */
let current: string | undefined

/**
 * Adds a trace to the log lines and to the outgoing requests of this invocation, until it is set again. Ignores a value that is not
 * valid, as the specification requires.
 *
 * @param value the header `traceparent` of a request, or the attribute of a CloudEvent
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function setTraceparent(value: unknown): void {
  const [, traceId] = typeof value === 'string' ? (TRACEPARENT.exec(value) ?? []) : []
  current = traceId === undefined ? undefined : String(value)
  // Undefined removes the id of the previous invocation.
  log.appendKeys({ traceId })
}

/** Returns the id of the trace of this invocation. */
export function traceId(): string | undefined {
  return current?.split('-')[1]
}

/** Returns the `traceparent` of this invocation. */
export function traceparent(): string | undefined {
  return current
}
