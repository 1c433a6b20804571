import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { oneOf, optional, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import {
  defineJobProvider,
  type Run,
  type RunStatus,
  type StartJob,
  type StopJob,
  type Verdict,
} from '../../../shared/providers/job.ts'
import { allowParameters } from '../../../shared/providers/job-variables.ts'
import { resolveProject } from '../../../shared/providers/project.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import {
  type AzureDevops,
  ask,
  azureDevopsApi,
  azureDevopsConnection,
  azureDevopsProject,
  projectPath,
} from '../../../shared/vendors/azure-devops.ts'
import { failureIn, stepOf, type TimelineRecord, timeline } from '../../../shared/vendors/azure-timeline.ts'

const connection = z.strictObject({
  ...azureDevopsConnection,
  target: optional(word('Default pipeline: its name or its id')),
  ref: optional(word("Default branch, or a whole ref such as refs/tags/v1; the pipeline's default where left out")),
  parametersAre: z._default(
    oneOf(
      ['parameters', 'variables'],
      'What the parameters of a call become: parameters of the pipeline, or variables',
    ),
    'parameters',
  ),
  allowParameters,
  keyParameter: optional(
    word('The parameter, or variable, of the pipeline that takes the key of a call, so that a run is found by it'),
  ),
})

const definitionList = z.object({
  value: z.array(z.object({ id: z.int(), name: z.string(), path: optional(z.string()) })),
})
const started = z.object({ id: z.int() })
const build = z.object({
  id: z.int(),
  status: z.string(),
  result: z.nullish(z.string()),
  startTime: z.nullish(z.string()),
  finishTime: z.nullish(z.string()),
  validationResults: z.nullish(z.array(z.object({ message: z.nullish(z.string()) }))),
})
type Build = z.output<typeof build>
/** Where the key of a call may turn up again: in what the run was given, or in its name. */
const listed = z.object({
  value: z.array(
    z.object({
      id: z.int(),
      buildNumber: z.nullish(z.string()),
      parameters: z.nullish(z.string()),
      templateParameters: z.nullish(z.record(z.string(), z.unknown())),
    }),
  ),
})
const testRuns = z.object({
  value: z.array(z.object({ totalTests: z.int(), passedTests: z.int(), unanalyzedTests: z.int() })),
})

/** How many of the newest runs are looked at for a key. */
const lookedAt = { first: 50, again: 200 }
/** How far back a run of ours is looked for: as long as a repeat is known as one, or as a task may take. */
const remembered = 25 * 3_600_000
const longestTask = 31 * 24 * 3_600_000

const states: Record<string, Verdict> = {
  none: 'running',
  notStarted: 'running',
  postponed: 'running',
  inProgress: 'running',
  cancelling: 'running',
  'completed/succeeded': 'pass',
  'completed/partiallySucceeded': 'warning',
  'completed/failed': 'fail',
  'completed/canceled': 'aborted',
}

/**
 * Azure Pipelines: a run of a YAML pipeline. It is started by the API of pipelines; the rest is asked of that of builds,
 * which knows runs by the same id, and also what is partly successful, why it failed and how to cancel it.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/pipelines/runs
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/build/builds
 */
export const azurePipelines = defineJobProvider({
  title: 'Azure Pipelines',
  noun: 'run',
  connection,
  ...azureDevopsApi,
  states,
  variables: {
    reserved: ['AGENT_', 'ENDPOINT_', 'SYSTEM_', 'VSTS_'],
    appliesTo: ({ parametersAre }) => parametersAre === 'variables',
  },

  check(client) {
    const { project } = client.connection
    return ask(client, 'GET', project, 'build/definitions', { query: { $top: 1 }, schema: definitionList })
  },

  checkStart(input, connection) {
    resolveProject(input.project, connection, { title: 'Azure DevOps', project: azureDevopsProject }, true)
    const { keyParameter } = connection
    if (keyParameter && Object.hasOwn(input.parameters ?? {}, keyParameter))
      throw invalid('parameters', `must not set ${keyParameter}: it takes our key`)
  },

  async find(client, input) {
    const { http, connection, idempotencyKey: key, isRetry: repeated } = client
    if (!connection.keyParameter) return 'unknown'
    const { project = '' } = input
    const query = {
      definitions: await pipelineIdOf(client, input),
      queryOrder: 'queueTimeDescending',
      minTime: new Date(Date.now() - (repeated ? longestTask : remembered)).toISOString(),
      $top: repeated ? lookedAt.again : lookedAt.first,
    }
    const { body } = await ask(client, 'GET', project, 'build/builds', { query, schema: listed })
    const found = body.value.find(({ buildNumber, parameters, templateParameters }) =>
      JSON.stringify([buildNumber, parameters, templateParameters]).includes(key),
    )
    return found && runOf(http, project, found.id)
  },

  async start(client, input) {
    const { http, connection, idempotencyKey: key } = client
    const { project = '' } = input
    const { parametersAre, keyParameter } = connection
    const texts = { ...toTextParameters(input.parameters), ...(keyParameter && key ? { [keyParameter]: key } : {}) }
    const ref = input.ref || connection.ref
    const body = {
      ...(ref ? { resources: { repositories: { self: { refName: wholeRef(ref) } } } } : {}),
      ...(parametersAre === 'parameters' ? { templateParameters: texts } : { variables: variablesOf(texts) }),
    }
    const path = `pipelines/${segment(await pipelineIdOf(client, input))}/runs`
    const { body: run } = await ask(client, 'POST', project, path, { body, schema: started })
    return runOf(http, project, run.id)
  },

  async getStatus(client, { id }) {
    const { project, number } = locate({ id })
    const now = await readBuild(client, project, number)
    const state = [now.status, now.status === 'completed' ? now.result : ''].filter(Boolean).join('/')
    const path = `${buildPath(number)}/timeline`
    const shown = await whereShown(ask(client, 'GET', project, path, { schema: timeline }))
    const records = shown?.body?.records ?? []
    const sight = { state, run: runOf(client.http, project, now.id) }
    if (now.status !== 'completed') return { ...sight, progress: stepOf(records) }
    return { ...sight, ...(await resultsOf(client, project, now, records)) }
  },

  parseRunId(input) {
    const { project, number } = locate(input)
    return { id: `${project}#${number}` }
  },

  async stop(client, { id }) {
    const { project, number } = locate({ id })
    try {
      await ask(client, 'PATCH', project, buildPath(number), { body: { status: 'cancelling' }, schema: started })
    } catch (error) {
      // It may have come to its end in the meantime.
      const refused = error instanceof Failure && error.kind === 'refused'
      if (refused && (await readBuild(client, project, number)).status === 'completed') return
      throw error
    }
  },
})

