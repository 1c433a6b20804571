import * as z from 'zod/mini'
import {
  AppConfigClient,
  CreateHostedConfigurationVersionCommand,
  GetDeploymentCommand,
  GetHostedConfigurationVersionCommand,
  ListDeploymentsCommand,
  ListHostedConfigurationVersionsCommand,
  StartDeploymentCommand,
} from '../../../shared/aws/appconfig.ts'
import { Aws, awsAccount } from '../../../shared/aws/aws.ts'
import { consoleUrl } from '../../../shared/aws/console.ts'
import { Failure } from '../../../shared/errors.ts'
import { optional, withDescription } from '../../../shared/fields.ts'
import {
  defineFlagProvider,
  type FlagChange,
  type FlagLocation,
  type PendingChange,
} from '../../../shared/providers/flag.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

/** Ids and names alike; never a part of a path that would lead elsewhere. */
const identifier = /^[A-Za-z0-9][\w .-]{0,127}$/
const named = (description: string) => withDescription(z.string().check(z.regex(identifier)), description)

const connection = z.strictObject({
  ...awsAccount,
  application: named('The application, by its id'),
  profile: named('The configuration profile, by its id; it must be of type AWS.AppConfig.FeatureFlags, and hosted'),
  environment: optional(named('Default environment, by its id')),
  deploymentStrategy: withDescription(
    z.string().check(z.regex(/^(?:[a-z0-9]{4,7}|AppConfig\.[A-Za-z0-9]{9,40})$/)),
    'How changes are rolled out: the id of a deployment strategy, such as AppConfig.AllAtOnce',
  ),
})
type AppConfig = Client<z.output<typeof connection>>

/** Another version was made, or something else was deployed, since it was read: that is over when it is read anew. */
const conflict = 'ConflictException'
const perPage = 50
const longestDescription = 1_024

/**
 * Feature flags of AWS AppConfig. Flags are one document: a change is a new version of it, and a deployment of that.
 *
 * What an environment has is the version of its last completed deployment, and a change is made to that very version: the
 * newest one may hold what was never meant for this environment, or was rolled back there.
 *
 * A version carries in its description the key of its call and the version that it was made of, so that a repeat finds it;
 * and its deployment by the version.
 *
 * @see https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_Operations.html
 * @see https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-type-reference-feature-flags.html
 */
export const awsAppConfig = defineFlagProvider({
  title: 'AWS AppConfig',
  aws: Aws,
  connection,
  project: undefined,
  setsTogether: true as const,

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
      throw invalid('flag', 'no key of a flag: letters, digits, _ and -, up to 64, starting with a letter')
    if (percentage !== undefined)
      throw invalid('percentage', 'of no use, since flags of AWS AppConfig are on or off: leave it out')
  },

  async get(client, place, flag) {
    const version = deployedVersion((await deploymentsTo(client, place)).deployments, place)
    return { on: isOn(await documentOf(client, version), flag, version), url: await pageOf(client) }
  },

  async set(client, place, changes, comment) {
    const { aws, idempotencyKey: key, connection } = client
    const { deployments, latest } = await deploymentsTo(client, place)
    const versions = await versionsOf(client)
    const mine = key === undefined ? undefined : versions.find(({ description }) => description.startsWith(markOf(key)))
    const started = mine && deployments.find(({ version }) => version === String(mine.number))
    if (started) return pendingOf(client, started.number)

    const base = deployedVersion(deployments, place)
    refuseWhileBusy(deployments, place)
    const description = key === undefined ? '' : `${markOf(key)} on ${base}`
    // What was made of a version that is not the deployed one any more would undo what was deployed since.
    const version =
      mine?.description === description
        ? mine.number
        : await makeVersion(client, base, { changes, description, latest: versions[0]?.number })
    const command = new StartDeploymentCommand({
      ApplicationId: connection.application,
      EnvironmentId: place.environment,
      ConfigurationProfileId: connection.profile,
      ConfigurationVersion: String(version),
      DeploymentStrategyId: connection.deploymentStrategy,
      Description: clipSingleLine(comment ?? changes.map(inWords).join(', '), longestDescription),
      // Where anything was deployed since it was read, that must be read first.
      LatestDeploymentNumber: latest,
    })
    const { DeploymentNumber } = await aws.write(AppConfigClient, command, conflict)
    return pendingOf(client, aws.need(DeploymentNumber, 'DeploymentNumber'))
  },

  async getChangeStatus({ aws, connection }, { environment }, { id }) {
    const command = new GetDeploymentCommand({
      ApplicationId: connection.application,
      EnvironmentId: environment,
      DeploymentNumber: Number(id),
    })
    const { State, EventLog: events = [] } = await aws.read(AppConfigClient, command)
    const state = aws.need(State, 'State')
    if (state === 'COMPLETE') return { state, ended: true }
    if (state !== 'ROLLED_BACK' && state !== 'REVERTED') return { state, ended: false }
    const said = events.filter(({ EventType = '' }) => /^(?:ROLLBACK|REVERT)_/.test(EventType))
    const words = new Set(said.map(({ Description }) => Description).filter(Boolean))
    return { state, ended: true, declined: clipSingleLine([...words].join('; '), longestDescription) }
  },
})

