import {
  AppConfigClient,
  CreateHostedConfigurationVersionCommand,
  GetHostedConfigurationVersionCommand,
  ListHostedConfigurationVersionsCommand,
} from '@aws-sdk/client-appconfig'
import * as z from 'zod/mini'
import { refused } from '../../../shared/errors.ts'
import type { FlagChange } from '../../../shared/providers/flag.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { type AppConfig, CONFLICT, PAGE_SIZE } from './connection.ts'

interface Version {
  number: number
  description: string
}

/** Lists all versions of the document, newest first. */
export async function listVersions({ aws, connection }: AppConfig): Promise<Version[]> {
  const found: Version[] = []
  let token: string | undefined
  do {
    const command = new ListHostedConfigurationVersionsCommand({
      ApplicationId: connection.application,
      ConfigurationProfileId: connection.profile,
      MaxResults: PAGE_SIZE,
      NextToken: token,
    })
    const { Items, NextToken } = await aws.read(AppConfigClient, command)
    for (const { VersionNumber: number = 0, Description: description = '' } of aws.requireField(Items, 'Items'))
      found.push({ number, description })
    token = NextToken
  } while (token)
  return found.sort((a, b) => b.number - a.number)
}

/** The properties that we read. All others are written back unchanged. */
const flagDocument = z.looseObject({
  flags: z.record(z.string(), z.unknown()),
  values: z._default(z.record(z.string(), z.looseObject({ enabled: z.optional(z.boolean()) })), {}),
})
type FlagDocument = z.output<typeof flagDocument>

/** @throws Failure `refused` if the profile does not contain feature flags */
export async function readDocument({ aws, connection }: AppConfig, version: number): Promise<FlagDocument> {
  const command = new GetHostedConfigurationVersionCommand({
    ApplicationId: connection.application,
    ConfigurationProfileId: connection.profile,
    VersionNumber: version,
  })
  const { Content: content } = await aws.read(AppConfigClient, command)
  const parsed = flagDocument.safeParse(parseJson(new TextDecoder().decode(content)))
  if (parsed.success) return parsed.data
  throw refused(
    `Version ${version} of the profile ${connection.profile} does not contain feature flags. Use a profile of the type AWS.AppConfig.FeatureFlags.`,
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @throws Failure `refused` if the flag does not exist or has variants */
export function isOn({ flags, values }: FlagDocument, flag: string, version: number): boolean {
  if (!Object.hasOwn(flags, flag)) {
    const known = clipSingleLine(Object.keys(flags).join(', '), 300) || 'none'
    throw refused(`AWS AppConfig has no flag ${flag} in the deployed version ${version}. Flags: ${known}.`)
  }
  const value = Object.hasOwn(values, flag) ? values[flag] : undefined
  if (value && '_variants' in value)
    throw refused(`The flag ${flag} has variants, each with its own state. Flags with variants are not supported.`)
  return value?.enabled === true
}

interface NewVersion {
  changes: FlagChange[]
  description: string
  /** The number of the newest version. */
  latest: number | undefined
}

/**
 * Creates a version that differs from the base version only in the changed flags.
 *
 * @returns the number of the new version
 */
export async function createVersion(
  client: AppConfig,
  base: number,
  { changes, description, latest }: NewVersion,
): Promise<number> {
  const { aws, connection } = client
  const document = await readDocument(client, base)
  for (const { flag, on } of changes) {
    if (on === undefined || on === isOn(document, flag, base)) continue
    document.values[flag] = { ...document.values[flag], enabled: on }
  }
  const command = new CreateHostedConfigurationVersionCommand({
    ApplicationId: connection.application,
    ConfigurationProfileId: connection.profile,
    Content: new TextEncoder().encode(JSON.stringify(document)),
    ContentType: 'application/json',
    // Sent as a header, which only takes ASCII.
    Description: description,
    LatestVersionNumber: latest,
  })
  const { VersionNumber } = await aws.write(AppConfigClient, command, CONFLICT)
  return aws.requireField(VersionNumber, 'VersionNumber')
}
