import { resolve } from 'node:path'
import { messageOf } from '../../../shared/errors.ts'
import { AWS_SOURCE } from '../../../shared/sources/declared.ts'
import type { EventsFile } from '../../../shared/sources/events-file.ts'
import type { AlertRule } from '../../../shared/sources/rules.ts'
import { cdkSettings } from '../../aws/cdk-settings.ts'
import type { Settings } from '../../aws/settings.ts'
import { compileEventsFile } from '../../local/sources.ts'
import { APPLICATION } from '../../project/roots.ts'
import { UsageError } from '../../project/usage-error.ts'

/** The contents of `events.yaml`, and its path. */
export interface Declared {
  file: string
  sources: EventsFile['sources']
  rules: AlertRule[]
  /** Whether the stack has rules that send events of AWS. */
  hasAwsRules: boolean
}

/**
 * Reads the sources and rules of the local runtime (WEBHOOKS_EVENTS) or of the stack (the setting `events` in cdk.json).
 *
 * @param path the file to read instead
 * @returns undefined if there is no file
 * @throws UsageError with the errors of the file
 */
export async function readDeclared({ local }: { local?: boolean }, path?: string): Promise<Declared | undefined> {
  try {
    const settings = local || path !== undefined ? undefined : cdkSettings().settings
    const setting = settings?.events && resolve(APPLICATION, settings.events)
    const file = path ?? (local ? process.env['WEBHOOKS_EVENTS'] : setting)
    if (!file) return undefined
    const { sources = {}, rules = [] } = (await compileEventsFile(file)) ?? {}
    return { file, sources, rules, hasAwsRules: hasAwsRules(settings, sources) }
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error })
  }
}

/**
 * Returns whether the stack has rules that send events of AWS: for the ends of runs, or for the patterns of the source.
 *
 * @param settings undefined for the local runtime
 */
export function hasAwsRules(
  settings: Pick<Settings, 'awsProviders'> | undefined,
  { [AWS_SOURCE]: source }: EventsFile['sources'],
): boolean {
  if (settings === undefined) return false
  return settings.awsProviders !== undefined || (source?.patterns ?? []).length > 0
}

/** Returns whether a source needs a secret. */
export function needsSecret(name: string, { hasAwsRules }: Declared): boolean {
  return !(name === AWS_SOURCE && hasAwsRules)
}
