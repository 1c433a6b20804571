import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'

interface TimelineRecord {
  id: string
  parentId: string | null
  type: string
  name: string
  state: string
  result: string | null
  order?: number
  finishTime?: string
  issues?: { type: string; message: string }[]
}

interface Build {
  id: number
  definition: number
  buildNumber: string
  status: string
  result: string | null
  sourceBranch: string
  templateParameters: Record<string, string>
  variables: Record<string, string>
  queueTime: string
  startTime: string | null
  finishTime: string | null
  /** Null before the start. */
  records: TimelineRecord[] | undefined
  tests: { totalTests: number; passedTests: number; unanalyzedTests: number }[]
  validationResults: { result: string; message: string }[]
}

interface Definition {
  id: number
  name: string
  path: string
  /** The parameters that its YAML declares. */
  parameters: string[]
  /** The parameter that its name echoes. */
  named?: string
}

/** The state of the fake. Tests read and change it. */
interface AzurePipelinesState {
  definitions: Definition[]
  builds: Build[]
  branches: string[]
  /** The pipeline accepts only variables that it declares, and it declares none. */
  limitsVariables: boolean
  mayRun: boolean
  /** The one version of the API that it knows. */
  version: string
  /** Whether the token has the scope to read tests. */
  readsTests: boolean
  /** Whether a run takes its time to end when it is cancelled. */
  slow: boolean
}

export interface AzurePipelinesServer extends Served {
  token: string
  state: AzurePipelinesState
  /** Completes the newest run one minute after its start. */
  finish(result: string, what?: Partial<Build>): void
}

const project = '/fabrikam/Fabrikam Fiber'
const minute = 60_000

/**
 * Azure DevOps' APIs of pipelines, builds and tests with one project.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/pipelines/runs
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/build/builds
 */
export async function startAzurePipelines(): Promise<AzurePipelinesServer> {
  const token = 'a-personal-token-of-azure'
  const state: AzurePipelinesState = {
    definitions: [
      { id: 297, name: 'Deploy', path: '\\', parameters: ['stage', 'replicas', 'key'] },
      { id: 298, name: 'Deploy all', path: '\\', parameters: [] },
      { id: 299, name: 'Nightly', path: '\\eu', parameters: [] },
      { id: 300, name: 'Nightly', path: '\\us', parameters: [] },
    ],
    builds: [],
    branches: ['refs/heads/main', 'refs/heads/release/1.2', 'refs/tags/v1'],
    limitsVariables: false,
    mayRun: true,
    version: '7.1',
    readsTests: true,
    slow: false,
  }
  const authorization = `Basic ${Buffer.from(`:${token}`).toString('base64')}`
  const served = await serve((call) => {
    if (call.headers['authorization'] !== authorization) return { status: 401 }
    if (call.query.get('api-version') !== state.version) {
      return refused(
        400,
        'VssVersionOutOfRangeException',
        `The requested REST API version is out of range: ${state.version}.`,
      )
    }
    return createAzure(state).answer(call)
  })
  return {
    ...served,
    token,
    state,
    finish(result, what = {}) {
      const build = newestOf(state.builds)
      const startTime = build.queueTime
      const finishTime = new Date(Date.parse(startTime) + minute).toISOString()
      Object.assign(build, { status: 'completed', result, startTime, finishTime, ...what })
    },
  }
}

function refused(status: number, type: string, message: string): Reply {
  return { status, body: { $id: '1', innerException: null, message, typeKey: type, errorCode: 0, eventId: 3000 } }
}

