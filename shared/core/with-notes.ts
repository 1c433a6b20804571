import { toSentence } from '../errors.ts'
import type { Outcome } from '../outcome.ts'
import type { Client } from '../providers/provider.ts'

/** Adds the notes of the provider to the message of the outcome. */
export function withNotes<R extends { outcome: Outcome }>(result: R, { notes }: Client): R {
  if (notes.size === 0) return result
  const message = [toSentence(result.outcome.message), ...notes].join(' ')
  return { ...result, outcome: { ...result.outcome, message } }
}