/**
 * The number of a pipeline, which may be called by its name.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/build/definitions/list
 * @throws Failure `refused` where there is no such pipeline, or several in different folders
 */
async function pipelineIdOf(azure: AzureDevops, { project = '', target }: StartJob): Promise<number> {
  if (/^\d{1,10}$/.test(target)) return Number(target)
  const query = { name: target }
  const { body } = await ask(azure, 'GET', project, 'build/definitions', { query, schema: definitionList })
  // What is asked for is a pattern there.
  const named = body.value.filter(({ name }) => name.toLowerCase() === target.toLowerCase())
  const [found, another] = named
  if (found && !another) return found.id
  const places = named.map(({ id, path }) => `${id} in ${path}`).join(', ')
  const why = another ? `has several pipelines "${target}" (${places}): write its id` : `has no pipeline "${target}"`
  throw new Failure('refused', `The Azure DevOps project ${project} ${why}.`)
}

async function readBuild(azure: AzureDevops, project: string, number: string): Promise<Build> {
  return (await ask(azure, 'GET', project, buildPath(number), { schema: build })).body
}

function variablesOf(texts: Record<string, string>): Record<string, { value: string }> {
  return Object.fromEntries(Object.entries(texts).map(([name, value]) => [name, { value }]))
}

function wholeRef(ref: string): string {
  return ref.startsWith('refs/') ? ref : `refs/heads/${ref}`
}

async function resultsOf(
  azure: AzureDevops,
  project: string,
  { id, result, startTime, finishTime, validationResults }: Build,
  records: TimelineRecord[],
): Promise<Partial<RunStatus>> {
  const numbers: Record<string, number> =
    startTime && finishTime ? { duration: Math.round((Date.parse(finishTime) - Date.parse(startTime)) / 1_000) } : {}
  const tests = await testsOf(azure, project, id)
  const failure = result === 'failed' ? failureIn(records) : undefined
  const invalidity = validationResults?.map(({ message }) => message).find(Boolean) ?? undefined
  return {
    reason: failure?.reason ?? invalidity,
    data: { ...numbers, ...(tests ? { tests } : {}), ...failure?.places },
    metrics: { ...numbers, ...tests },
    period: { start: startTime, end: finishTime },
  }
}

/**
 * What the run has tested; reading that takes a scope of its own.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/test/runs/list
 */
async function testsOf(azure: AzureDevops, project: string, id: number) {
  const query = { buildUri: `vstfs:///Build/Build/${id}`, includeRunDetails: true }
  const shown = await whereShown(ask(azure, 'GET', project, 'test/runs', { query, schema: testRuns }))
  const runs = shown?.body.value ?? []
  const total = sum(runs.map(({ totalTests }) => totalTests))
  if (total === 0) return undefined
  const passed = sum(runs.map(({ passedTests }) => passedTests))
  // Azure's word for what failed and nobody has analyzed.
  return { total, passed, failed: sum(runs.map(({ unanalyzedTests }) => unanalyzedTests)) }
}

/** Details, which a run ends without where the token may not see them. */
async function whereShown<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof Failure && ['refused', 'credentials'].includes(error.kind)) return undefined
    throw error
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((one, other) => one + other, 0)
}

function runOf({ baseUrl }: Http, project: string, id: number): Run {
  return { id: `${project}#${id}`, url: `${baseUrl}/${projectPath(project)}/_build/results?buildId=${id}` }
}

function buildPath(number: string): string {
  return `build/builds/${segment(number)}`
}

/** An id is `organization/project#33`; a bare number goes with the project. */
function locate({ id, project: given }: StopJob): { project: string; number: string } {
  const found = /^(?:([^#]+)#|#)?(\d{1,10})$/.exec(id)
  const project = found?.[1] ?? given
  const number = found?.[2]
  if (number && project && azureDevopsProject.pattern.test(project)) return { project, number }
  throw invalid('id', `is no run: write it like ${azureDevopsProject.example}#33, or as a number with input.project`)
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