function createAzure(state: AzurePipelinesState) {
  function answer({ method, path, query, body }: Call): Reply {
    if (!path.startsWith(`${project}/_apis/`)) {
      const message = 'TF200016: The following project does not exist. Verify that the name of the project is correct.'
      return refused(404, 'ProjectDoesNotExistWithNameException', message)
    }
    const rest = path.slice(`${project}/_apis/`.length)
    if (rest === 'build/definitions') return listDefinitions(query)
    if (rest === 'build/builds') return list(query)
    if (rest === 'test/runs') return listTests(query)
    const [, pipeline] = /^pipelines\/(\d+)\/runs$/.exec(rest) ?? []
    if (pipeline) return run(Number(pipeline), body as Record<string, unknown>)
    const [, id, timeline] = /^build\/builds\/(\d+)(\/timeline)?$/.exec(rest) ?? []
    const build = state.builds.find((one) => String(one.id) === id)
    if (!build) return refused(404, 'BuildNotFoundException', `The requested build ${id} could not be found.`)
    if (timeline) return build.records ? ok({ records: build.records }) : { status: 204 }
    return method === 'PATCH' ? cancel(build) : ok(shown(build))
  }

  function listDefinitions(query: URLSearchParams): Reply {
    const name = query.get('name')?.toLowerCase()
    // A name is a pattern.
    const value = state.definitions
      .filter((one) => name === undefined || one.name.toLowerCase().startsWith(name.replace(/\*$/, '')))
      .slice(0, Number(query.get('$top') ?? 10_000))
      .map(({ id, name, path }) => ({ id, name, path, type: 'build' }))
    return ok({ count: value.length, value })
  }

  function run(pipeline: number, asked: Record<string, unknown>): Reply {
    const definition = state.definitions.find(({ id }) => id === pipeline)
    if (!definition) {
      return refused(404, 'PipelineNotFoundException', `Pipeline ${pipeline} not found. Verify that it exists.`)
    }
    if (!state.mayRun) {
      const message = 'TF215106: Access denied. Robot needs Queue builds permissions for pipeline 297 to do this.'
      return refused(403, 'AccessDeniedException', message)
    }
    const {
      resources,
      templateParameters = {},
      variables = {},
    } = asked as {
      resources?: { repositories: { self: { refName: string } } }
      templateParameters?: Record<string, string>
      variables?: Record<string, { value: string }>
    }
    const sourceBranch = resources?.repositories.self.refName ?? 'refs/heads/main'
    const wrong = findError(definition, sourceBranch, Object.keys(templateParameters), Object.keys(variables))
    if (wrong) return refused(400, 'PipelineValidationException', wrong)
    const build: Build = {
      id: 33 + state.builds.length,
      definition: pipeline,
      buildNumber: `20260101.${1 + state.builds.length} ${templateParameters[definition.named ?? ''] ?? ''}`.trim(),
      status: 'notStarted',
      result: null,
      sourceBranch,
      templateParameters: definition.named ? {} : templateParameters,
      variables: Object.fromEntries(Object.entries(variables).map(([name, { value }]) => [name, value])),
      queueTime: new Date().toISOString(),
      startTime: null,
      finishTime: null,
      records: undefined,
      tests: [],
      validationResults: [],
    }
    state.builds.push(build)
    const { id, name } = definition
    return ok({ id: build.id, name: build.buildNumber, state: 'inProgress', pipeline: { id, name } })
  }

  function findError(
    definition: Definition,
    branch: string,
    parameters: string[],
    variables: string[],
  ): string | undefined {
    if (!state.branches.includes(branch)) {
      return `Could not get the latest source version for repository Fiber hosted on Azure Repos using ref ${branch}.`
    }
    const [unknown] = parameters.filter((name) => !definition.parameters.includes(name))
    if (unknown) return `/azure-pipelines.yml: Unexpected parameter '${unknown}'`
    if (variables.length === 0 || !state.limitsVariables) return undefined
    return `You can't set the following variables (${variables}). If you want to be able to set these variables, then edit the pipeline and select Let users override this value when running this pipeline.`
  }

  function list(query: URLSearchParams): Reply {
    const since = Date.parse(query.get('minTime') ?? '1970-01-01')
    const value = state.builds
      .filter((one) => String(one.definition) === query.get('definitions') && Date.parse(one.queueTime) >= since)
      .sort((one, other) => other.id - one.id)
      .slice(0, Number(query.get('$top') ?? 1_000))
      .map(shown)
    return ok({ count: value.length, value })
  }

  function listTests(query: URLSearchParams): Reply {
    if (!state.readsTests) return { status: 401 }
    const build = state.builds.find(({ id }) => query.get('buildUri') === `vstfs:///Build/Build/${id}`)
    const value = build?.tests ?? []
    return ok({ count: value.length, value })
  }

  function cancel(build: Build): Reply {
    if (!state.mayRun) return refused(403, 'AccessDeniedException', 'Access denied. Robot needs Stop builds.')
    if (build.status === 'completed') {
      return refused(400, 'BuildStatusInvalidChangeException', `The status of build ${build.id} cannot be changed.`)
    }
    Object.assign(build, state.slow ? { status: 'cancelling' } : { status: 'completed', result: 'canceled' })
    return ok(shown(build))
  }

  return { answer }
}

/** Omits properties without a value. */
function shown({ records: _, tests: __, variables, definition, ...build }: Build) {
  const held = { ...build, definition: { id: definition }, parameters: JSON.stringify(variables) }
  return Object.fromEntries(Object.entries(held).filter(([, value]) => value !== null))
}
