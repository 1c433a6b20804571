import * as z from 'zod/mini'
import { invalidInput, refused, retryLater } from '../../../shared/errors.ts'
import { onOff, optional, secret, url, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJob, type RunResults } from '../../../shared/providers/define-job.ts'
import type { Run, Verdict } from '../../../shared/providers/job.ts'
import { resolveProject } from '../../../shared/providers/project.ts'
import { refuseUnsupported } from '../../../shared/providers/unsupported-input.ts'

const connection = z.strictObject({
  baseUrl: z._default(
    url('https://app.terraform.io/api/v2, or https://<host>/api/v2 of Terraform Enterprise'),
    'https://app.terraform.io/api/v2',
  ),
  token: secret('Token of a user or a team. Tokens of organizations cannot start runs'),
  project: optional(word('Default organization')),
  target: optional(word('Default target: run/<workspace> or plan/<workspace>')),
  autoApply: z._default(
    onOff('Whether run/<workspace> applies its plan without a confirmation. off: the setting of the workspace decides'),
    'off',
  ),
})
type Connection = z.output<typeof connection>

const flag = z.nullish(z.boolean())
const run = z.object({
  id: z.string(),
  attributes: z.object({
    status: z.string(),
    message: z.nullish(z.string()),
    actions: z.nullish(z.object({ 'is-confirmable': flag, 'is-discardable': flag, 'is-cancelable': flag })),
    'status-timestamps': z.nullish(z.record(z.string(), z.nullish(z.string()))),
  }),
  relationships: z.nullish(z.object({ plan: z.nullish(z.object({ data: z.nullish(z.object({ id: z.string() })) })) })),
})
type TerraformRun = z.output<typeof run>
const oneRun = z.object({ data: run })
const runs = z.object({ data: z.array(run) })
const workspace = z.object({ data: z.object({ id: z.string() }) })
const count = z._default(z.nullable(z.int()), null)
const plan = z.object({
  data: z.object({
    attributes: z.object({
      'resource-additions': count,
      'resource-changes': count,
      'resource-destructions': count,
      'resource-imports': count,
    }),
  }),
})

const RUNNING = [
  'pending',
  'fetching',
  'fetching_completed',
  'pre_plan_running',
  'pre_plan_completed',
  'pre_plan_awaiting_decision',
  'queuing',
  'plan_queued',
  'planning',
  'planned',
  'tf_policy_checked',
  'tf_policy_override',
  'post_plan_running',
  'post_plan_awaiting_decision',
  'post_plan_completed',
  'cost_estimating',
  'cost_estimated',
  'policy_checking',
  'policy_override',
  'policy_checked',
  'planned_and_saved',
  'assessing',
  'confirmed',
  'pre_apply_running',
  'pre_apply_completed',
  'queuing_apply',
  'apply_queued',
  'applying',
  'post_apply_running',
  'post_apply_completed',
]

const states: Readonly<Record<string, Verdict>> = {
  ...Object.fromEntries(RUNNING.map((status) => [status, 'running' as const])),
  applied: 'pass',
  // Without changes.
  planned_and_finished: 'pass',
  assessed: 'pass',
  errored: 'fail',
  policy_soft_failed: 'fail',
  discarded: 'aborted',
  canceled: 'aborted',
  force_canceled: 'aborted',
}
const TARGET = /^(?:(run|plan)\/([\w-]{1,90})|apply\/(run-\w{1,40}))$/
const JSON_API = { 'content-type': 'application/vnd.api+json' }
const VARIABLE = /^[A-Za-z_][\w-]{0,99}$/

/**
 * HCP Terraform and Terraform Enterprise. `plan` ends when its plan waits for a confirmation, so that an approval can decide about it;
 * `apply` confirms the run of such a plan.
 *
 * @see https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run
 */
