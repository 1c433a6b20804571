import { resolve } from 'node:path'
import { messageOf } from '../../../shared/errors.ts'
import type { EventsFile } from '../../../shared/sources/events-file.ts'
import { compileEventsFile } from '../../local/sources.ts'
import { APPLICATION } from '../../tools/project/roots.ts'
import { cdkSettings } from '../cdk-settings.ts'
import { UsageError } from '../usage-error.ts'

/**
 * Reads the sources and rules of the local runtime (WEBHOOKS_EVENTS) or of the stack (the setting `events` in cdk.json).
 *
 * @param path the file to read instead
 * @throws UsageError with the errors of the file
 */
export async function configuredEvents({ local }: { local?: boolean }, path?: string): Promise<EventsFile> {
  const file = path ?? (local ? process.env['WEBHOOKS_EVENTS'] : settingOf())
  if (!file)
    throw new UsageError(
      'No file declares rules. Pass --events, name it in the setting events in cdk.json, or set WEBHOOKS_EVENTS and pass --local.',
    )
  try {
    return (await compileEventsFile(file)) ?? { sources: {} }
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error })
  }
}

function settingOf(): string | undefined {
  const { events } = cdkSettings(APPLICATION, () => undefined).settings
  return events === undefined ? undefined : resolve(APPLICATION, events)
}
