import type { Effect } from '../../../shared/policy/kinds/index.ts'
import { matchesAction, matchesName } from '../../../shared/policy/names.ts'
import type { Policy, When } from '../../../shared/policy/policy.ts'
import { isFree } from '../../../shared/providers/action.ts'
import { actionNamesOf, type Category, currentActions } from '../../../shared/providers/category.ts'

export interface PolicyWarning {
  rule: string
  warning: string
  /** The rule does not restrict what it names. */
  isError?: true
}

interface KnownAction {
  /** `<category>/<action>`, also with its former name. The last one is the name that documents show. */
  names: string[]
  category: Category
  kind: string
  isFree: boolean
}

/** All categories have this provider, which reaches no platform of its own. */
const GENERIC = 'http'

/** Two actions of these kinds can do the same: both start a run, or both change a flag. Two of a ticket do not. */
const INTERCHANGEABLE = ['job', 'flag']

/** The place that a call names. A call that names none matches. */
const PLACES = ['projects', 'stages', 'services'] as const

/**
 * Finds rules that restrict less than they seem to. A rule has at most one warning of each kind.
 *
 * @param connections `<category>/<name>` of all that exist. Undefined if they are not known
 */
export function warningsOf(
  { rules }: Policy,
  categories: readonly Category[],
  connections: readonly string[] | undefined,
): PolicyWarning[] {
  const actions = categories.flatMap((category) =>
    currentActions(category).map(
      ([name, action]): KnownAction => ({
        names: actionNamesOf(category, name).map((known) => `${category.name}/${known}`),
        category,
        kind: action.kind,
        isFree: isFree(action),
      }),
    ),
  )
  const isAction = (pattern: string) => actions.some(({ names }) => names.some((name) => matchesName(pattern, name)))
  const isConnection = (pattern: string) => connections?.some((name) => matchesConnection(name, pattern)) ?? true
  return rules.flatMap(({ name: rule, when, effect }) => {
    const warnings = [
      placesWarning(when),
      targetWarning(effect),
      inputWarning(when),
      callersWarning(when),
      unknownWarning('connections', isConnection, when.connections),
      otherWaysWarning(when, actions),
    ].filter((warning) => warning !== undefined)
    const unknownActions = unknownWarning('actions', isAction, when.actions)
    const errors = unknownActions === undefined ? [] : [{ rule, warning: unknownActions, isError: true as const }]
    return [...errors, ...warnings.map((warning) => ({ rule, warning }))]
  })
}

function placesWarning(when: When): string | undefined {
  const places = PLACES.filter((place) => when[place] !== undefined)
  if (places.length === 0) return undefined
  return `depends on ${places.join(', ')}, which the caller chooses: a call that names another one avoids the rule. Name connections instead, whose credentials decide what a call can reach.`
}

function targetWarning(effect: Effect): string | undefined {
  const places = effect.type === 'turn' ? (effect.per.match(/(?<=\{)(?:project|stage|service)(?=\})/g) ?? []) : []
  if (places.length === 0) return undefined
  return `lets calls wait for their ${places.join(' and ')}, which the caller chooses: a call that names another one does not wait.`
}

function inputWarning({ input }: When): string | undefined {
  if (input === undefined) return undefined
  return 'depends on the input, which the caller chooses: check that no other input has the same effect.'
}

function callersWarning({ callers = [] }: When): string | undefined {
  const patterns = callers.filter((pattern) => pattern.includes('*') && pattern !== '*')
  if (patterns.length === 0) return undefined
  return `depends on how callers are named: a caller whose name does not match ${patterns.join(', ')} avoids the rule. For agents, use agents: true.`
}

function unknownWarning(
  field: string,
  isKnown: (pattern: string) => boolean,
  patterns: readonly string[] = [],
): string | undefined {
  const unknown = patterns.filter((pattern) => !isKnown(pattern))
  return unknown.length === 0 ? undefined : `names ${field} that do not exist: ${unknown.join(', ')}`
}

function matchesConnection(connection: string, pattern: string): boolean {
  return matchesName(pattern, connection) || matchesName(pattern, connection.slice(connection.indexOf('/') + 1))
}

/** Finds actions that the rule does not match, and that can do the same on the same platforms. */
function otherWaysWarning({ actions: patterns }: When, actions: readonly KnownAction[]): string | undefined {
  if (patterns === undefined) return undefined
  const isMatched = ({ names, isFree }: KnownAction) => matchesAction(patterns, names, isFree)
  const matched = actions.filter(isMatched)
  const others = actions.filter((action) => !isMatched(action) && matched.some((other) => canReplace(action, other)))
  if (others.length === 0) return undefined
  return `does not match other actions that reach the same platforms: ${others.map(({ names }) => names.at(-1)).join(', ')}`
}

function canReplace(one: KnownAction, other: KnownAction): boolean {
  if (one.kind !== other.kind || one.isFree !== other.isFree) return false
  if (one.category === other.category) return INTERCHANGEABLE.includes(one.kind)
  return Object.keys(one.category.providers).some(
    (name) => name !== GENERIC && Object.hasOwn(other.category.providers, name),
  )
}
