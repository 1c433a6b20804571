import { resolve } from 'node:path'
import type { Construct } from 'constructs'
import type { DeclaredSource } from '../../shared/sources/declared.ts'
import type { EventsFile } from '../../shared/sources/events-file.ts'
import type { AlertRule } from '../../shared/sources/rules.ts'
import { APPLICATION } from '../project/roots.ts'
import type { CategoryInfo } from './category-info.ts'
import { DeployedFile, readDeployed } from './deployed-file.ts'
import { readEventsFile } from './read-events-file.ts'
import type { Settings } from './settings.ts'

/** The contents of `events.yaml`. */
export class DeployedEvents extends DeployedFile {
  readonly sources: EventsFile['sources']
  readonly #rules: readonly AlertRule[]

  constructor(scope: Construct, id: string, events: EventsFile) {
    super(scope, id, { name: 'events', contents: events, description: 'Declared sources and rules' })
    this.sources = events.sources
    this.#rules = events.rules ?? []
  }

  /** The names of the sources whose alerts make calls. */
  get sourcesWithRules(): string[] {
    return [...new Set(this.#rules.map(({ source }) => source))]
  }

  /** The HTTP methods of requests of sources. */
  get methods(): string[] {
    const hasHandshake = Object.values(this.sources).some(({ type }) => type === 'cloudevents')
    return hasHandshake ? ['POST', 'OPTIONS'] : ['POST']
  }

  /** Returns the names of the sources whose rules call a category. */
  sourcesCalling(category: string): string[] {
    const rules = this.#rules.filter(({ call }) => call.startsWith(`${category}/`))
    return [...new Set(rules.map(({ source }) => source))]
  }

  /** Returns the names of the sources that wake jobs of a category. */
  sourcesOf(category: string): string[] {
    const isWoken = ({ wakes }: DeclaredSource) => wakes.some((connection) => connection.startsWith(`${category}/`))
    return Object.entries(this.sources).flatMap(([name, source]) => (isWoken(source) ? [name] : []))
  }
}

/**
 * Compiles the file that the settings name.
 *
 * @returns undefined if there is none, or if it declares nothing
 * @throws SettingsError if the file is not valid
 */
export function deployEvents(
  scope: Construct,
  { events: path }: Settings,
  categories: readonly CategoryInfo[],
): DeployedEvents | undefined {
  if (path === undefined) return undefined
  const events = readDeployed(() => readEventsFile(resolve(APPLICATION, path), categories))
  return Object.keys(events.sources).length === 0 ? undefined : new DeployedEvents(scope, 'Sources', events)
}
