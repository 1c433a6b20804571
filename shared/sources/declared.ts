import { readFileSync } from 'node:fs'
import { settings } from '../settings.ts'
import type { EventsFile } from './events-file.ts'
import type { AlertRule } from './rules.ts'

/** A source, as `events.yaml` declares it. */
export type DeclaredSource = EventsFile['sources'][string]

/** The source whose events come from rules of the stack, which need no secret. It has the type `eventbridge`. */
export const AWS_SOURCE = 'aws'

let read: ({ file: string } & EventsFile) | undefined

/**
 * Returns the sources that the deployment declares, by name. Reads what the deployment has compiled from `events.yaml`, so that its
 * functions agree and none of them reads YAML.
 */
export function declaredSources(): EventsFile['sources'] {
  return readEventsFile().sources
}

/** Returns the rules that the deployment declares. */
export function declaredRules(): AlertRule[] {
  return readEventsFile().rules ?? []
}

function readEventsFile(): EventsFile {
  const file = settings.eventsFile
  if (file === undefined) return { sources: {} }
  if (read?.file !== file) read = { file, ...(JSON.parse(readFileSync(file, 'utf8')) as EventsFile) }
  return read
}
