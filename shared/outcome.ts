import { Failure, messageOf, toSentence } from './errors.ts'
import { toPlainText } from './text/plain-text.ts'

/** How a task ended, in Keptn's terms: could it be executed, and how did it turn out. */
export interface Outcome {
  status: 'succeeded' | 'errored' | 'aborted'
  result: 'pass' | 'warning' | 'fail'
  message: string
  /** Goes into `data.<task>` of every later event of the sequence: small, and only what later tasks need. */
  data: Record<string, unknown>
  /** Name -> URL, for people. */
  links: Record<string, string>
}

/** Done, and well. */
export function passed(message: string, data: Outcome['data'] = {}, links: Outcome['links'] = {}): Outcome {
  return { status: 'succeeded', result: 'pass', message, data, links }
}

/** Could not be done. A platform that refused or could not be reached is errored + fail: nothing ran that could pass. */
export function errored(error: unknown): Outcome {
  const message = error instanceof Failure ? error.message : `Internal error, please report it: ${messageOf(error)}`
  return { status: 'errored', result: 'fail', message, data: {}, links: {} }
}

/**
 * The outcome as it may leave: what a platform has put into its message controls no terminal and no direction of reading, and its links
 * are those that a browser opens as pages.
 */
export function sanitizeOutcome(outcome: Outcome): Outcome {
  const links = Object.entries(outcome.links).filter(([, url]) => /^https?:$/.test(URL.parse(url)?.protocol ?? ''))
  return { ...outcome, message: toPlainText(outcome.message), links: Object.fromEntries(links) }
}

/** The outcome with further sentences in its message. */
export function withNotes(outcome: Outcome, notes: readonly string[] = []): Outcome {
  return notes.length === 0 ? outcome : { ...outcome, message: [toSentence(outcome.message), ...notes].join(' ') }
}

/**
 * The outcome, with what ran where the orchestrator calls it otherwise.
 *
 * @param chosen what the orchestrator calls it
 * @param action what it is here
 */
export function withMappedName(outcome: Outcome, chosen: string | undefined, action: string): Outcome {
  if (chosen === undefined) return outcome
  const { message, data } = outcome
  return { ...outcome, message: `${chosen} (${action}): ${message}`, data: { ...data, action: chosen, ran: action } }
}
