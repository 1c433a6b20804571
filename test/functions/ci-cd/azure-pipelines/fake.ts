import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { basic } from '../../../../infra/testing/require-header.ts'
import { type JobRow, runsIn, stages, startWith } from '../../../conformance/row.ts'

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
  /** Undefined before the start. */
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
  /** The parameter whose value is part of the build number. */
  named?: string
}

export type AzurePipelinesServer = Awaited<ReturnType<typeof startAzurePipelines>>

type State = ReturnType<typeof initial>

const TOKEN = 'a-personal-token-of-azure'
const BASE = '/fabrikam/Fabrikam Fiber/_apis'

const initial = () => ({
  definitions: [
    { id: 297, name: 'Deploy', path: '\\', parameters: ['stage', 'replicas', 'key'] },
    { id: 298, name: 'Deploy all', path: '\\', parameters: [] },
    { id: 299, name: 'Nightly', path: '\\eu', parameters: [] },
    { id: 300, name: 'Nightly', path: '\\us', parameters: [] },
  ] as Definition[],
  builds: [] as Build[],
  branches: ['refs/heads/main', 'refs/heads/release/1.2', 'refs/tags/v1'],
  /** The pipeline accepts only variables that it declares, and it declares none. */
  limitsVariables: false,
  mayRun: true,
  /** The only version of the API. */
  version: '7.1',
  /** The token has the scope to read tests. */
  readsTests: true,
  /** A canceled run continues for a while. */
  slow: false,
})

/**
 * Azure DevOps' APIs of pipelines, builds and tests with one project.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/pipelines/runs
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/build/builds
 */
const startAzurePipelines = definePlatform({
  base: BASE,
  state: initial,
  refuses({ path, query, headers }, { version }) {
    if (headers['authorization'] !== basic('', TOKEN)) return { status: 401 }
    if (query.get('api-version') !== version)
      return refusal(
        400,
        'VssVersionOutOfRangeException',
        `The requested REST API version is out of range: ${version}.`,
      )
    if (path.startsWith(`${BASE}/`)) return undefined
    const message = 'TF200016: The following project does not exist. Verify that the name of the project is correct.'
    return refusal(404, 'ProjectDoesNotExistWithNameException', message)
  },
  routes: {
    'GET /build/definitions': ({ state, query }) => {
      // `name` is a pattern.
      const prefix = (query.get('name') ?? '').toLowerCase().replace(/\*$/, '')
      const found = state.definitions.filter(({ name }) => name.toLowerCase().startsWith(prefix))
      const value = found.map(({ id, name, path }) => ({ id, name, path, type: 'build' }))
      return listOf(value.slice(0, Number(query.get('$top') ?? 10_000)))
    },
    'GET /build/builds': ({ state, query }) => {
      const since = Date.parse(query.get('minTime') ?? '1970-01-01')
      const found = state.builds
        .filter(({ definition }) => String(definition) === query.get('definitions'))
        .filter(({ queueTime }) => Date.parse(queueTime) >= since)
        .toSorted((build, other) => other.id - build.id)
      return listOf(found.slice(0, Number(query.get('$top') ?? 1_000)).map(toResponse))
    },
    'GET /test/runs': ({ state, query }) => {
      if (!state.readsTests) return { status: 401 }
      const build = state.builds.find(({ id }) => query.get('buildUri') === `vstfs:///Build/Build/${id}`)
      return listOf(build?.tests ?? [])
    },
    'POST /pipelines/{pipeline}/runs': ({ state, params, body }) => run(state, Number(params.pipeline), body),
    'GET /build/builds/{id}': ({ state, params }) => {
      const build = find(state, params.id)
      return build && toResponse(build)
    },
    'PATCH /build/builds/{id}': ({ state, params }) => {
      const build = find(state, params.id)
      return build && cancel(state, build)
    },
    'GET /build/builds/{id}/timeline': ({ state, params }) => {
      const build = find(state, params.id)
      if (!build) return undefined
      return build.records ? { records: build.records } : { status: 204 }
    },
  },
  notFound: ({ path }) => {
    const id = path.split('/')[6]
    return refusal(404, 'BuildNotFoundException', `The requested build ${id} could not be found.`)
  },
  members: ({ builds }) => ({
    token: TOKEN,
    /** Completes the newest run one minute after its start. */
    finish(result: string, fields: Partial<Build> = {}) {
      const build = newestOf(builds)
      const startTime = build.queueTime
      const finishTime = new Date(Date.parse(startTime) + 60_000).toISOString()
      Object.assign(build, { status: 'completed', result, startTime, finishTime, ...fields })
    },
  }),
})

