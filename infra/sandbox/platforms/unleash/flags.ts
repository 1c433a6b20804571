import { randomUUID } from 'node:crypto'
import type { Collection } from '../sandbox/store.ts'
import { permissionError, UnleashError } from './errors.ts'

export const project = 'default'

export interface Environment {
  name: string
  type: 'development' | 'production'
  sortOrder: number
}

export interface Strategy {
  id: string
  name: string
  title: string | null
  disabled: boolean
  sortOrder: number
  constraints: unknown[]
  parameters: Record<string, string>
  variants: unknown[]
  segments: unknown[]
}

export interface FlagEnvironment {
  enabled: boolean
  strategies: Strategy[]
}

export interface Flag {
  name: string
  type: string
  description: string | null
  createdAt: string
  archived?: boolean
  environments: Record<string, FlagEnvironment>
}

/** The methods throw UnleashError. */
export interface Flags {
  get(inProject: string, name: string): Flag
  /** Returns a flag that can be changed. */
  getActive(inProject: string, name: string): Flag
  setEnabled(flag: Flag, environment: string, enabled: boolean): void
  addStrategy(flag: Flag, environment: string, body: Record<string, unknown>): Strategy
  changeStrategy(flag: Flag, environment: string, id: string, body: Record<string, unknown>): Strategy
}

const strategyNames = ['default', 'flexibleRollout', 'remoteAddress', 'applicationHostname']

/** Creates a gradual rollout. */
export function gradualRollout(flag: string, rollout: string): Strategy {
  return {
    id: randomUUID(),
    name: 'flexibleRollout',
    title: null,
    disabled: false,
    sortOrder: 0,
    constraints: [],
    parameters: { groupId: flag, rollout, stickiness: 'default' },
    variants: [],
    segments: [],
  }
}

export function createFlags(flags: Collection<Flag>): Flags {
  const save = (flag: Flag) => flags.put(flag.name, flag)
  // Only an admin has permissions in an environment that does not exist.
  const environmentOf = (flag: Flag, environment: string): FlagEnvironment => {
    const found = Object.hasOwn(flag.environments, environment) ? flag.environments[environment] : undefined
    if (!found) throw permissionError('UPDATE_FEATURE_ENVIRONMENT')
    return found
  }

  return {
    getActive(inProject, name) {
      const flag = this.get(inProject, name)
      if (!flag.archived) return flag
      const message = 'Cannot perform this operation on archived features'
      throw new UnleashError(400, message, undefined, 'ArchivedFeatureError')
    },

    get(inProject, name) {
      const flag = flags.get(name)
      if (flag && inProject === project) return flag
      const missing = `There's no feature named "${name}" in project "${inProject}"`
      const elsewhere = `, but there's a feature with that name in project "${project}"`
      throw new UnleashError(404, `${missing}${flag ? elsewhere : '.'}`)
    },

    setEnabled(flag, environment, enabled) {
      const settings = environmentOf(flag, environment)
      settings.enabled = enabled
      // Unleash enables a flag without active strategies for everyone.
      if (enabled && settings.strategies.every(({ disabled }) => disabled))
        settings.strategies.push(gradualRollout(flag.name, '100'))
      save(flag)
    },

    addStrategy(flag, environment, body) {
      const { strategies } = environmentOf(flag, environment)
      const blank = { ...gradualRollout(flag.name, '100'), name: '', parameters: {}, sortOrder: strategies.length }
      const strategy = changed(blank, flag.name, body)
      strategies.push(strategy)
      save(flag)
      return strategy
    },

    changeStrategy(flag, environment, id, body) {
      const missing = new UnleashError(404, `Could not find strategy with id=${id}`)
      const { strategies } = environmentOf(flag, environment)
      const index = strategies.findIndex((strategy) => strategy.id === id)
      const before = strategies[index]
      if (!before) throw missing
      const strategy = changed(before, flag.name, body)
      strategies[index] = strategy
      save(flag)
      return strategy
    },
  }
}

/** Returns the updated strategy. A missing title, `disabled` or sort order keeps its value; missing lists become empty. */
function changed(before: Strategy, flag: string, body: Record<string, unknown>): Strategy {
  const constraints = listOf('constraints', body['constraints'])
  const variants = listOf('variants', body['variants'])
  const segments = listOf('segments', body['segments'])
  const parameters = parametersOf(body['parameters'])
  const name = String(body['name'] ?? before.name)
  if (!strategyNames.includes(name)) throw new UnleashError(400, `Could not find strategy type with name ${name}`)
  const defaults = body['name'] === 'flexibleRollout' ? gradualRollout(flag, '100').parameters : {}
  return {
    id: before.id,
    name,
    title: typeof body['title'] === 'string' ? body['title'] : before.title,
    disabled: typeof body['disabled'] === 'boolean' ? body['disabled'] : before.disabled,
    sortOrder: typeof body['sortOrder'] === 'number' ? body['sortOrder'] : before.sortOrder,
    constraints,
    parameters: { ...defaults, ...parameters },
    variants,
    segments,
  }
}

function listOf(name: string, given: unknown): unknown[] {
  if (given === undefined) return []
  if (Array.isArray(given)) return given
  throw notOfType(`/body/${name}`, 'array', given)
}

/** Unleash converts numbers to text. */
function parametersOf(given: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries((given ?? {}) as Record<string, unknown>).map(([name, value]) => {
      if (typeof value === 'string' || typeof value === 'number') return [name, String(value)]
      throw notOfType(`/body/parameters/${name}`, 'string', value)
    }),
  )
}

function notOfType(at: string, type: string, value: unknown): UnleashError {
  return new UnleashError(400, `The \`${at}\` property must be ${type}. You sent ${JSON.stringify(value)}.`, at)
}
