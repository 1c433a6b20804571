import { AppConfigClient, ListDeploymentsCommand } from '@aws-sdk/client-appconfig'
import { invalidInput, refused, retryLater } from '../../../shared/errors.ts'
import type { FlagLocation } from '../../../shared/providers/flag.ts'
import { type AppConfig, IDENTIFIER, PAGE_SIZE } from './connection.ts'

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
export async function listDeployments({ aws, connection }: AppConfig, { environment }: FlagLocation) {
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
    const { Items, NextToken } = await aws.read(AppConfigClient, command)
    for (const item of aws.requireField(Items, 'Items')) {
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
export function deployedVersion(deployments: Deployment[], { environment }: FlagLocation): number {
  const number = Number(deployments.find(isComplete)?.version)
  if (Number.isInteger(number)) return number
  throw refused(`These flags have not been deployed to ${environment} yet. Deploy a version in AWS AppConfig first.`)
}

/** AWS AppConfig also refuses a second deployment, but only after we have created a version. */
export function refuseWhileBusy(deployments: Deployment[], { environment }: FlagLocation): void {
  const busy = deployments.find(({ state }) => !['COMPLETE', 'ROLLED_BACK', 'REVERTED'].includes(state))
  if (!busy) return
  throw retryLater(
    `Deployment ${busy.number} to ${environment} is still running (${busy.state}). AWS AppConfig runs one deployment at a time.`,
  )
}
