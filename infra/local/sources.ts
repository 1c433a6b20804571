import type { EventsFile } from '../../shared/sources/events-file.ts'
import { describeCategory } from '../aws/category-info.ts'
import { readEventsFile } from '../aws/read-events-file.ts'
import { categories } from '../tools/project/categories.ts'

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
