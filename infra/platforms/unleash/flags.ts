import { randomUUID } from 'node:crypto'
import type { Store } from '../sandbox/store.ts'
import { UnleashError } from './errors.ts'

export const project = 'default'

/** In a guarded one every change must be asked for and approved. */
export interface Environment {
  name: string
  type: 'development' | 'production'
  sortOrder: number
  guarded: boolean
}

export const environments: readonly Environment[] = [
  { name: 'development', type: 'development', sortOrder: 2, guarded: false },
  { name: 'production', type: 'production', sortOrder: 3, guarded: false },
  { name: 'production-guarded', type: 'production', sortOrder: 4, guarded: true },
]

export interface Strategy {
  id: string
  name: string
  title: string | null
  disabled: boolean
  constraints: unknown[]
  parameters: Record<string, string>
  variants: unknown[]
  segments: unknown[]
}

interface FlagEnvironment {
  enabled: boolean
  strategies: Strategy[]
}

export interface Flag {
  name: string
  type: string
  description: string | null
  createdAt: string
  environments: Record<string, FlagEnvironment>
}

/** Feature flags in the sandbox's database. Each change is kept at once; what is not there is refused with UnleashError. */
export interface Flags {
  all(): Flag[]
  /** Looked for in a project, for the words of the refusal. */
  get(inProject: string, name: string): Flag
  setEnabled(flag: Flag, environment: string, enabled: boolean): void
  addStrategy(flag: Flag, environment: string, body: Record<string, unknown>): Strategy
  changeStrategy(flag: Flag, environment: string, id: string, body: Record<string, unknown>): Strategy
}

const strategyNames = ['default', 'flexibleRollout', 'userWithId', 'remoteAddress', 'applicationHostname']

/** What the sandbox begins with, and begins again with when it is emptied. */
const firstFlags: Flag[] = [
  seed('checkout-v2', 'release', 'The new checkout', { production: false, rollout: '25' }),
  seed('express-payment', 'experiment', 'Payment with one click', { production: false, rollout: '50' }),
  seed('slow-recommendations', 'kill-switch', 'Recommendations, which slow the shop down', {
    production: true,
    rollout: '100',
  }),
]

function seed(
  name: string,
  type: string,
  description: string,
  { production, rollout }: { production: boolean; rollout: string },
): Flag {
  const inEach = ({ name: environment, type: kind }: Environment): [string, FlagEnvironment] => [
    environment,
    {
      enabled: kind === 'development' || production,
      strategies: [
        {
          ...rolledOut(name, kind === 'development' ? '100' : rollout),
          id: `${name}-${environment}-strategy`,
        },
      ],
    },
  ]
  const createdAt = '2026-01-05T09:00:00.000Z'
  return { name, type, description, createdAt, environments: Object.fromEntries(environments.map(inEach)) }
}

function rolledOut(flag: string, rollout: string): Strategy {
  return {
    id: randomUUID(),
    name: 'flexibleRollout',
    title: null,
    disabled: false,
    constraints: [],
    parameters: { groupId: flag, rollout, stickiness: 'default' },
    variants: [],
    segments: [],
  }
}

export function createFlags(store: Store): Flags {
  const kept = () => store.all<{ flag: string }>('SELECT flag FROM flags').map(({ flag }): Flag => JSON.parse(flag))
  const all = () => {
    const changed = kept()
    return firstFlags.map((first) => changed.find(({ name }) => name === first.name) ?? structuredClone(first))
  }
  const save = (flag: Flag) =>
    void store.run(
      'INSERT INTO flags (name, flag) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET flag = excluded.flag',
      flag.name,
      JSON.stringify(flag),
    )
  const place = (flag: Flag, environment: string, otherwise: UnleashError): FlagEnvironment => {
    const found = Object.hasOwn(flag.environments, environment) ? flag.environments[environment] : undefined
    if (!found) throw otherwise
    return found
  }

  return {
    all,

    get(inProject, name) {
      const flag = all().find((one) => one.name === name)
      if (flag && inProject === project) return flag
      const missing = `There's no feature named "${name}" in project "${inProject}"`
      const elsewhere = `, but there's a feature with that name in project "${project}"`
      throw new UnleashError(404, `${missing}${flag ? elsewhere : '.'}`)
    },

    setEnabled(flag, environment, enabled) {
      const message = `Could not find environment ${environment} for feature: ${flag.name}`
      const there = place(flag, environment, new UnleashError(404, message))
      there.enabled = enabled
      // A flag that is on for nobody would be of no use: Unleash gives it to all.
      if (enabled && there.strategies.every(({ disabled }) => disabled))
        there.strategies.push(rolledOut(flag.name, '100'))
      save(flag)
    },

    addStrategy(flag, environment, body) {
      const refusal = new UnleashError(400, 'You have not added the current environment to the project')
      const there = place(flag, environment, refusal)
      const blank = { ...rolledOut(flag.name, '100'), name: '', parameters: {} }
      const strategy = changed(blank, flag.name, body)
      there.strategies.push(strategy)
      save(flag)
      return strategy
    },

    changeStrategy(flag, environment, id, body) {
      const missing = new UnleashError(404, `Could not find strategy with id=${id}`)
      const there = place(flag, environment, missing)
      const at = there.strategies.findIndex((strategy) => strategy.id === id)
      const before = there.strategies[at]
      if (!before) throw missing
      const strategy = changed(before, flag.name, body)
      there.strategies[at] = strategy
      save(flag)
      return strategy
    },
  }
}

/** A strategy as a body makes it: the title and whether it is disabled stay where they are not given; lists do not. */
function changed(before: Strategy, flag: string, body: Record<string, unknown>): Strategy {
  const constraints = listOf('constraints', body['constraints'])
  const variants = listOf('variants', body['variants'])
  const segments = listOf('segments', body['segments'])
  const parameters = parametersOf(body['parameters'])
  const name = String(body['name'] ?? before.name)
  if (!strategyNames.includes(name)) throw new UnleashError(400, `Could not find strategy type with name ${name}`)
  const defaults = body['name'] === 'flexibleRollout' ? rolledOut(flag, '100').parameters : {}
  return {
    id: before.id,
    name,
    title: typeof body['title'] === 'string' ? body['title'] : before.title,
    disabled: typeof body['disabled'] === 'boolean' ? body['disabled'] : before.disabled,
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

/** Parameters are texts; Unleash takes a number for one. */
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
