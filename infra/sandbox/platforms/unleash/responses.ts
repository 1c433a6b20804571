import { type Environment, type Flag, project } from './flags.ts'

/** Returns the featureSchema of Unleash's OpenAPI document. */
export function featureResponse(
  environments: readonly Environment[],
  { name, type, description, createdAt, environments: settings }: Flag,
) {
  return {
    environments: environments.map(({ name: environment, type: kind, sortOrder }) => ({
      name: environment,
      lastSeenAt: null,
      enabled: settings[environment]?.enabled ?? false,
      yes: 0,
      no: 0,
      type: kind,
      sortOrder,
      strategies: settings[environment]?.strategies ?? [],
    })),
    name,
    impressionData: false,
    description,
    project,
    stale: false,
    createdAt,
    type,
    archived: false,
    dependencies: [],
    children: [],
    links: [],
  }
}
