import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { pageOf } from '../../../../infra/testing/page-of.ts'
import { type JobRow, runsIn, stages, startWith } from '../../../conformance/row.ts'
import { awsError, defineJsonService } from '../../../platforms/aws-json.ts'

interface Variable {
  name: string
  value: string
  type: string
}

interface Build {
  id: string
  arn: string
  buildNumber: number
  buildStatus: string
  buildComplete: boolean
  currentPhase: string
  projectName: string
  sourceVersion?: string | undefined
  resolvedSourceVersion?: string
  /** Seconds since 1970. */
  startTime: number
  endTime?: number
  environment: { type: string; computeType: string; image: string; environmentVariables: Variable[] }
  phases: { phaseType: string; phaseStatus?: string; contexts?: { statusCode: string; message: string }[] }[]
  logs: { groupName: string; streamName: string; deepLink: string }
  reportArns?: string[]
}

interface Report {
  arn: string
  status: string
  type: string
  testSummary?: { total: number; statusCounts: Record<string, number>; durationInNanoSeconds: number }
  codeCoverageSummary?: { linesCovered: number; linesMissed: number; lineCoveragePercentage: number }
}

type State = ReturnType<typeof initial>

const STARTED_AT = 1_764_000_000
const PAGE_SIZE = 100

const initial = () => ({
  projects: ['shop-build', 'cart-build'],
  builds: [] as Build[],
  reports: [] as Report[],
  /** The request and the build of each idempotency token. */
  tokens: new Map<string, { request: string; build: Build }>(),
  denied: [] as string[],
  /** Number of the newest builds that are not listed yet. */
  listsLate: 0,
  maxQueued: 10,
})

/**
 * AWS CodeBuild.
 *
 * @see https://docs.aws.amazon.com/codebuild/latest/APIReference/Welcome.html
 */
const startCodeBuild = defineJsonService({
  service: 'codebuild',
  target: 'CodeBuild_20161006',
  version: '1.1',
  state: initial,
  routes: {
    StartBuild: ({ state, text, body }) => start(state, text, body),
    BatchGetBuilds: ({ state, body }) => {
      const ids: string[] = body.ids
      if (ids.length === 0 || ids.length > 100) return awsError('InvalidInputException', 'Invalid number of build IDs')
      const builds = state.builds.filter(({ id }) => ids.includes(id))
      return { builds, buildsNotFound: ids.filter((id) => !builds.some((build) => build.id === id)) }
    },
    ListBuildsForProject: ({ state, body: { projectName, sortOrder, nextToken } }) => {
      if (!state.projects.includes(projectName))
        return notFound(`The provided project ${arnOf('project', projectName)} does not exist`)
      const listed = state.builds.slice(0, state.builds.length - state.listsLate)
      const ids = listed.filter((build) => build.projectName === projectName).map(({ id }) => id)
      if (sortOrder !== undefined && ids.length > PAGE_SIZE)
        return awsError('InvalidInputException', 'Sort order is not supported for more than 100 builds')
      const { page, next } = pageOf(ids.toReversed(), nextToken, PAGE_SIZE)
      return { ids: page, nextToken: next }
    },
    StopBuild: ({ state, body: { id } }) => {
      const build = state.builds.find((build) => build.id === id)
      if (!build) return notFound(`Build ${id} cannot be found`)
      if (build.buildComplete) return awsError('InvalidInputException', `Build ${id} is not in progress`)
      const phases = [...build.phases, { phaseType: 'BUILD', phaseStatus: 'STOPPED' }]
      Object.assign(build, { buildStatus: 'STOPPED', buildComplete: true, currentPhase: 'COMPLETED', phases })
      return { build }
    },
    BatchGetReports: ({ state, body }) => {
      const arns: string[] = body.reportArns
      const reports = state.reports.filter(({ arn }) => arns.includes(arn))
      return { reports, reportsNotFound: arns.filter((arn) => !reports.some((report) => report.arn === arn)) }
    },
  },
  members: ({ builds }) => ({
    /** Ends the newest build. */
    end(status: string, fields: Partial<Build> = {}) {
      const build = newestOf(builds)
      Object.assign(build, {
        buildStatus: status,
        buildComplete: true,
        currentPhase: 'COMPLETED',
        phases: [...build.phases, { phaseType: 'COMPLETED' }],
        endTime: build.startTime + 61,
        ...fields,
      })
    },
  }),
})

function start(
  { projects, builds, tokens, maxQueued }: State,
  request: string,
  {
    projectName: project,
    sourceVersion,
    idempotencyToken: token,
    environmentVariablesOverride: variables = [],
  }: {
    projectName: string
    sourceVersion?: string
    idempotencyToken?: string
    environmentVariablesOverride?: Variable[]
  },
): object | Reply {
  if (!projects.includes(project)) return notFound(`Project cannot be found: ${arnOf('project', project)}`)
  if (variables.some(({ name, value }) => !name || typeof value !== 'string'))
    return awsError('InvalidInputException', 'Invalid environment variable')
  if (sourceVersion === 'nope') return awsError('InvalidInputException', 'Invalid source version: nope')
  const earlier = token === undefined ? undefined : tokens.get(token)
  if (earlier)
    return earlier.request === request
      ? { build: earlier.build }
      : awsError('InvalidInputException', 'Idempotent parameter mismatch')
  if (builds.filter(({ buildComplete }) => !buildComplete).length >= maxQueued)
    return awsError(
      'AccountLimitExceededException',
      `Cannot have more than ${maxQueued} builds in queue for the account`,
    )
  const number = builds.length + 1
  const uuid = `12345678-90ab-cdef-1234-${number.toString(16).padStart(12, '0')}`
  const build: Build = {
    id: `${project}:${uuid}`,
    arn: arnOf('build', `${project}:${uuid}`),
    buildNumber: number,
    buildStatus: 'IN_PROGRESS',
    buildComplete: false,
    currentPhase: 'QUEUED',
    projectName: project,
    sourceVersion: sourceVersion || undefined,
    startTime: STARTED_AT,
    environment: {
      type: 'LINUX_CONTAINER',
      computeType: 'BUILD_GENERAL1_SMALL',
      image: 'aws/codebuild/standard:7.0',
      environmentVariables: [{ name: 'STAGE', value: 'dev', type: 'PLAINTEXT' }, ...variables],
    },
    phases: [{ phaseType: 'SUBMITTED', phaseStatus: 'SUCCEEDED' }, { phaseType: 'QUEUED' }],
    logs: {
      groupName: `/aws/codebuild/${project}`,
      streamName: uuid,
      deepLink:
        'https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Faws$252Fcodebuild',
    },
  }
  builds.push(build)
  if (token !== undefined) tokens.set(token, { request, build })
  return { build }
}

function arnOf(type: string, id: string): string {
  return `arn:aws:codebuild:eu-west-1:123456789012:${type}/${id}`
}

function notFound(message: string): Reply {
  return awsError('ResourceNotFoundException', message)
}

export const jobRow = {
  starts: /^StartBuild$/,
  start: startWith(startCodeBuild, ({ url: endpoint, state, end }) => ({
    connection: { endpoint, region: 'eu-west-1' },
    input: { target: 'shop-build' },
    ...runsIn(() => state.builds.map((run) => [run.id, run.buildStatus === 'STOPPED'])),
    ...stages(end, undefined, 'SUCCEEDED'),
  })),
} satisfies JobRow
