import * as z from 'zod/mini'
import { type Failure, invalidInput, isTransient, refused } from '../../../shared/errors.ts'
import { oneOf, optional, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { isRefusedBecause } from '../../../shared/http/refusal.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJob, type IdentifiedRun } from '../../../shared/providers/define-job.ts'
import { type StartJob, startOutcomeUnknown, type Verdict } from '../../../shared/providers/job.ts'
import { allowParameters } from '../../../shared/providers/job-variables.ts'
import { refuseReplacedValues } from '../../../shared/providers/refuse-replaced-values.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { gitlabApi, gitlabConnection, gitlabProject, projectPath } from '../../../shared/vendors/gitlab.ts'
import { type Pipeline, pipeline, pipelineDetails, resultsOf } from './pipeline.ts'

const connection = z.strictObject({
  ...gitlabConnection,
  target: z._default(
    oneOf(['pipeline'], 'The only value: a project has one pipeline, so calls do not name it'),
    'pipeline',
  ),
  ref: optional(word("Default branch or tag. Defaults to the project's default branch")),
  parametersAre: z._default(
    oneOf(
      ['variables', 'inputs'],
      'Whether the parameters of a call become pipeline variables, or inputs (GitLab 17.10 or later)',
    ),
    'variables',
  ),
  allowParameters,
  keyInput: optional(
    word(
      'With inputs: input that receives the idempotency key and is part of workflow:name, so that a retry can find the pipeline',
    ),
  ),
  manual: z._default(
    oneOf(['wait', 'pass', 'fail'], 'Status of a pipeline that a manual job blocks: still running, passed or failed'),
    'wait',
  ),
})
type Connection = z.output<typeof connection>

const projectDetails = z.object({ default_branch: z.nullable(z.string()) })
const variableList = z.array(z.object({ key: z.string(), value: z.string() }))

/** Variables of GitLab's own templates, which choose images, charts and builders, or get their options. */
const TEMPLATE_VARIABLES = [
  'ANALYZER_',
  'AUTO_BUILD_',
  'AUTO_DEPLOY_',
  'AUTO_DEVOPS_',
  'BUILDPACK_',
  'CS_',
  'DAST_',
  'DS_',
  'HELM_',
  'K8S_SECRET_',
  'KUBE_',
  'SAST_',
  'SECRET_DETECTION_',
  'SECURE_',
  'TEMPLATE_REGISTRY_',
]
/** Variable that contains the idempotency key. */
const KEY_VARIABLE = 'WEBHOOKS_KEY'
/** The variables of a pipeline are visible to the user who started it, and to maintainers. */
const FORBIDDEN = 403
/** GitLab's name for a success in which a job failed that is allowed to fail. */
const SUCCESS_WITH_WARNINGS = 'success-with-warnings'

const naming = { title: 'GitLab CI', noun: 'pipeline' }

const states: Record<string, Verdict> = {
  created: 'running',
  waiting_for_resource: 'running',
  waiting_for_callback: 'running',
  preparing: 'running',
  pending: 'running',
  running: 'running',
  scheduled: 'running',
  manual: 'running',
  canceling: 'running',
  success: 'pass',
  [SUCCESS_WITH_WARNINGS]: 'warning',
  skipped: 'warning',
  failed: 'fail',
  canceled: 'aborted',
}

/**
 * GitLab CI: runs the pipeline of a project.
 *
 * @see https://docs.gitlab.com/api/pipelines/
 */
export const gitlabCi = defineJob({
  ...naming,
  notifiedBy: { type: 'gitlab', wakeId: ({ id }) => id.split('#')[1] },
  connection,
  ...gitlabApi,

  states,
  variables: {
    reserved: ['GITLAB_', 'RUNNER_', 'FF_', ...TEMPLATE_VARIABLES],
    appliesTo: ({ parametersAre }) => parametersAre === 'variables',
  },

  project: gitlabProject,
  runId: {
    pattern: /^[^#]+#\d{1,15}$/,
    description: `a pipeline id such as ${gitlabProject.example}#61, or a number together with input.project`,
    within: 'project',
  },
  identify: ({ id, web_url }: Pipeline) => ({ id: String(id), url: web_url }),

  checkStart(input, connection) {
    if (input.target !== connection.target)
      throw invalidInput('input.target', `must be omitted or ${connection.target}: a project has one pipeline`)
    const reserved = connection.parametersAre === 'inputs' ? connection.keyInput : KEY_VARIABLE
    if (reserved && Object.hasOwn(input.parameters ?? {}, reserved))
      throw invalidInput('input.parameters', `must not contain ${reserved}: it is reserved for the idempotency key`)
    // It also replaces $NAME, which has an escape. Two hex digits are a byte of an encoded URL.
    if (connection.parametersAre === 'variables')
      refuseReplacedValues(
        input.parameters,
        /%(?![\dA-Fa-f]{2}%)[A-Za-z_]\w{0,254}%/,
        'must not contain %NAME%, which GitLab replaces with the variable NAME',
      )
  },

  search: {
    // The variables of each pipeline take a request.
    pageSize: { first: 20, retry: 50 },
    needs: {
      text: '`keyInput` in the connection if `parametersAre` is `inputs`',
      without: { parametersAre: 'inputs', keyInput: undefined },
    },
    // GitLab reads the list from the primary database for a user who has just written.
    async list({ http, connection: { parametersAre, keyInput } }, { project = '' }, { since, size }) {
      if (parametersAre === 'inputs' && !keyInput) return 'unknown'
      const query = {
        source: 'api',
        order_by: 'id',
        updated_after: since.toISOString(),
        per_page: size,
      }
      const { body: runs } = await http.get(pipelinesPath(project), { query, schema: z.array(pipeline) })
      return { runs, next: runs.length < size ? undefined : '2' }
    },
    hasKey: (run, { http, connection: { parametersAre }, idempotencyKey }, { project = '' }) =>
      parametersAre === 'inputs' ? run.name?.includes(idempotencyKey) : hasVariable(http, project, run, idempotencyKey),
  },

  async start({ http, connection, idempotencyKey, isRetry }, input) {
    const { project = '', parameters = {} } = input
    const ref = input.ref || connection.ref || (await defaultBranch(http, project))
    const create = async (more: object) => {
      const path = `${projectPath(project)}/pipeline`
      return (await http.post(path, { ref, ...more }, { schema: pipeline })).body
    }
    const addsOnlyKey =
      connection.parametersAre === 'variables' && idempotencyKey && Object.keys(parameters).length === 0
    try {
      return await create(parametersOf(connection, input, idempotencyKey))
    } catch (error) {
      if (!addsOnlyKey || !isForbiddenVariable(error)) throw error
    }
    // GitLab started nothing. Without the variable, the pipeline can start, but a retry cannot find it.
    if (isRetry) throw startOutcomeUnknown(naming, 'An earlier attempt may have started it')
    try {
      return await create({})
    } catch (error) {
      if (isTransient(error) && (error as Failure).mayHaveWritten)
        throw startOutcomeUnknown(naming, (error as Failure).message)
      throw error
    }
  },

  async getStatus({ http, connection }, run) {
    const path = pathOf(run)
    const current = (await http.get(path, { schema: pipelineDetails })).body
    const hasWarnings = current.status === 'success' && current.detailed_status?.group === SUCCESS_WITH_WARNINGS
    const state = hasWarnings ? SUCCESS_WITH_WARNINGS : current.status
    const status = { state, run: current }
    if (state === 'manual') {
      const blocked = { ...status, verdict: manualVerdicts[connection.manual], progress: 'waiting for a manual job' }
      return connection.manual === 'wait' ? blocked : { ...blocked, reason: 'a manual job blocks it' }
    }
    return { ...status, results: () => resultsOf(http, path, current) }
  },

  // GitLab returns 200 regardless of the result.
  async stop({ http }, run) {
    await http.post(`${pathOf(run)}/cancel`)
  },
})

/** Returns true if the project does not allow this user to set pipeline variables. */
function isForbiddenVariable(error: unknown): boolean {
  return isRefusedBecause(error, 'Insufficient permissions to set pipeline variables')
}

const manualVerdicts: Record<Connection['manual'], Verdict> = { wait: 'running', pass: 'pass', fail: 'fail' }

function parametersOf({ parametersAre, keyInput }: Connection, { parameters }: StartJob, key: string | undefined) {
  if (parametersAre === 'inputs') {
    // Inputs are typed, so their values are not converted to text.
    return { inputs: { ...parameters, ...(keyInput && key ? { [keyInput]: key } : {}) } }
  }
  const texts = { ...toTextParameters(parameters), ...(key ? { [KEY_VARIABLE]: key } : {}) }
  // GitLab replaces $NAME with another variable, which may be a secret, and $$ with $.
  return { variables: Object.entries(texts).map(([key, value]) => ({ key, value: value.replaceAll('$', () => '$$') })) }
}

async function hasVariable(http: Http, project: string, { id }: Pipeline, key: string): Promise<boolean> {
  const url = `${pipelinesPath(project)}/${segment(id)}/variables`
  const { status, body } = await http.get(url, { accept: [FORBIDDEN], schema: variableList })
  if (status === FORBIDDEN) return false
  return body.some((variable) => variable.key === KEY_VARIABLE && variable.value === key)
}

async function defaultBranch(http: Http, project: string): Promise<string> {
  const { default_branch } = (await http.get(projectPath(project), { schema: projectDetails })).body
  if (default_branch !== null) return default_branch
  throw refused(`The GitLab project ${project} has no branches. Push a branch first.`)
}

function pipelinesPath(project: string): string {
  return `${projectPath(project)}/pipelines`
}

function pathOf({ parent, localId }: IdentifiedRun): string {
  return `${pipelinesPath(parent)}/${segment(localId)}`
}