interface Deployment {
  number: number
  version: string
  state: string
}

/**
 * The deployments of the profile to an environment, the newest first, down to one that was completed; and the number of the
 * latest one of any profile.
 *
 * @throws Failure `invalid` where the environment can not be one
 */
async function deploymentsTo({ aws, connection }: AppConfig, { environment }: FlagLocation) {
  const { application, profile } = connection
  if (!identifier.test(environment)) throw invalid('environment', 'not an environment here: write its id, like 54j1r29')
  const found: Deployment[] = []
  let latest = 0
  let token: string | undefined
  do {
    const command = new ListDeploymentsCommand({
      ApplicationId: application,
      EnvironmentId: environment,
      MaxResults: perPage,
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

/** @throws Failure `refused` where nothing was deployed yet */
function deployedVersion(deployments: Deployment[], { environment }: FlagLocation): number {
  const number = Number(deployments.find(isComplete)?.version)
  if (Number.isInteger(number)) return number
  throw new Failure(
    'refused',
    `AWS AppConfig has not deployed these flags to ${environment} yet: deploy a version of them once.`,
  )
}

/** AppConfig would refuse it as well, but only after a version was made for nothing. */
function refuseWhileBusy(deployments: Deployment[], { environment }: FlagLocation): void {
  const busy = deployments.find(({ state }) => !['COMPLETE', 'ROLLED_BACK', 'REVERTED'].includes(state))
  if (!busy) return
  throw new Failure(
    'platform',
    `AWS AppConfig is still busy with deployment ${busy.number} to ${environment} (${busy.state}), and makes one at a time.`,
  )
}

interface Version {
  number: number
  description: string
}

/** All versions of the document, the newest first. */
async function versionsOf({ aws, connection }: AppConfig): Promise<Version[]> {
  const found: Version[] = []
  let token: string | undefined
  do {
    const command = new ListHostedConfigurationVersionsCommand({
      ApplicationId: connection.application,
      ConfigurationProfileId: connection.profile,
      MaxResults: perPage,
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

/** Only what we read of it: all else stays as it is. */
const flagDocument = z.looseObject({
  flags: z.record(z.string(), z.unknown()),
  values: z._default(z.record(z.string(), z.looseObject({ enabled: z.optional(z.boolean()) })), {}),
})
type FlagDocument = z.output<typeof flagDocument>

/** @throws Failure `refused` where the profile holds something else than flags */
async function documentOf({ aws, connection }: AppConfig, version: number): Promise<FlagDocument> {
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
    `Version ${version} of the profile ${connection.profile} is no document of flags: the profile must be of type AWS.AppConfig.FeatureFlags.`,
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @throws Failure `refused` where there is no such flag, or none that is on or off as a whole */
function isOn({ flags, values }: FlagDocument, flag: string, version: number): boolean {
  if (!Object.hasOwn(flags, flag)) {
    const known = clipSingleLine(Object.keys(flags).join(', '), 300) || 'none'
    throw new Failure(
      'refused',
      `AWS AppConfig has no flag ${flag} in version ${version}, which is deployed; it has: ${known}.`,
    )
  }
  const value = Object.hasOwn(values, flag) ? values[flag] : undefined
  if (value && '_variants' in value)
    throw new Failure(
      'refused',
      `The flag ${flag} has variants, each on or off for itself: it can not be set as a whole.`,
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
 * Makes a version that differs from another in these flags alone.
 *
 * @returns its number
 */
async function makeVersion(
  client: AppConfig,
  base: number,
  { changes, description, latest }: NewVersion,
): Promise<number> {
  const { aws, connection } = client
  const document = await documentOf(client, base)
  for (const { flag, on } of changes) {
    if (on === undefined || on === isOn(document, flag, base)) continue
    document.values[flag] = { ...document.values[flag], enabled: on }
  }
  const command = new CreateHostedConfigurationVersionCommand({
    ApplicationId: connection.application,
    ConfigurationProfileId: connection.profile,
    Content: new TextEncoder().encode(JSON.stringify(document)),
    ContentType: 'application/json',
    // A header: text of other languages would not get through.
    Description: description,
    LatestVersionNumber: latest,
  })
  const { VersionNumber } = await aws.write(AppConfigClient, command, conflict)
  return aws.need(VersionNumber, 'VersionNumber')
}

function markOf(key: string): string {
  return `cloud-automation-webhooks ${key}`
}

function inWords({ flag, on }: FlagChange): string {
  return `${flag} ${on ? 'on' : 'off'}`
}

async function pendingOf(client: AppConfig, number: number): Promise<PendingChange> {
  return { id: String(number), noun: 'deployment', url: await pageOf(client) }
}

async function pageOf({ aws, connection }: AppConfig): Promise<string> {
  const path = `systems-manager/appconfig/applications/${encodeURIComponent(connection.application)}`
  return consoleUrl(await aws.region(AppConfigClient), path)
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} is ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
