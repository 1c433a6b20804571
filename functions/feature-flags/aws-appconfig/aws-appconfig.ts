import {
  AppConfigClient,
  GetDeploymentCommand,
  ListHostedConfigurationVersionsCommand,
  StartDeploymentCommand,
} from '@aws-sdk/client-appconfig'
import { Aws } from '../../../shared/aws/aws.ts'
import { consoleUrl } from '../../../shared/aws/console.ts'
import { invalidInput } from '../../../shared/errors.ts'
import { defineFlagProvider, type FlagChange, type PendingChange } from '../../../shared/providers/flag.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { type AppConfig, CONFLICT, connection } from './connection.ts'
import { deployedVersion, listDeployments, refuseWhileBusy } from './deployments.ts'
import { createVersion, isOn, listVersions, readDocument } from './versions.ts'

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
  notifiedBy: {
    type: 'eventbridge',
    wakeId: ({ id }, { environment }, { application }) => [application, environment, id].join('/'),
  },

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
