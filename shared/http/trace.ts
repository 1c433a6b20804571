import { channel } from 'node:diagnostics_channel'
import type { HttpResponse, SentRequest } from './exchange.ts'

/** One event of a call to a platform. Nothing in it is masked. */
export type TraceEvent =
  /** A request of a connection is about to be made: `open`. */
  | { kind: 'request'; name: string }
  /** A request was sent, and answered or not. */
  | { kind: 'exchange'; request: SentRequest; response?: HttpResponse; error?: unknown }
  /** An expression of a connection was evaluated; `found` is undefined if it found nothing. */
  | { kind: 'expression'; where: string; text: string; names: object; found?: unknown; problem?: string }

const events = channel('cloud-automation-webhooks')

/** Publishes an event for `webhooks check --try`. Functions have no subscriber. */
export function trace(event: TraceEvent): void {
  if (events.hasSubscribers) events.publish(event)
}

/**
 * Calls a listener for each event until the returned function is called. A listener must not throw.
 *
 * @returns stops it
 */
export function listen(listener: (event: TraceEvent) => void): () => void {
  const subscriber = (event: unknown) => listener(event as TraceEvent)
  events.subscribe(subscriber)
  return () => void events.unsubscribe(subscriber)
}
