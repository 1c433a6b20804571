import { isStop } from '../../../shared/core/webhook/restrict.ts'
import { matchesName } from '../../../shared/policy/match.ts'
import type { Policy, Rule, When } from '../../../shared/policy/policy.ts'
import type { Category } from '../../../shared/providers/category.ts'

export interface PolicyWarning {
  rule: string
  warning: string
}

interface KnownAction {
  /** `<category>/<action>`. */
  name: string
  category: Category
  kind: string
  isStop: boolean
}

/** All categories have this provider, which reaches no platform of its own. */
const GENERIC = 'http'

/** The words of a call that its caller chooses. A call that leaves them out matches. */
const WORDS_OF_CALLERS = ['projects', 'stages', 'services'] as const

/**
 * Finds rules that restrict less than they seem to.
 *
 * @param connections `<category>/<name>` of all that exist. Undefined if they are not known
 */
export function warningsOf(
  { rules }: Policy,
  categories: readonly Category[],
  connections: readonly string[] | undefined,
): PolicyWarning[] {
  const actions = categories.flatMap((category) =>
    Object.entries(category.actions).map(
      ([name, action]): KnownAction => ({
        name: `${category.name}/${name}`,
        category,
        kind: action.kind,
        isStop: isStop(action),
      }),
    ),
  )
  return rules.flatMap((rule) =>
    [
      ...wordsWarnings(rule.when),
      ...unmatched(
        'actions',
        rule.when.actions ?? [],
        ({ name }: KnownAction, pattern) => matchesName(pattern, name),
        actions,
      ),
      ...(connections === undefined
        ? []
        : unmatched('connections', rule.when.connections ?? [], matchesConnection, connections)),
      ...otherWays(rule, actions),
    ].map((warning) => ({ rule: rule.name, warning })),
  )
}

function wordsWarnings(when: When): string[] {
  return WORDS_OF_CALLERS.filter((word) => when[word] !== undefined).map(
    (word) =>
      `depends on ${word}, which the caller chooses: a call that names another one avoids the rule. Name connections instead, whose credentials decide what a call can reach.`,
  )
}

function unmatched<T>(
  field: string,
  patterns: readonly string[],
  matches: (known: T, pattern: string) => boolean,
  known: readonly T[],
): string[] {
  return patterns
    .filter((pattern) => !known.some((name) => matches(name, pattern)))
    .map((pattern) => `names ${field} that do not exist: ${pattern}`)
}

function matchesConnection(connection: string, pattern: string): boolean {
  return matchesName(pattern, connection) || matchesName(pattern, connection.slice(connection.indexOf('/') + 1))
}

/** Finds actions of other categories that the rule does not match, and that do the same on the same platforms. */
function otherWays(rule: Rule, actions: readonly KnownAction[]): string[] {
  if (rule.when.actions === undefined) return []
  const isMatched = ({ name }: KnownAction) => rule.when.actions?.some((pattern) => matchesName(pattern, name))
  const matched = actions.filter(isMatched)
  const others = actions.filter(
    (action) =>
      !isMatched(action) &&
      !action.isStop &&
      matched.some(
        ({ category, kind }) =>
          category !== action.category && kind === action.kind && sharesProvider(category, action.category),
      ),
  )
  if (others.length === 0) return []
  return [`does not match other actions that reach the same platforms: ${others.map(({ name }) => name).join(', ')}`]
}

function sharesProvider(one: Category, other: Category): boolean {
  return Object.keys(one.providers).some((name) => name !== GENERIC && Object.hasOwn(other.providers, name))
}
