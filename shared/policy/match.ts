import { JMESPathError, search } from '@aws-lambda-powertools/jmespath'
import type { PolicyCall } from './call.ts'
import { isAnyOf, matchesAction, matchesConnection } from './names.ts'
import { comparableName } from './place-name.ts'
import type { Rule, When } from './policy.ts'

type Json = Parameters<typeof search>[1]

/** Returns the rules that a call matches. A condition that cannot be decided matches: rules only restrict. */
export function matchingRules(rules: readonly Rule[], call: PolicyCall): Rule[] {
  let plain: Json | undefined
  // Only few calls have rules on their input. JMESPath needs JSON.
  const input = () => (plain ??= JSON.parse(JSON.stringify(call.input)))
  const names = (call.actionNames ?? [call.action]).map((name) => `${call.category}/${name}`)
  return rules.filter(({ when }) => matches(when, call, names, input))
}

function matches(when: When, call: PolicyCall, names: readonly string[], input: () => Json): boolean {
  const { category, connection, caller, project, stage, service } = call
  return (
    matchesAction(when.actions, names, call.isFree) &&
    (when.effects === undefined || call.effect === undefined || when.effects.includes(call.effect)) &&
    matchesConnection(when.connections, category, connection) &&
    (when.callers === undefined || isAnyOf(when.callers, caller.name)) &&
    (when.agents === undefined || when.agents === caller.isAgent) &&
    matchesPlace(when.projects, project) &&
    matchesPlace(when.stages, stage) &&
    matchesPlace(when.services, service) &&
    (when.input === undefined || call.input === undefined || !isFalse(when.input, input()))
  )
}

function matchesPlace(patterns: readonly string[] | undefined, name = ''): boolean {
  const compared = comparableName(name)
  // The caller could avoid a rule by leaving out where it acts.
  return patterns === undefined || compared === '' || isAnyOf(patterns.map(comparableName), compared)
}

/** Whether an expression is exactly `false`. A missing field is `null`, and an expression that fails has no result. */
function isFalse(expression: string, input: Json): boolean {
  try {
    return search(expression, input) === false
  } catch (error) {
    if (error instanceof JMESPathError) return false
    throw error
  }
}
