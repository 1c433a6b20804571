import type { LimitRequirement } from './kinds/at-most.ts'
import type { Condition, Requirement } from './kinds/index.ts'
import type { TurnRequirement } from './kinds/turn.ts'

/** Returns the requirements that a task meets before it takes its turns. */
export function conditionsIn(requirements: readonly Requirement[] = []): Condition[] {
  return requirements.filter((requirement) => requirement.type !== 'turn')
}

/** Returns the limits that are counted when a task has its turns. */
export function limitsIn(requirements: readonly Requirement[] = []): LimitRequirement[] {
  return requirements.filter((requirement) => requirement.type === 'limit')
}

/** Returns the turns that a task takes when all other requirements are met. */
export function turnsIn(requirements: readonly Requirement[] = []): TurnRequirement[] {
  return requirements.filter((requirement) => requirement.type === 'turn')
}
