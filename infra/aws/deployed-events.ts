import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Code, LayerVersion } from 'aws-cdk-lib/aws-lambda'
import { Stage } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { DeclaredSource } from '../../shared/sources/declared.ts'
import type { EventsFile } from '../../shared/sources/events-file.ts'
import { APPLICATION } from '../tools/project/roots.ts'
import type { CategoryInfo } from './category-info.ts'
import { EventsFileError, readEventsFile } from './read-events-file.ts'
import { type Settings, SettingsError } from './settings.ts'

/**
 * The contents of `events.yaml`, as a layer with one JSON file. Functions that need it get it with their version, so that webhooks,
 * tasks and the receiver of one deployment agree. Lambda keeps a layer as long as a version uses it.
 */
export class DeployedEvents extends Construct {
  readonly layer: LayerVersion
  /** The path of the file in a function. Contains a hash, so that a change of the file is a new version of the functions. */
  readonly file: string
  readonly sources: EventsFile['sources']

  constructor(scope: Construct, id: string, events: EventsFile) {
    super(scope, id)
    const text = JSON.stringify(events)
    const name = `events-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`
    const folder = join(Stage.of(this)?.assetOutdir ?? tmpdir(), `webhooks-${name}`)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `${name}.json`), text)
    this.layer = new LayerVersion(this, 'Layer', { code: Code.fromAsset(folder), description: 'Declared sources' })
    this.file = `/opt/${name}.json`
    this.sources = events.sources
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
  try {
    const events = readEventsFile(resolve(APPLICATION, path), categories)
    return Object.keys(events.sources).length === 0 ? undefined : new DeployedEvents(scope, 'Sources', events)
  } catch (error) {
    throw error instanceof EventsFileError ? new SettingsError(error.message, { cause: error }) : error
  }
}
