import {
  AppConfigClient,
  CreateHostedConfigurationVersionCommand,
  GetDeploymentCommand,
  GetHostedConfigurationVersionCommand,
  ListDeploymentsCommand,
  ListHostedConfigurationVersionsCommand,
  StartDeploymentCommand,
} from '@aws-sdk/client-appconfig'
import * as z from 'zod/mini'
import { Aws, awsAccountFields } from '../../../shared/aws/aws.ts'
import { consoleUrl } from '../../../shared/aws/console.ts'
import { Failure, invalidInput } from '../../../shared/errors.ts'
import { optional, withDescription } from '../../../shared/fields.ts'
import {
  defineFlagProvider,
  type FlagChange,
  type FlagLocation,
  type PendingChange,
} from '../../../shared/providers/flag.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

/** Ids and names. Excludes characters that would change the path of a request. */
const IDENTIFIER = /^[A-Za-z0-9][\w .-]{0,127}$/
const identifier = (description: string) => withDescription(z.string().check(z.regex(IDENTIFIER)), description)

const connection = z.strictObject({
  ...awsAccountFields,
  application: identifier('Id of the application'),
  profile: identifier('Id of the hosted configuration profile, which must have the type AWS.AppConfig.FeatureFlags'),
  environment: optional(identifier('Id of the default environment')),
  deploymentStrategy: withDescription(
    z.string().check(z.regex(/^(?:[a-z0-9]{4,7}|AppConfig\.[A-Za-z0-9]{9,40})$/)),
    'Id of the deployment strategy that rolls out changes, such as AppConfig.AllAtOnce',
  ),
})
type AppConfig = Client<z.output<typeof connection>>

/** Another client created a version or started a deployment after our read. A retry reads again. */
const CONFLICT = 'ConflictException'
const PAGE_SIZE = 50
const MAX_DESCRIPTION = 1_024

/**
 * Feature flags of AWS AppConfig. All flags are in one document: a change creates a version of it and deploys that version.
 *
 * A change starts from the version of the last completed deployment to the environment. The newest version may contain
 * changes that were meant for another environment or were rolled back in this one.
 *
 * The description of a version holds the idempotency key and the version that it is based on. A retry finds the version by
 * its description, and the deployment by its version.
 *
 * @see https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_Operations.html
 * @see https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-type-reference-feature-flags.html
 */
export const awsAppConfig = defineFlagProvider({
  title: 'AWS AppConfig',
  aws: Aws,
  connection,
  project: undefined,
  setsAllAtOnce: true as const,

  check: ({ aws, connection: { application, profile } }) =>
    aws.read(
      AppConfigClient,
      new ListHostedConfigurationVersionsCommand({
        ApplicationId: application,
        ConfigurationProfileId: profile,
        MaxResults: 1,
      }),
    ),

  checkChange({ flag, percentage }) {
    if (!/^[a-z][\w-]{0,63}$/i.test(flag))
      throw invalidInput('input.flag', 'must be up to 64 letters, digits, _ and -, and start with a letter')
    if (percentage !== undefined)
      throw invalidInput('input.percentage', 'is not supported by AWS AppConfig: a flag is on or off. Omit it')
  },

  async get(client, location, flag) {
    const version = deployedVersion((await listDeployments(client, location)).deployments, location)
    return { on: isOn(await readDocument(client, version), flag, version), url: await consolePage(client) }
  },

  async set(client, location, changes, comment) {
    const { aws, idempotencyKey, connection } = client
    const { deployments, latest } = await listDeployments(client, location)
    const versions = await listVersions(client)
    const marker = idempotencyKey === undefined ? undefined : `cloud-automation-webhooks ${idempotencyKey}`
    const previous =
      marker === undefined ? undefined : versions.find(({ description }) => description.startsWith(marker))
    const started = previous && deployments.find(({ version }) => version === String(previous.number))
    if (started) return pendingChange(client, started.number)

    const base = deployedVersion(deployments, location)
    refuseWhileBusy(deployments, location)
    const description = marker === undefined ? '' : `${marker} on ${base}`
    // A version that is based on an older deployment would revert the deployments since.
    const version =
      previous?.description === description
        ? previous.number
        : await createVersion(client, base, { changes, description, latest: versions[0]?.number })
    const command = new StartDeploymentCommand({
      ApplicationId: connection.application,
      EnvironmentId: location.environment,
      ConfigurationProfileId: connection.profile,
      ConfigurationVersion: String(version),
      DeploymentStrategyId: connection.deploymentStrategy,
      Description: clipSingleLine(comment ?? changes.map(describeChange).join(', '), MAX_DESCRIPTION),
      // AWS refuses the deployment if another one started after our read.
      LatestDeploymentNumber: latest,
    })
    const { DeploymentNumber } = await aws.write(AppConfigClient, command, CONFLICT)
    return pendingChange(client, aws.requireField(DeploymentNumber, 'DeploymentNumber'))
  },

  async getChangeStatus({ aws, connection }, { environment }, { id }) {
    const command = new GetDeploymentCommand({
      ApplicationId: connection.application,
      EnvironmentId: environment,
      DeploymentNumber: Number(id),
    })
    const { State, EventLog: events = [] } = await aws.read(AppConfigClient, command)
    const state = aws.requireField(State, 'State')
    if (state === 'COMPLETE') return { state, ended: true }
    if (state !== 'ROLLED_BACK' && state !== 'REVERTED') return { state, ended: false }
    const reversals = events.filter(({ EventType = '' }) => /^(?:ROLLBACK|REVERT)_/.test(EventType))
    const reasons = new Set(reversals.map(({ Description }) => Description).filter(Boolean))
    return { state, ended: true, declined: clipSingleLine([...reasons].join('; '), MAX_DESCRIPTION) }
  },
})

