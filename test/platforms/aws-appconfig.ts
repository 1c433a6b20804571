import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'
import { restDenied, restError, restSignatureError } from './aws-signature.ts'

interface Version {
  number: number
  description: string
  contentType: string
  /** Parsed JSON, or text if it is not JSON. */
  content: unknown
}

export interface Deployment {
  number: number
  environment: string
  profile: string
  version: string
  strategy: string
  description: string
  state: 'DEPLOYING' | 'BAKING' | 'COMPLETE' | 'ROLLING_BACK' | 'ROLLED_BACK' | 'REVERTED'
  events: { EventType: string; TriggeredBy: string; Description: string }[]
}

/** The state of the fake. Tests read and change it. */
interface AppConfigState {
  versions: Version[]
  /** The oldest first. */
  deployments: Deployment[]
  /** Operations that the caller's role does not allow. */
  denied: string[]
  /** Called while a request is answered, to simulate another user. */
  meanwhile: Record<string, () => void>
}

export interface AppConfigServer extends Served {
  application: string
  profile: string
  environment: string
  strategy: string
  state: AppConfigState
  /** The document of a version. */
  document(version: number): { values: Record<string, { enabled?: boolean }> }
  /** Ends the newest deployment. */
  end(state: Deployment['state'], why?: string): void
}

const application = '339ohji'
const profile = 'ur8hx2f'
const environment = '54j1r29'
const strategy = '1225qzk'
const perPage = 50

/** A document as the console writes it. */
export function flagDocument(
  values: Record<string, object> = { checkout: { enabled: false }, search: { enabled: true } },
) {
  const names = Object.keys(values)
  const flags = Object.fromEntries(names.map((name) => [name, { name, _createdAt: '2026-11-24T15:01:48.000Z' }]))
  return { version: '1', flags: { ...flags, unset: { name: 'unset' } }, values }
}

/**
 * AWS AppConfig as its API answers: one application with one profile of flags and one environment, to which version 1 was
 * deployed.
 *
 * @see https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_Operations.html
 */
export async function startAppConfig(): Promise<AppConfigServer> {
  const state: AppConfigState = {
    versions: [{ number: 1, description: '', contentType: 'application/json', content: flagDocument() }],
    deployments: [],
    denied: [],
    meanwhile: {},
  }
  const appConfig = createAppConfig(state)
  state.deployments.push(deployed(1, '1', 'COMPLETE'))
  const served = await serve((call) => appConfig.answer(call))
  return {
    ...served,
    ...{ application, profile, environment, strategy, state },
    document(version) {
      const found = state.versions.find(({ number }) => number === version)
      return found?.content as ReturnType<AppConfigServer['document']>
    },
    end(ended, why) {
      const newest = newestOf(state.deployments)
      newest.state = ended
      const started = { EventType: 'ROLLBACK_STARTED', TriggeredBy: 'CLOUDWATCH_ALARM', Description: why ?? '' }
      if (why) newest.events.unshift(started)
    },
  }
}

/** A deployment of the profile to the environment. */
export function deployed(
  number: number,
  version: string,
  state: Deployment['state'],
  more: Partial<Deployment> = {},
): Deployment {
  const events = [{ EventType: 'DEPLOYMENT_STARTED', TriggeredBy: 'USER', Description: 'Deployment started' }]
  return { number, environment, profile, version, strategy, description: '', state, events, ...more }
}

const notFound = (what: string) => restError(404, 'ResourceNotFoundException', `Could not find ${what}`)

