import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { type Call, newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { pageOf } from '../../../../infra/testing/page-of.ts'
import { type FlagRow, startWith } from '../../../conformance/row.ts'
import { restDenied, restError, restSignatureError } from '../../../platforms/aws-signature.ts'

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

interface State {
  versions: Version[]
  /** The oldest first. */
  deployments: Deployment[]
  /** Operations that the caller's role does not allow: `GET deployments`. */
  denied: string[]
  /** Called before a response, by operation, to simulate another user. */
  meanwhile: Record<string, () => void>
}

export type AppConfigServer = Awaited<ReturnType<typeof startAppConfig>>

const application = '339ohji'
const profile = 'ur8hx2f'
const environment = '54j1r29'
const strategy = '1225qzk'
const PAGE_SIZE = 50

/** Returns a document in the form of the console. */
export function flagDocument(
  values: Record<string, object> = { checkout: { enabled: false }, search: { enabled: true } },
) {
  const names = Object.keys(values)
  const flags = Object.fromEntries(names.map((name) => [name, { name, _createdAt: '2026-11-24T15:01:48.000Z' }]))
  return { version: '1', flags: { ...flags, unset: { name: 'unset' } }, values }
}

/**
 * The API of AWS AppConfig: an application with a profile of flags and an environment, to which version 1 was deployed.
 *
 * @see https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_Operations.html
 */
const startAppConfig = definePlatform({
  base: '/applications/339ohji',
  state: (): State => ({
    versions: [{ number: 1, description: '', contentType: 'application/json', content: flagDocument() }],
    deployments: [deployed(1, '1', 'COMPLETE')],
    denied: [],
    meanwhile: {},
  }),
  refuses(call, { meanwhile, denied }) {
    const invalid = restSignatureError(call, 'appconfig')
    if (invalid) return invalid
    const [, , id, , , list, item] = call.path.split('/')
    const operation = `${call.method} ${list}${item ? '/' : ''}`
    meanwhile[operation]?.()
    if (denied.includes(operation)) return restDenied(`appconfig (${operation})`)
    return id === application ? undefined : notFound(`Application for ID ${id}`)
  },
  routes: {
    'GET /configurationprofiles/ur8hx2f/hostedconfigurationversions': ({ state, query }) =>
      list(query, state.versions.map(summaryOfVersion)),
    'GET /configurationprofiles/ur8hx2f/hostedconfigurationversions/{number}': ({ state, params }) => {
      const version = state.versions.find(({ number }) => String(number) === params.number)
      return version
        ? { status: 200, body: textOf(version.content), headers: headersOf(version) }
        : notFound(`HostedConfigurationVersion ${params.number}`)
    },
    'POST /configurationprofiles/ur8hx2f/hostedconfigurationversions': ({ state, headers, body }) =>
      createVersion(state.versions, headers, body),
    'GET /environments/54j1r29/deployments': ({ state, query }) =>
      list(query, state.deployments.map(summaryOfDeployment)),
    'GET /environments/54j1r29/deployments/{number}': ({ state, params }) => {
      const deployment = state.deployments.find(({ number }) => String(number) === params.number)
      if (!deployment) return notFound(`Deployment ${params.number}`)
      return {
        ...summaryOfDeployment(deployment),
        ApplicationId: application,
        EnvironmentId: environment,
        Description: deployment.description,
        EventLog: deployment.events,
      }
    },
    'POST /environments/54j1r29/deployments': ({ state, body }) => deploy(state, body),
  },
  notFound: ({ path }) => {
    const [, , , kind, id] = path.split('/')
    return notFound(`${kind === 'environments' ? 'Environment' : 'ConfigurationProfile'} for ID ${id}`)
  },
  members: ({ versions, deployments }) => ({
    application,
    profile,
    environment,
    strategy,
    /** Returns the document of a version. */
    document(version: number) {
      const content = versions.find(({ number }) => number === version)?.content
      return content as { values: Record<string, { enabled?: boolean }> }
    },
    /** Ends the newest deployment. */
    end(state: Deployment['state'], reason?: string) {
      const deployment = newestOf(deployments)
      deployment.state = state
      if (reason === undefined) return
      const rollback = { EventType: 'ROLLBACK_STARTED', TriggeredBy: 'CLOUDWATCH_ALARM', Description: reason }
      deployment.events.unshift(rollback)
    },
  }),
})

/** Returns a deployment of the profile to the environment. */
export function deployed(
  number: number,
  version: string,
  state: Deployment['state'],
  fields: Partial<Deployment> = {},
): Deployment {
  const events = [{ EventType: 'DEPLOYMENT_STARTED', TriggeredBy: 'USER', Description: 'Deployment started' }]
  return { number, environment, profile, version, strategy, description: '', state, events, ...fields }
}

function notFound(thing: string): Reply {
  return restError(404, 'ResourceNotFoundException', `Could not find ${thing}`)
}

/** Returns a page, the newest first. */
function list(query: URLSearchParams, items: object[]): object {
  const size = Math.min(PAGE_SIZE, Number(query.get('max_results') ?? PAGE_SIZE))
  const { page, next } = pageOf(items.toReversed(), query.get('next_token'), size)
  return { Items: page, NextToken: next }
}

function createVersion(versions: Version[], headers: Call['headers'], content: unknown): Reply {
  const newest = Math.max(0, ...versions.map(({ number }) => number))
  const latest = headers['latest-version-number']
  if (latest !== undefined && Number(latest) !== newest)
    return restError(409, 'ConflictException', `Latest version number is ${newest}, not ${latest}`)
  const violation = violationOf(content)
  if (violation) return restError(400, 'BadRequestException', `Error invoking JSON schema validation: ${violation}`)
  const version: Version = {
    number: newest + 1,
    description: String(headers['description'] ?? ''),
    contentType: String(headers['content-type']),
    content,
  }
  versions.push(version)
  return { status: 201, body: textOf(content), headers: headersOf(version) }
}

function deploy({ deployments, versions }: State, request: Record<string, unknown>): Reply {
  const newest = deployments.at(-1)
  if (request['DeploymentStrategyId'] !== strategy)
    return notFound(`DeploymentStrategy for ID ${request['DeploymentStrategyId']}`)
  const version = versions.find(({ number }) => String(number) === request['ConfigurationVersion'])
  if (!version)
    return restError(400, 'BadRequestException', `Version ${request['ConfigurationVersion']} does not exist`)
  if (newest && !['COMPLETE', 'ROLLED_BACK', 'REVERTED'].includes(newest.state))
    return restError(409, 'ConflictException', `Deployment number ${newest.number} already in progress`)
  const latest = request['LatestDeploymentNumber']
  if (latest !== undefined && latest !== (newest?.number ?? 0))
    return restError(409, 'ConflictException', `Latest deployment number is ${newest?.number}, not ${latest}`)
  const description = String(request['Description'] ?? '')
  if (description.length > 1_024) return restError(400, 'BadRequestException', 'Description is too long')
  const deployment = deployed((newest?.number ?? 0) + 1, String(version.number), 'DEPLOYING', { description })
  deployments.push(deployment)
  return { status: 201, body: summaryOfDeployment(deployment) }
}

function textOf(content: unknown): string {
  return typeof content === 'string' ? content : JSON.stringify(content)
}

function headersOf({ number, description, contentType }: Version): Record<string, string> {
  return {
    'application-id': application,
    'configuration-profile-id': profile,
    'version-number': String(number),
    description,
    'content-type': contentType,
  }
}

function summaryOfVersion({ number, description, contentType }: Version) {
  return {
    ApplicationId: application,
    ConfigurationProfileId: profile,
    VersionNumber: number,
    ContentType: contentType,
    Description: description || undefined,
  }
}

function summaryOfDeployment({ number, profile, version, state }: Deployment) {
  return {
    DeploymentNumber: number,
    ConfigurationName: 'flags',
    ConfigurationProfileId: profile,
    ConfigurationVersion: version,
    GrowthType: 'LINEAR',
    GrowthFactor: 25,
    DeploymentDurationInMinutes: 15,
    FinalBakeTimeInMinutes: 0,
    State: state,
    PercentageComplete: state === 'DEPLOYING' ? 25 : 100,
  }
}

/** Returns a violation of the schema of AppConfig. */
function violationOf(content: unknown): string | undefined {
  const { version, flags, values } = (content ?? {}) as { version?: unknown; flags?: object; values?: object }
  if (version !== '1' || !flags || !values) return 'required key [version] not found'
  const extraneous = Object.keys(content as object).find((name) => !['version', 'flags', 'values'].includes(name))
  if (extraneous) return `extraneous key [${extraneous}] is not permitted`
  const unknown = Object.keys(values).find((name) => !Object.hasOwn(flags, name))
  return unknown && `values contain ${unknown}, which flags do not define`
}

export const flagRow = {
  start: startWith(startAppConfig, ({ url: endpoint, application, profile, environment, strategy, end }) => ({
    connection: { region: 'eu-west-1', endpoint, application, profile, environment, deploymentStrategy: strategy },
    // Deployments complete at once.
    complete: () => end('COMPLETE'),
  })),
  flags: { off: 'checkout', on: 'search' },
} satisfies FlagRow