interface Deployment {
  number: number
  version: string
  state: string
}

/**
 * Lists the deployments of the profile to an environment, newest first, back to the last completed one. `latest` is the
 * number of the latest deployment of any profile.
 *
 * @throws Failure `invalid` if the environment is not an id
 */
async function listDeployments({ aws, connection }: AppConfig, { environment }: FlagLocation) {
  const { application, profile } = connection
  if (!IDENTIFIER.test(environment))
    throw invalidInput('input.environment', 'must be the id of an environment, such as 54j1r29')
  const found: Deployment[] = []
  let latest = 0
  let token: string | undefined
  do {
    const command = new ListDeploymentsCommand({
      ApplicationId: application,
      EnvironmentId: environment,
      MaxResults: PAGE_SIZE,
      NextToken: token,
    })
    const { Items: items = [], NextToken } = await aws.read(AppConfigClient, command)
    for (const item of items) {
      const { DeploymentNumber: number = 0, ConfigurationVersion: version = '', State: state = '' } = item
      latest = Math.max(latest, number)
      if ([item.ConfigurationProfileId, item.ConfigurationName].includes(profile))
        found.push({ number, version, state })
    }
    token = found.some(isComplete) ? undefined : NextToken
  } while (token)
  return { deployments: found.sort((a, b) => b.number - a.number), latest }
}

function isComplete({ state }: Deployment): boolean {
  return state === 'COMPLETE'
}

/** @throws Failure `refused` if the environment has no completed deployment */
function deployedVersion(deployments: Deployment[], { environment }: FlagLocation): number {
  const number = Number(deployments.find(isComplete)?.version)
  if (Number.isInteger(number)) return number
  throw new Failure(
    'refused',
    `These flags have not been deployed to ${environment} yet. Deploy a version in AWS AppConfig first.`,
  )
}

/** AWS AppConfig also refuses a second deployment, but only after we have created a version. */
function refuseWhileBusy(deployments: Deployment[], { environment }: FlagLocation): void {
  const busy = deployments.find(({ state }) => !['COMPLETE', 'ROLLED_BACK', 'REVERTED'].includes(state))
  if (!busy) return
  throw new Failure(
    'platform',
    `Deployment ${busy.number} to ${environment} is still running (${busy.state}). AWS AppConfig runs one deployment at a time.`,
  )
}

interface Version {
  number: number
  description: string
}

/** Lists all versions of the document, newest first. */
async function listVersions({ aws, connection }: AppConfig): Promise<Version[]> {
  const found: Version[] = []
  let token: string | undefined
  do {
    const command = new ListHostedConfigurationVersionsCommand({
      ApplicationId: connection.application,
      ConfigurationProfileId: connection.profile,
      MaxResults: PAGE_SIZE,
      NextToken: token,
    })
    const { Items: items = [], NextToken } = await aws.read(AppConfigClient, command)
    found.push(
      ...items.map(({ VersionNumber: number = 0, Description: description = '' }) => ({ number, description })),
    )
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
async function readDocument({ aws, connection }: AppConfig, version: number): Promise<FlagDocument> {
  const command = new GetHostedConfigurationVersionCommand({
    ApplicationId: connection.application,
    ConfigurationProfileId: connection.profile,
    VersionNumber: version,
  })
  const { Content: content } = await aws.read(AppConfigClient, command)
  const parsed = flagDocument.safeParse(parseJson(new TextDecoder().decode(content)))
  if (parsed.success) return parsed.data
  throw new Failure(
    'refused',
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
function isOn({ flags, values }: FlagDocument, flag: string, version: number): boolean {
  if (!Object.hasOwn(flags, flag)) {
    const known = clipSingleLine(Object.keys(flags).join(', '), 300) || 'none'
    throw new Failure(
      'refused',
      `AWS AppConfig has no flag ${flag} in the deployed version ${version}. Flags: ${known}.`,
    )
  }
  const value = Object.hasOwn(values, flag) ? values[flag] : undefined
  if (value && '_variants' in value)
    throw new Failure(
      'refused',
      `The flag ${flag} has variants, each with its own state. Flags with variants are not supported.`,
    )
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
async function createVersion(
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

function describeChange({ flag, on }: FlagChange): string {
  return `${flag} ${on ? 'on' : 'off'}`
}

async function pendingChange(client: AppConfig, number: number): Promise<PendingChange> {
  return { id: String(number), noun: 'deployment', url: await consolePage(client) }
}

async function consolePage({ aws, connection }: AppConfig): Promise<string> {
  const path = `systems-manager/appconfig/applications/${encodeURIComponent(connection.application)}`
  return consoleUrl(await aws.region(AppConfigClient), path)
}
