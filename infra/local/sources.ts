import { join } from 'node:path'
import { settings } from '../../shared/settings.ts'
import type { EventsFile } from '../../shared/sources/events-file.ts'
import { describeCategory } from '../aws/category-info.ts'
import { parseEventsText, readEventsFile } from '../aws/read-events-file.ts'
import { categories } from '../project/categories.ts'
import { sandboxSources } from '../sandbox/platforms/sandbox/notifications/sources.ts'
import { type LocalSecrets, leadsToSandbox } from './secrets.ts'
import { writePrivateFile } from './state-folder.ts'

/**
 * Compiles the file that declares the sources.
 *
 * @returns undefined if it declares none
 * @throws YamlFileError
 */
export async function compileEventsFile(path: string): Promise<EventsFile | undefined> {
  const events = readEventsFile(path, await Promise.all(categories.map(describeCategory)))
  return Object.keys(events.sources).length === 0 ? undefined : events
}

/**
 * Compiles the text of such a file.
 *
 * @throws YamlFileError
 */
export async function compileEventsText(text: string): Promise<EventsFile> {
  return parseEventsText(text, await Promise.all(categories.map(describeCategory)))
}

/** The sources of a runtime. */
interface LocalSources {
  /** Undefined if there are none. */
  declared: EventsFile | undefined
  /** The file that the functions read. Undefined if there are no sources. */
  file: string | undefined
  /** Writes the file, if the secrets have changed. New secrets replace the environments of the functions, so they read it again. */
  write(secretsVersion: string): void
}

/**
 * Returns the sources that a file declares, or those of the sandbox.
 *
 * @param path the file of the user
 * @throws EventsFileError
 */
export async function localSources(
  path: string | undefined,
  state: string,
  secrets: LocalSecrets,
): Promise<LocalSources> {
  const declared = path === undefined ? sandboxSources(() => true) : await compileEventsFile(path)
  const file = declared && join(state, 'events.json')
  let writtenVersion: string | undefined
  return {
    declared,
    file,
    write(version) {
      if (file === undefined || version === writtenVersion) return
      writtenVersion = version
      writePrivateFile(file, JSON.stringify(path === undefined ? sourcesOfSandbox(secrets) : declared))
    },
  }
}

/** A real platform with a connection of the sandbox's name does not notify us, so a source must not wake its tasks: they poll. */
function sourcesOfSandbox(secrets: LocalSecrets): EventsFile {
  return sandboxSources((connection) =>
    leadsToSandbox(secrets.get(`${settings.secretPrefix}/connections/${connection}`) ?? ''),
  )
}
