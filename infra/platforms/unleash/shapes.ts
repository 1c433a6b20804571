import { type Environment, environments, type Flag, project, type Strategy } from './flags.ts'

/** A feature with all its environments (featureSchema of Unleash's OpenAPI document). */
export function featureShape({ name, type, description, createdAt, environments: places }: Flag) {
  return {
    environments: environments.map(({ name: environment, type: kind, sortOrder }) => ({
      name: environment,
      lastSeenAt: null,
      enabled: places[environment]?.enabled ?? false,
      yes: 0,
      no: 0,
      type: kind,
      sortOrder,
      strategies: places[environment]?.strategies.map(strategyShape) ?? [],
    })),
    name,
    impressionData: false,
    description,
    project,
    stale: false,
    createdAt,
    createdBy: { id: 1, name: 'admin', imageUrl: 'https://gravatar.com/avatar/admin' },
    type,
    archived: false,
    dependencies: [],
    children: [],
    links: [],
    collaborators: { users: [] },
  }
}

/** A feature in one environment, whose strategies name it. */
export function featureEnvironmentShape({ name, environments: places }: Flag, environment: string) {
  const strategies = places[environment]?.strategies ?? []
  return {
    name,
    environment,
    enabled: places[environment]?.enabled ?? false,
    strategies: strategies.map((strategy, at) => {
      const { segments: _, ...shape } = strategyShape(strategy, at)
      return { ...shape, featureName: name }
    }),
  }
}

/** A strategy; its place in the list is its sort order. */
export function strategyShape(strategy: Strategy, sortOrder: number) {
  return { ...strategy, sortOrder }
}

/** How change requests are set up, by environment. */
export function changeRequestConfig() {
  return environments.map(({ name, type, guarded }: Environment) => ({
    environment: name,
    type,
    changeRequestEnabled: guarded,
    requiredApprovals: guarded ? 1 : null,
  }))
}