export const hcpTerraform = defineJob({
  title: 'HCP Terraform',
  noun: 'run',
  notifiedBy: { type: 'hcp-terraform', wakeId: ({ id }) => id },
  connection,
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  async check({ http, connection }) {
    await http.get('account/details', { schema: z.object({ data: z.object({ id: z.string() }) }) })
    const { name } = connection.target === undefined ? {} : partsOf(connection.target)
    if (name !== undefined) await workspaceId(http, organizationOf(undefined, connection), name)
  },

  states,
  runId: { pattern: /^run-\w{1,40}$/, description: 'the id of a run, such as run-CZcmD7eagjhyX0vN' },
  identify: (run: Run) => run,

  checkStart({ target, project, ref, parameters = {} }, connection) {
    refuseUnsupported('HCP Terraform', { ref })
    const { runId } = partsOf(target)
    if (runId === undefined) organizationOf(project, connection)
    else if (Object.keys(parameters).length > 0)
      throw invalidInput('input.parameters', 'must be omitted: the plan of a run has its variables')
    const invalid = Object.keys(parameters).find((name) => !VARIABLE.test(name))
    if (invalid !== undefined)
      throw invalidInput(`input.parameters.${invalid.slice(0, 100)}`, 'is not a valid name of a variable')
  },

  lookUp: { newest: 'all' },

  async find({ http, connection, idempotencyKey }, { target, project }) {
    const { runId, name = '' } = partsOf(target)
    // A run is confirmed once, no matter by whom.
    if (runId !== undefined) return isConfirmed(await readRun(http, runId)) ? { id: runId } : undefined
    const organization = organizationOf(project, connection)
    const path = `workspaces/${segment(await workspaceId(http, organization, name))}/runs`
    const { data } = (await http.get(path, { query: { 'search[basic]': idempotencyKey }, schema: runs })).body
    const found = data.find(({ attributes }) => attributes.message?.includes(idempotencyKey))
    return found && runOf(connection, organization, target, found.id)
  },

  async start({ http, connection, idempotencyKey }, { target, project, parameters }) {
    const { mode, runId, name = '' } = partsOf(target)
    if (runId !== undefined) {
      await confirm(http, runId)
      return { id: runId }
    }
    const organization = organizationOf(project, connection)
    const id = await workspaceId(http, organization, name)
    const message = ['Started by cloud-automation-webhooks', idempotencyKey].filter(Boolean).join(' ')
    const autoApply =
      mode === 'plan' ? { 'auto-apply': false } : connection.autoApply === 'on' ? { 'auto-apply': true } : {}
    const variables = Object.entries(parameters ?? {}).map(([key, value]) => ({ key, value: toHcl(value) }))
    const attributes = { message, ...autoApply, ...(variables.length > 0 ? { variables } : {}) }
    const relationships = { workspace: { data: { type: 'workspaces', id } } }
    const body = JSON.stringify({ data: { type: 'runs', attributes, relationships } })
    const started = (await http.post('runs', body, { headers: JSON_API, schema: oneRun })).body.data
    return runOf(connection, organization, target, started.id)
  },

  async getStatus({ http }, { id, providerState }) {
    const current = await readRun(http, id)
    const { status, actions } = current.attributes
    const waits = actions?.['is-confirmable'] === true
    const isPlanned = waits && providerState === 'plan'
    return {
      state: status,
      ...(isPlanned ? { verdict: 'pass' as const } : {}),
      ...(waits ? { progress: 'the plan waits for a confirmation' } : {}),
      results: () => resultsOf(http, current),
    }
  },

  /** A plan that waits is discarded, so that the workspace is free for the next run. */
  async stop({ http }, { id }) {
    const { status, actions } = (await readRun(http, id)).attributes
    if ((states[status] ?? 'running') !== 'running') return
    const action = actions?.['is-discardable'] ? 'discard' : actions?.['is-cancelable'] ? 'cancel' : undefined
    if (action === undefined) throw retryLater(`HCP Terraform cannot cancel a run in the status ${status} yet.`)
    await act(http, id, action)
  },
})

function organizationOf(project: string | undefined, connection: Connection): string {
  const format = { pattern: /^[\w-]{1,100}$/, example: 'acme' }
  return resolveProject(project, connection, { title: 'HCP Terraform', project: format }, true) ?? ''
}

function partsOf(target: string): { mode?: string | undefined; name?: string | undefined; runId?: string | undefined } {
  const [matched, mode, name, runId] = TARGET.exec(target) ?? []
  if (matched !== undefined) return { mode, name, runId }
  throw invalidInput('input.target', 'must be run/<workspace>, plan/<workspace> or apply/<id of a run>')
}

async function workspaceId(http: Http, organization: string, name: string): Promise<string> {
  const path = `organizations/${segment(organization)}/workspaces/${segment(name)}`
  return (await http.get(path, { schema: workspace })).body.data.id
}

async function readRun(http: Http, id: string): Promise<TerraformRun> {
  return (await http.get(`runs/${segment(id)}`, { schema: oneRun })).body.data
}

function isConfirmed({ attributes }: TerraformRun): boolean {
  return Boolean(attributes['status-timestamps']?.['confirmed-at'])
}

async function confirm(http: Http, id: string): Promise<void> {
  const { status, actions } = (await readRun(http, id)).attributes
  if (actions?.['is-confirmable'] !== true) throw refused(`${id} cannot be confirmed: its status is ${status}.`)
  await act(http, id, 'apply')
}

async function act(http: Http, id: string, action: 'apply' | 'discard' | 'cancel'): Promise<void> {
  const body = JSON.stringify({ comment: 'Requested by cloud-automation-webhooks' })
  await http.post(`runs/${segment(id)}/actions/${action}`, body, { headers: JSON_API })
}

/** The run is recognized later by the mode in which it was started. */
function runOf({ baseUrl }: Connection, organization: string, target: string, id: string): Run {
  const { mode, name = '' } = partsOf(target)
  const path = ['app', organization, 'workspaces', name, 'runs', id].map(encodeURIComponent).join('/')
  return { id, url: `${new URL(baseUrl).origin}/${path}`, providerState: mode }
}

/** JSON is valid HCL, except that texts must not contain templates. */
function toHcl(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[$%](?=\{)/g, '$&$&')
}

async function resultsOf(http: Http, { attributes, relationships }: TerraformRun): Promise<RunResults> {
  const times = attributes['status-timestamps']
  const phase = times?.['applying-at'] ? 'apply' : 'plan'
  const id = relationships?.plan?.data?.id
  const response = id && (await http.get(`plans/${segment(id)}`, { accept: [403, 404], schema: plan }))
  const counts = response && response.status === 200 ? response.body.data.attributes : undefined
  const found = {
    additions: counts?.['resource-additions'],
    changes: counts?.['resource-changes'],
    destructions: counts?.['resource-destructions'],
    imports: counts?.['resource-imports'],
  }
  const metrics = Object.fromEntries(
    Object.entries(found).flatMap(([name, value]) => (value == null ? [] : [[name, value]])),
  )
  const summary = Object.entries(metrics).map(([name, value]) => `${value} ${name}`)
  const failed = attributes.status === 'errored' ? [`the ${phase} failed`] : []
  return { reason: [...failed, ...summary].join(', ') || undefined, data: metrics, metrics }
}
