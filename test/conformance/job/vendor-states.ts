import type { Verdict } from '../../../shared/providers/job.ts'
import type { StateList } from '../../contract/state-list.ts'

type States = Partial<Record<Verdict, string[]>>

/** Words whose meaning needs no decision. Their spelling does not matter: `IN_PROGRESS` is `inProgress`. */
const PLAIN: Partial<Record<string, Verdict>> = {
  ...fromWords('pass', ['success', 'successful', 'succeeded', 'pass', 'passed', 'complete', 'completed', 'finished']),
  ...fromWords('warning', ['warning']),
  ...fromWords('fail', ['fail', 'failed', 'failure']),
  ...fromWords('errored', ['error', 'errored']),
  ...fromWords('aborted', ['abort', 'aborted', 'canceled', 'cancelled', 'stopped', 'halted']),
  ...fromWords('running', ['created', 'inprogress', 'notstarted', 'paused', 'pending', 'queued', 'scheduled']),
}

/**
 * Returns the states of a provider by their meaning. The list of the vendor decides which states there are, and the plain meaning
 * of its words what they are, so that a test cannot repeat a mistake of the provider without a decision.
 *
 * @param decisions states whose words are not plain, that mean something else here, or that the vendor does not list
 * @param others states of the list that no run has, with the reason
 */
export function vendorStates(
  { states: listed, source }: Pick<StateList, 'states' | 'source'>,
  decisions: States = {},
  others: Readonly<Record<string, string>> = {},
): States {
  const vendor = new Set(listed)
  const decided = new Map(entriesOf(decisions))
  const undecided = [...vendor].filter((state) => !decided.has(state) && !Object.hasOwn(others, state))
  const problems = [
    ...undecided.filter((state) => !plainMeaning(state)).map((state) => `${state} needs a decision.`),
    ...entriesOf(decisions)
      .filter(([state, verdict]) => vendor.has(state) && plainMeaning(state) === verdict)
      .map(([state, verdict]) => `${state} is ${verdict} without a decision.`),
    ...Object.keys(others)
      .filter((state) => !vendor.has(state) || decided.has(state))
      .map((state) => `${state} is decided, or is not in the list.`),
  ]
  if (problems.length > 0) throw new Error(`The states of ${source}: ${problems.join(' ')}`)
  const states = { ...decisions }
  for (const state of undecided) {
    const verdict = plainMeaning(state)
    if (verdict) states[verdict] = [...(states[verdict] ?? []), state]
  }
  return states
}

/** Returns the verdict of a word such as `FAILED`, or of the result in `completed/failed`. Undefined if it is not plain. */
function plainMeaning(state: string): Verdict | undefined {
  const word = state.replace(/^.*\//, '').replace(/[_ -]/g, '').toLowerCase()
  return PLAIN[word] ?? (word.endsWith('ing') ? 'running' : undefined)
}

function entriesOf(states: States): [state: string, verdict: Verdict][] {
  return Object.entries(states).flatMap(([verdict, names]) =>
    names.map((state): [string, Verdict] => [state, verdict as Verdict]),
  )
}

function fromWords(verdict: Verdict, words: string[]): Record<string, Verdict> {
  return Object.fromEntries(words.map((word) => [word, verdict]))
}