function createAppConfig(state: AppConfigState) {
  function answer(call: Call): Reply {
    const { method, path, query, headers, body } = call
    const unsigned = restSignatureError(call, 'appconfig')
    if (unsigned) return unsigned
    const [, inApplication, kind, id, things, thing] =
      /^\/applications\/([^/]+)\/(configurationprofiles|environments)\/([^/]+)\/(\w+)(?:\/(\d+))?$/.exec(path) ?? []
    const operation = `${method} ${things}${thing ? '/' : ''}`
    state.meanwhile[operation]?.()
    if (state.denied.includes(operation)) return restDenied(`appconfig (${operation})`)
    if (inApplication !== application) return notFound(`Application for ID ${inApplication}`)
    if (kind === 'configurationprofiles' && id !== profile) return notFound(`ConfigurationProfile for ID ${id}`)
    if (kind === 'environments' && id !== environment) return notFound(`Environment for ID ${id}`)
    switch (operation) {
      case 'GET hostedconfigurationversions':
        return list(query, state.versions.map(summaryOfVersion))
      case 'GET hostedconfigurationversions/':
        return getVersion(Number(thing))
      case 'POST hostedconfigurationversions':
        return createVersion(headers, body)
      case 'GET deployments':
        return list(query, state.deployments.map(summaryOfDeployment))
      case 'GET deployments/':
        return getDeployment(Number(thing))
      case 'POST deployments':
        return deploy(body as Record<string, unknown>)
      default:
        return restError(404, 'UnknownOperationException', '')
    }
  }

  /** The newest first, in pages. */
  function list(query: URLSearchParams, all: object[]): Reply {
    const from = Number(query.get('next_token') ?? 0)
    const to = from + Math.min(perPage, Number(query.get('max_results') ?? perPage))
    const Items = all.reverse().slice(from, to)
    return ok({ Items, ...(to < all.length ? { NextToken: String(to) } : {}) })
  }

  function getVersion(number: number): Reply {
    const found = state.versions.find((one) => one.number === number)
    return found
      ? { status: 200, body: textOf(found.content), headers: headersOf(found) }
      : notFound(`HostedConfigurationVersion ${number}`)
  }

  function createVersion(headers: Call['headers'], content: unknown): Reply {
    const { versions } = state
    const newest = Math.max(0, ...versions.map(({ number }) => number))
    const latest = headers['latest-version-number']
    if (latest !== undefined && Number(latest) !== newest)
      return restError(409, 'ConflictException', `Latest version number is ${newest}, not ${latest}`)
    const wrong = wrongFlags(content)
    if (wrong) return restError(400, 'BadRequestException', `Error invoking JSON schema validation: ${wrong}`)
    const version: Version = {
      number: newest + 1,
      description: String(headers['description'] ?? ''),
      contentType: String(headers['content-type']),
      content,
    }
    versions.push(version)
    return { status: 201, body: textOf(content), headers: headersOf(version) }
  }

  function getDeployment(number: number): Reply {
    const found = state.deployments.find((one) => one.number === number)
    if (!found) return notFound(`Deployment ${number}`)
    const { description: Description, events: EventLog } = found
    const ids = { ApplicationId: application, EnvironmentId: environment }
    return ok({ ...summaryOfDeployment(found), ...ids, Description, EventLog })
  }

  function deploy(asked: Record<string, unknown>): Reply {
    const { deployments, versions } = state
    const newest = deployments.at(-1)
    if (asked['DeploymentStrategyId'] !== strategy)
      return notFound(`DeploymentStrategy for ID ${asked['DeploymentStrategyId']}`)
    const version = versions.find(({ number }) => String(number) === asked['ConfigurationVersion'])
    if (!version)
      return restError(400, 'BadRequestException', `Version ${asked['ConfigurationVersion']} does not exist`)
    if (newest && !['COMPLETE', 'ROLLED_BACK', 'REVERTED'].includes(newest.state))
      return restError(409, 'ConflictException', `Deployment number ${newest.number} already in progress`)
    const latest = asked['LatestDeploymentNumber']
    if (latest !== undefined && latest !== (newest?.number ?? 0))
      return restError(409, 'ConflictException', `Latest deployment number is ${newest?.number}, not ${latest}`)
    const description = String(asked['Description'] ?? '')
    if (description.length > 1_024) return restError(400, 'BadRequestException', 'Description is too long')
    const made = deployed((newest?.number ?? 0) + 1, String(version.number), 'DEPLOYING', { description })
    deployments.push(made)
    return { status: 201, body: summaryOfDeployment(made) }
  }

  return { answer }
}

function textOf(content: unknown): string {
  return typeof content === 'string' ? content : JSON.stringify(content)
}

function headersOf({ number, description, contentType }: Version): Record<string, string> {
  const ids = { 'application-id': application, 'configuration-profile-id': profile }
  return { ...ids, 'version-number': String(number), description, 'content-type': contentType }
}

function summaryOfVersion({ number, description, contentType }: Version) {
  const ids = { ApplicationId: application, ConfigurationProfileId: profile }
  return {
    ...ids,
    VersionNumber: number,
    ContentType: contentType,
    ...(description ? { Description: description } : {}),
  }
}

function summaryOfDeployment({ number, profile: ConfigurationProfileId, version, state }: Deployment) {
  const growth = { GrowthType: 'LINEAR', GrowthFactor: 25, DeploymentDurationInMinutes: 15, FinalBakeTimeInMinutes: 0 }
  const names = { ConfigurationName: 'flags', ConfigurationProfileId, ConfigurationVersion: version }
  const PercentageComplete = state === 'DEPLOYING' ? 25 : 100
  return { DeploymentNumber: number, ...names, ...growth, State: state, PercentageComplete }
}

/** Returns a violation of the schema of AppConfig. */
function wrongFlags(content: unknown): string | undefined {
  const { version, flags, values } = (content ?? {}) as { version?: unknown; flags?: object; values?: object }
  if (version !== '1' || !flags || !values) return 'required key [version] not found'
  const strange = Object.keys(content as object).find((name) => !['version', 'flags', 'values'].includes(name))
  if (strange) return `extraneous key [${strange}] is not permitted`
  const unknown = Object.keys(values).find((name) => !Object.hasOwn(flags, name))
  return unknown && `values contain ${unknown}, which flags do not define`
}
