import { resolve } from 'node:path'
import { messageOf } from '../../../shared/errors.ts'
import { AWS_SOURCE } from '../../../shared/sources/declared.ts'
import type { EventsFile } from '../../../shared/sources/events-file.ts'
import { compileEventsFile } from '../../local/sources.ts'
import { APPLICATION } from '../../tools/project/roots.ts'
import { cdkSettings } from '../cdk-settings.ts'
import { UsageError } from '../usage-error.ts'

/** The contents of `events.yaml`, and its path. */
export interface Declared {
  file: string
  sources: EventsFile['sources']
  /** Whether the stack has rules that send events of AWS. */
  hasAwsRules: boolean
}

/**
 * Reads the sources of the local runtime (WEBHOOKS_EVENTS) or of the stack (the setting `events` in cdk.json).
 *
 * @returns undefined if there is no file
 * @throws UsageError with the errors of the file
 */
export async function readDeclared({ local }: { local?: boolean }): Promise<Declared | undefined> {
  try {
    const settings = local ? undefined : cdkSettings(APPLICATION, () => undefined).settings
    const path = local ? process.env['WEBHOOKS_EVENTS'] : settings?.events
    if (!path) return undefined
    const file = local ? path : resolve(APPLICATION, path)
    const { sources = {} } = (await compileEventsFile(file)) ?? {}
    return { file, sources, hasAwsRules: settings?.awsProviders !== undefined }
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error })
  }
}

/** Returns whether a source needs a secret. */
export function needsSecret(name: string, { hasAwsRules }: Declared): boolean {
  return !(name === AWS_SOURCE && hasAwsRules)
}
