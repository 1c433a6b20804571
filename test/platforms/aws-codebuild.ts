import { newestOf, ok, type Reply } from '../../infra/sandbox/platforms/loopback-server.ts'
import { awsError, type JsonServer, serveJson } from './aws-json.ts'

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
  sourceVersion?: string
  resolvedSourceVersion?: string
  /** In seconds, as the API has all times. */
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

/** The state of the fake. Tests read and change it. */
interface CodeBuildState {
  projects: string[]
  builds: Build[]
  reports: Report[]
  /** The request and the build of each idempotency token. */
  tokens: Map<string, { asked: string; build: Build }>
  /** Operations that the caller's role does not allow. */
  denied: string[]
  /** How many of the newest builds are not listed yet. */
  listsLate: number
  maxQueued: number
}

export interface CodeBuildServer extends JsonServer {
  state: CodeBuildState
  end(status: string, more?: Partial<Build>): void
}

/**
 * AWS CodeBuild as its API answers: JSON 1.1, the operation in a header, the kind of an error in `__type`.
 *
 * @see https://docs.aws.amazon.com/codebuild/latest/APIReference/Welcome.html
 */
export async function startCodeBuild(): Promise<CodeBuildServer> {
  const state: CodeBuildState = {
    projects: ['shop-build', 'cart-build'],
    builds: [],
    reports: [],
    tokens: new Map(),
    denied: [],
    listsLate: 0,
    maxQueued: 10,
  }
  const { operations } = createCodeBuild(state)
  const served = await serveJson({
    ...{ service: 'codebuild', target: 'CodeBuild_20161006', version: '1.1', state },
    operations,
  })
  return {
    ...served,
    state,
    end(status, more = {}) {
      const build = newestOf(state.builds)
      const phases = [...build.phases, { phaseType: 'COMPLETED' }]
      const now = { buildStatus: status, buildComplete: true, currentPhase: 'COMPLETED', phases }
      Object.assign(build, now, { endTime: build.startTime + 61, ...more })
    },
  }
}

type Input = Record<string, unknown>

const STARTED_AT = 1_764_000_000

function createCodeBuild(state: CodeBuildState) {
  const operations: Record<string, (input: Input) => Reply> = {
    StartBuild: (input) => start(input),
    BatchGetBuilds: (input) => get(input),
    ListBuildsForProject: (input) => list(input),
    StopBuild: (input) => stop(input),
    BatchGetReports: (input) => getReports(input),
  }

  function start(input: Input): Reply {
    const { builds, tokens, maxQueued } = state
    const { projectName: project, sourceVersion, idempotencyToken: token } = input as Record<string, string>
    const variables = (input['environmentVariablesOverride'] ?? []) as Variable[]
    if (!project || !state.projects.includes(project))
      return awsError(
        'ResourceNotFoundException',
        `Project cannot be found: arn:aws:codebuild:eu-west-1:123456789012:project/${project}`,
      )
    if (variables.some(({ name, value }) => !name || typeof value !== 'string'))
      return awsError('InvalidInputException', 'Invalid environment variable')
    if (sourceVersion === 'nope') return awsError('InvalidInputException', 'Invalid source version: nope')
    const asked = JSON.stringify(input)
    const earlier = token === undefined ? undefined : tokens.get(token)
    if (earlier) {
      return earlier.asked === asked
        ? ok({ build: earlier.build })
        : awsError('InvalidInputException', 'Idempotent parameter mismatch')
    }
    if (builds.filter(({ buildComplete }) => !buildComplete).length >= maxQueued)
      return awsError(
        'AccountLimitExceededException',
        `Cannot have more than ${maxQueued} builds in queue for the account`,
      )
    const number = builds.length + 1
    const uuid = `12345678-90ab-cdef-1234-${number.toString(16).padStart(12, '0')}`
    const region = 'eu-west-1'
    const logs = `https://console.aws.amazon.com/cloudwatch/home?region=${region}#logsV2:log-groups/log-group/$252Faws$252Fcodebuild`
    const build: Build = {
      id: `${project}:${uuid}`,
      arn: `arn:aws:codebuild:${region}:123456789012:build/${project}:${uuid}`,
      buildNumber: number,
      buildStatus: 'IN_PROGRESS',
      buildComplete: false,
      currentPhase: 'QUEUED',
      projectName: project,
      ...(sourceVersion ? { sourceVersion } : {}),
      startTime: STARTED_AT,
      environment: {
        type: 'LINUX_CONTAINER',
        computeType: 'BUILD_GENERAL1_SMALL',
        image: 'aws/codebuild/standard:7.0',
        environmentVariables: [{ name: 'STAGE', value: 'dev', type: 'PLAINTEXT' }, ...variables],
      },
      phases: [{ phaseType: 'SUBMITTED', phaseStatus: 'SUCCEEDED' }, { phaseType: 'QUEUED' }],
      logs: { groupName: `/aws/codebuild/${project}`, streamName: uuid, deepLink: logs },
    }
    builds.push(build)
    if (token !== undefined) tokens.set(token, { asked, build })
    return ok({ build })
  }

  function get(input: Input): Reply {
    const ids = input['ids'] as string[]
    if (ids.length === 0 || ids.length > 100) return awsError('InvalidInputException', 'Invalid number of build IDs')
    const builds = state.builds.filter(({ id }) => ids.includes(id))
    const buildsNotFound = ids.filter((id) => !builds.some((build) => build.id === id))
    return ok({ builds, buildsNotFound })
  }

  function list({ projectName, sortOrder, nextToken }: Input): Reply {
    if (!state.projects.includes(String(projectName)))
      return awsError(
        'ResourceNotFoundException',
        `The provided project arn:aws:codebuild:eu-west-1:123456789012:project/${projectName} does not exist`,
      )
    const listed = state.builds.slice(0, state.builds.length - state.listsLate)
    const ids = listed.filter((build) => build.projectName === projectName).map(({ id }) => id)
    if (sortOrder !== undefined && ids.length > 100)
      return awsError('InvalidInputException', 'Sort order is not supported for more than 100 builds')
    const from = Number(nextToken ?? 0)
    const page = ids.toReversed().slice(from, from + 100)
    return ok({ ids: page, ...(from + 100 < ids.length ? { nextToken: String(from + 100) } : {}) })
  }

  function stop({ id }: Input): Reply {
    const build = state.builds.find((one) => one.id === id)
    if (!build) return awsError('ResourceNotFoundException', `Build ${id} cannot be found`)
    if (build.buildComplete) return awsError('InvalidInputException', `Build ${id} is not in progress`)
    const phases = [...build.phases, { phaseType: 'BUILD', phaseStatus: 'STOPPED' }]
    Object.assign(build, { buildStatus: 'STOPPED', buildComplete: true, currentPhase: 'COMPLETED', phases })
    return ok({ build })
  }

  function getReports(input: Input): Reply {
    const arns = input['reportArns'] as string[]
    const reports = state.reports.filter(({ arn }) => arns.includes(arn))
    return ok({ reports, reportsNotFound: arns.filter((arn) => !reports.some((report) => report.arn === arn)) })
  }

  return { operations }
}
