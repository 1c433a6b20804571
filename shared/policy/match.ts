import { JMESPathError, search } from '@aws-lambda-powertools/jmespath'
import type { PolicyCall } from './call.ts'
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
    (when.connections === undefined ||
      isAnyOf(when.connections, connection) ||
      isAnyOf(when.connections, `${category}/${connection}`)) &&
    (when.callers === undefined || isAnyOf(when.callers, caller.name)) &&
    (when.agents === undefined || when.agents === caller.isAgent) &&
    // The caller could avoid a rule by leaving out where it acts.
    (when.projects === undefined || project === undefined || isAnyOf(when.projects, project)) &&
    (when.stages === undefined || stage === undefined || isAnyOf(when.stages, stage)) &&
    (when.services === undefined || service === undefined || isAnyOf(when.services, service)) &&
    (when.input === undefined || call.input === undefined || !isFalse(when.input, input()))
  )
}

/**
 * Returns whether a rule is for an action. A rule for everything must not keep anybody from stopping what runs, so an action that
 * stops must be named.
 *
 * @param patterns undefined for all actions
 * @param names `<category>/<action>`, with each name that the action has or had
 */
export function matchesAction(
  patterns: readonly string[] | undefined,
  names: readonly string[],
  isFree: boolean,
): boolean {
  if (isFree) return names.some((name) => patterns?.includes(name))
  return patterns === undefined || names.some((name) => isAnyOf(patterns, name))
}

function isAnyOf(names: readonly string[], name: string): boolean {
  return names.some((pattern) => matchesName(pattern, name))
}

/**
 * Compares a name with a pattern. Takes linear time, because callers choose names.
 *
 * @param pattern a name, in which `*` stands for any characters
 */
export function matchesName(pattern: string, name: string): boolean {
  const [start = '', ...parts] = pattern.split('*')
  const end = parts.pop()
  if (end === undefined) return pattern === name
  if (!name.startsWith(start)) return false
  let position = start.length
  for (const part of parts) {
    const found = name.indexOf(part, position)
    if (found < 0) return false
    position = found + part.length
  }
  return name.length - end.length >= position && name.endsWith(end)
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
