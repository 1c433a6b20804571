import { isDeepStrictEqual } from 'node:util'
import { effectOf } from '../providers/action.ts'
import { isRecord } from '../record.ts'
import type { Call } from './call.ts'
import type { ResolvedCall } from './webhook/resolve.ts'

type PolicyFacts = NonNullable<Call['policyFacts']>

/** Returns the facts of a call for the policy of a later time, even if there is none today. */
export function policyFactsOf(
  { action, caller, connection, input }: Pick<ResolvedCall, 'action' | 'caller' | 'connection' | 'input'>,
  completed: unknown,
): PolicyFacts {
  return {
    isAgent: caller.agent === true,
    effect: effectOf(action, connection.provider),
    sentInput: differenceOf(completed, input),
  }
}

/**
 * Returns the input as rules of the policy see it: they use the names that callers send.
 *
 * @param completed with the names that the contract of the provider uses
 * @param sent its differences
 */
export function ruleInputOf(completed: unknown, sent: object = {}): Record<string, unknown> {
  return { ...(isRecord(completed) ? completed : {}), ...sent }
}

/** Undefined if there is none: payloads stay small. */
function differenceOf(completed: unknown, sent: object): PolicyFacts['sentInput'] {
  const known = isRecord(completed) ? completed : {}
  const different = Object.entries(sent).filter(([name, value]) => !isDeepStrictEqual(known[name], value))
  return different.length > 0 ? Object.fromEntries(different) : undefined
}