function refusal(status: number, type: string, message: string): Reply {
  return { status, body: { $id: '1', innerException: null, message, typeKey: type, errorCode: 0, eventId: 3000 } }
}

function listOf(value: object[]): object {
  return { count: value.length, value }
}

function find({ builds }: State, id: string): Build | undefined {
  return builds.find((build) => String(build.id) === id)
}

interface RunRequest {
  resources?: { repositories: { self: { refName: string } } }
  templateParameters?: Record<string, string>
  variables?: Record<string, { value: string }>
}

function run(state: State, pipeline: number, request: RunRequest): object | Reply {
  const { definitions, builds, mayRun } = state
  const definition = definitions.find(({ id }) => id === pipeline)
  if (!definition)
    return refusal(404, 'PipelineNotFoundException', `Pipeline ${pipeline} not found. Verify that it exists.`)
  if (!mayRun) {
    const message = 'TF215106: Access denied. Robot needs Queue builds permissions for pipeline 297 to do this.'
    return refusal(403, 'AccessDeniedException', message)
  }
  const invalid = problemIn(state, definition, request)
  if (invalid) return refusal(400, 'PipelineValidationException', invalid)
  const { resources, templateParameters = {}, variables = {} } = request
  const build: Build = {
    id: 33 + builds.length,
    definition: pipeline,
    buildNumber: `20260101.${1 + builds.length} ${templateParameters[definition.named ?? ''] ?? ''}`.trim(),
    status: 'notStarted',
    result: null,
    sourceBranch: resources?.repositories.self.refName ?? 'refs/heads/main',
    templateParameters: definition.named ? {} : templateParameters,
    variables: Object.fromEntries(Object.entries(variables).map(([name, { value }]) => [name, value])),
    queueTime: new Date().toISOString(),
    startTime: null,
    finishTime: null,
    records: undefined,
    tests: [],
    validationResults: [],
  }
  builds.push(build)
  const { id, name } = definition
  return { id: build.id, name: build.buildNumber, state: 'inProgress', pipeline: { id, name } }
}

function problemIn(
  { branches, limitsVariables }: State,
  definition: Definition,
  { resources, templateParameters = {}, variables = {} }: RunRequest,
): string | undefined {
  const branch = resources?.repositories.self.refName ?? 'refs/heads/main'
  if (!branches.includes(branch))
    return `Could not get the latest source version for repository Fiber hosted on Azure Repos using ref ${branch}.`
  const unknown = Object.keys(templateParameters).find((name) => !definition.parameters.includes(name))
  if (unknown) return `/azure-pipelines.yml: Unexpected parameter '${unknown}'`
  const names = Object.keys(variables)
  if (names.length === 0 || !limitsVariables) return undefined
  return `You can't set the following variables (${names}). If you want to be able to set these variables, then edit the pipeline and select Let users override this value when running this pipeline.`
}

function cancel({ mayRun, slow }: State, build: Build): object | Reply {
  if (!mayRun) return refusal(403, 'AccessDeniedException', 'Access denied. Robot needs Stop builds.')
  if (build.status === 'completed')
    return refusal(400, 'BuildStatusInvalidChangeException', `The status of build ${build.id} cannot be changed.`)
  Object.assign(build, slow ? { status: 'cancelling' } : { status: 'completed', result: 'canceled' })
  return toResponse(build)
}

/** Omits properties without a value. */
function toResponse({ records: _, tests: __, variables, definition, ...build }: Build) {
  const fields = { ...build, definition: { id: definition }, parameters: JSON.stringify(variables) }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
}

export const jobRow = {
  starts: /^POST .*\/runs$/,
  start: startWith(startAzurePipelines, ({ url: baseUrl, token, state, finish }) => {
    const project = 'fabrikam/Fabrikam Fiber'
    const enter = (name: string) => {
      const [status = '', result] = name.split('/')
      if (result) finish(result)
      else Object.assign(state.builds.at(-1) ?? {}, { status })
    }
    return {
      connection: { baseUrl, token, project, keyParameter: 'key' },
      input: { target: 'Deploy' },
      ...runsIn(() => state.builds.map((run) => [`${project}#${run.id}`, run.result === 'canceled'])),
      ...stages(enter, 'inProgress', 'completed/succeeded'),
    }
  }),
} satisfies JobRow
