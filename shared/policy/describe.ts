import type { ActionEffect } from '../action-effect.ts'
import { describeEffect } from './kinds/index.ts'
import { listOf } from './list-of.ts'
import type { Rule, When } from './policy.ts'

/**
 * Describes a rule in one sentence, for people.
 *
 * @example 'Calls of ci-cd/* with the connection prod-* start Monday to Friday from 08:00 to 17:00, Europe/Vienna time. At other times,
 * their tasks wait for at most 4 h.'
 */
export function describeRule({ when, effect }: Rule): string {
  return `${describeCalls(when)} ${describeEffect(effect)}`
}

function describeCalls({
  actions,
  effects,
  connections,
  callers,
  agents,
  projects,
  stages,
  services,
  input,
}: When): string {
  const places = [
    projects && named('project', projects),
    stages && named('stage', stages),
    services && named('service', services),
  ].filter((place) => place !== undefined)
  return [
    actions === undefined ? 'All calls' : `Calls of ${listOf(actions, 'and')}`,
    effects && `that ${listOf(effects.map(describeActionEffect), 'or')}`,
    connections && `with ${named('connection', connections)}`,
    describeCallers(callers, agents),
    ...(places.length > 0 ? [`in ${listOf(places, 'and')}`] : []),
    input === undefined ? undefined : `if ${input.trim()}`,
  ]
    .filter(Boolean)
    .join(' ')
}

function describeActionEffect(effect: ActionEffect): string {
  return effect === 'reads' ? 'only read' : `are ${effect}`
}

function describeCallers(names: When['callers'], agents: When['agents']): string {
  if (names === undefined && agents === undefined) return ''
  const which = agents === undefined ? '' : agents ? ' that are agents' : ' that are not agents'
  return `from ${names === undefined ? 'callers' : named('caller', names)}${which}`
}

/** `the caller nightly`, `the callers nightly or weekly`. */
function named(noun: string, names: readonly string[]): string {
  return `the ${noun}${names.length === 1 ? '' : 's'} ${listOf(names, 'or')}`
}
