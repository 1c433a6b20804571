import { toSentence } from '../errors.ts'
import { type Outcome, passed } from '../outcome.ts'
import { toPlainText } from '../text/plain-text.ts'
import type { Call } from './call.ts'

/** Returns the outcome of a call whose action does not run. */
export function skippedOutcome({ message, result, isWarning }: NonNullable<Call['skip']>): Outcome {
  return { ...passed(message), result: isWarning ? 'warning' : result }
}

/** Returns the outcome of a call as its caller sees it: with the orchestrator's name for the action, safe text and links, and notes. */
export function finalOutcome(outcome: Outcome, { mappedName, action, notes = [] }: Call): Outcome {
  const { message, data, links } = outcome
  const text = toPlainText(mappedName === undefined ? message : `${mappedName} (${action}): ${message}`)
  return {
    ...outcome,
    message: notes.length === 0 ? text : [toSentence(text), ...notes].join(' '),
    data: mappedName === undefined ? data : { ...data, action: mappedName, ran: action },
    links: Object.fromEntries(Object.entries(links).filter(([, url]) => isWebUrl(url))),
  }
}

function isWebUrl(url: string): boolean {
  return /^https?:$/.test(URL.parse(url)?.protocol ?? '')
}
