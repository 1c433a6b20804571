import * as z from 'zod/mini'
import { Failure, invalidInput, refused } from '../../../shared/errors.ts'
import { oneOf, optional, word } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJob, type RunResults } from '../../../shared/providers/define-job.ts'
import type { StartJob, Verdict } from '../../../shared/providers/job.ts'
import { allowParameters } from '../../../shared/providers/job-variables.ts'
import { refuseReplacedValues } from '../../../shared/providers/refuse-replaced-values.ts'
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
  target: optional(word('Default pipeline, by name or id')),
  ref: optional(word("Default branch, or a full ref such as refs/tags/v1. Defaults to the pipeline's default branch")),
  parametersAre: z._default(
    oneOf(['parameters', 'variables'], 'Whether the parameters of a call become pipeline parameters or variables'),
    'parameters',
  ),
  allowParameters,
  keyParameter: optional(
    word(
      'Pipeline parameter or variable that receives the idempotency key, so that a retry can find the run. Every pipeline of this connection must have it',
    ),
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
/** The idempotency key appears in the parameters of a run, or in its name. */
const runList = z.object({
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
 * Azure Pipelines: runs a YAML pipeline. The Pipelines API starts the run. The Builds API, which uses the same ids, does the
 * rest: it also reports partial success and the cause of a failure, and can cancel.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/pipelines/runs
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/build/builds
 */
export const azurePipelines = defineJob({
  title: 'Azure Pipelines',
  noun: 'run',
  notifiedBy: { type: 'azure-devops', wakeId: ({ id }) => id.split('#')[1] },
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

  project: azureDevopsProject,
  runId: {
    pattern: /^[^#]+#\d{1,10}$/,
    description: `a run id such as ${azureDevopsProject.example}#33, or a number together with input.project`,
    within: 'project',
  },
  identify: ({ id }: Pick<Build, 'id'>, { http: { baseUrl } }, project) => ({
    id: String(id),
    url: `${baseUrl}/${projectPath(project)}/_build/results?buildId=${id}`,
  }),

  checkStart(input, { keyParameter }) {
    if (keyParameter && Object.hasOwn(input.parameters ?? {}, keyParameter))
      throw invalidInput('input.parameters', `must not contain ${keyParameter}: it is reserved for the idempotency key`)
    const explanation =
      'must not contain $( or $[, because Azure Pipelines would replace it with the value of a variable'
    refuseReplacedValues(input.parameters, /\$[([]/, explanation)
  },

  search: {
    pageSize: { first: 50, retry: 200 },
    needs: { text: '`keyParameter` in the connection', without: { keyParameter: undefined } },
    async list(client, input, { since, size }) {
      if (!client.connection.keyParameter) return 'unknown'
      const query = {
        definitions: await pipelineIdOf(client, input),
        queryOrder: 'queueTimeDescending',
        minTime: since.toISOString(),
        $top: size,
      }
      const { body } = await ask(client, 'GET', input.project ?? '', 'build/builds', { query, schema: runList })
      return { runs: body.value, next: body.value.length < size ? undefined : '2' }
    },
    hasKey: ({ buildNumber, parameters, templateParameters }, { idempotencyKey }) =>
      JSON.stringify([buildNumber, parameters, templateParameters]).includes(idempotencyKey),
  },

  async start(client, input) {
    const { connection, idempotencyKey } = client
    const { parametersAre, keyParameter } = connection
    const texts = {
      ...toTextParameters(input.parameters),
      ...(keyParameter && idempotencyKey ? { [keyParameter]: idempotencyKey } : {}),
    }
    const ref = input.ref || connection.ref
    const body = {
      ...(ref ? { resources: { repositories: { self: { refName: fullRef(ref) } } } } : {}),
      ...(parametersAre === 'parameters' ? { templateParameters: texts } : { variables: variablesOf(texts) }),
    }
    const path = `pipelines/${segment(await pipelineIdOf(client, input))}/runs`
    return (await ask(client, 'POST', input.project ?? '', path, { body, schema: started })).body
  },

  async getStatus(client, { parent: project, localId }) {
    const run = (await ask(client, 'GET', project, buildPath(localId), { schema: build })).body
    const state = [run.status, run.status === 'completed' ? run.result : ''].filter(Boolean).join('/')
    const path = `${buildPath(localId)}/timeline`
    const readable = await ifReadable(ask(client, 'GET', project, path, { schema: timeline }))
    const records = readable?.body?.records ?? []
    if (run.status !== 'completed') return { state, run, progress: stepOf(records) }
    return { state, run, results: () => resultsOf(client, project, run, records) }
  },

  async stop(client, { parent, localId }) {
    await ask(client, 'PATCH', parent, buildPath(localId), { body: { status: 'cancelling' }, schema: started })
  },
})

/**
 * Returns the id of a pipeline that is given by id or by name.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/build/definitions/list
 * @throws Failure `refused` if there is no such pipeline, or several in different folders
 */
async function pipelineIdOf(azure: AzureDevops, { project = '', target }: StartJob): Promise<number> {
  if (/^\d{1,10}$/.test(target)) return Number(target)
  const query = { name: target }
  const { body } = await ask(azure, 'GET', project, 'build/definitions', { query, schema: definitionList })
  // The name in the query is a pattern.
  const matches = body.value.filter(({ name }) => name.toLowerCase() === target.toLowerCase())
  const [found, another] = matches
  if (found && !another) return found.id
  const ids = matches.map(({ id, path }) => `${id} in ${path}`).join(', ')
  const reason = another
    ? `has several pipelines "${target}" (${ids}). Use the id instead`
    : `has no pipeline "${target}"`
  throw refused(`The Azure DevOps project ${project} ${reason}.`)
}

function variablesOf(texts: Record<string, string>): Record<string, { value: string }> {
  return Object.fromEntries(Object.entries(texts).map(([name, value]) => [name, { value }]))
}

function fullRef(ref: string): string {
  return ref.startsWith('refs/') ? ref : `refs/heads/${ref}`
}

async function resultsOf(
  azure: AzureDevops,
  project: string,
  { id, result, startTime, finishTime, validationResults }: Build,
  records: TimelineRecord[],
): Promise<RunResults> {
  const tests = await testsOf(azure, project, id)
  const failure = result === 'failed' ? failureIn(records) : undefined
  const invalidity = validationResults?.map(({ message }) => message).find(Boolean) ?? undefined
  return {
    reason: failure?.reason ?? invalidity,
    data: { ...(tests ? { tests } : {}), ...failure?.places },
    metrics: { ...tests },
    period: { start: startTime, end: finishTime },
  }
}

/**
 * Returns the test results of a run. Reading them requires a separate scope.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/test/runs/list
 */
async function testsOf(azure: AzureDevops, project: string, id: number) {
  const query = { buildUri: `vstfs:///Build/Build/${id}`, includeRunDetails: true }
  const readable = await ifReadable(ask(azure, 'GET', project, 'test/runs', { query, schema: testRuns }))
  const runs = readable?.body.value ?? []
  const total = sum(runs.map(({ totalTests }) => totalTests))
  if (total === 0) return undefined
  const passed = sum(runs.map(({ passedTests }) => passedTests))
  // "Unanalyzed" is Azure's term for failed tests that no one has analyzed.
  return { total, passed, failed: sum(runs.map(({ unanalyzedTests }) => unanalyzedTests)) }
}

/** Returns undefined if the token may not read these details. The verdict does not depend on them. */
async function ifReadable<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request
  } catch (error) {
    if (error instanceof Failure && ['refused', 'credentials'].includes(error.kind)) return undefined
    throw error
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((one, other) => one + other, 0)
}

function buildPath(number: string): string {
  return `build/builds/${segment(number)}`
}
