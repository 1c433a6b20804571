import * as z from 'zod/mini'
import { Failure, invalidInput, messageOf } from '../../../shared/errors.ts'
import { name, oneOf, optional, secret, url, word } from '../../../shared/fields.ts'
import { basicAuth } from '../../../shared/http/basic-auth.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJobProvider, type Run, type RunStatus, type Verdict } from '../../../shared/providers/job.ts'
import { limitOutput, metricsIn } from '../../../shared/providers/run-output.ts'
import { isRecord } from '../../../shared/record.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import {
  canStoreKey,
  getTemplate,
  KEY_VARIABLE,
  parseTarget,
  refuseIgnored,
  type TemplateKind,
} from '../awx-templates.ts'

const GATEWAY_API = 'api/controller/v2'
const connection = z.strictObject({
  baseUrl: url('The URL of AWX or the controller, without /api'),
  token: optional(secret('An access token with the scope write. Its user needs the role Execute on the templates')),
  username: optional(name('The user name, instead of a token')),
  password: optional(secret('The password of the user')),
  api: z._default(
    oneOf(
      ['api/v2', GATEWAY_API],
      `The path of the API: api/v2, or ${GATEWAY_API} behind the gateway of Automation Platform`,
    ),
    'api/v2',
  ),
  target: optional(word('The default template: name or id of a job template, or workflow/<name or id>')),
  project: optional(word('The default organization, for templates with a name')),
})
type Connection = z.output<typeof connection>
type Api = Connection['api']

const launchResponse = z.object({
  id: z.int(),
  type: z.enum(['job', 'workflow_job']),
  ignored_fields: z.nullish(z.record(z.string(), z.unknown())),
})
const runList = z.object({
  count: z.int(),
  results: z.array(z.object({ id: z.int(), type: z.string(), extra_vars: z.nullish(z.string()) })),
})
const counts = z.nullish(z.record(z.string(), z.number()))
const runDetails = z.object({
  status: z.string(),
  elapsed: z.nullish(z.number()),
  finished: z.nullish(z.string()),
  job_explanation: z.nullish(z.string()),
  result_traceback: z.nullish(z.string()),
  event_processing_finished: z.nullish(z.boolean()),
  artifacts: z.nullish(z.unknown()),
  playbook_counts: counts,
  host_status_counts: counts,
})
type RunDetails = z.output<typeof runDetails>
const eventList = z.object({
  results: z.array(
    z.object({
      task: z.nullish(z.string()),
      host_name: z.nullish(z.string()),
      event_data: optional(z.object({ res: z.nullish(z.unknown()) })),
    }),
  ),
})
const nodeList = z.object({
  results: z.array(
    z.object({
      do_not_run: optional(z.boolean()),
      summary_fields: z.object({
        job: z.nullish(z.object({ id: z.int(), name: z.string(), type: z.string(), status: z.string() })),
      }),
    }),
  ),
})
type NodeJob = NonNullable<z.output<typeof nodeList>['results'][number]['summary_fields']['job']>

/** How many of the newest runs a search reads. AWX lists at most 200 at a time. */
const SEARCH_LIMIT = { firstAttempt: 50, retry: 200 }
/** How far back a search goes: the time that a repeated event is recognized, or the longest task. */
const SEARCH_WINDOW_MS = { firstAttempt: 25 * 3_600_000, retry: 31 * 24 * 3_600_000 }
/** How long to wait for the events of a job that has ended. */
const MAX_SAVE_MS = 60_000
const MAX_NAMES = 3
const MAX_NODES = 200
const MAX_REASON = 300

/** From `UnifiedJobTemplate.JOB_STATUS_CHOICES` of its source. */
const states: Readonly<Record<string, Verdict>> = {
  new: 'running',
  pending: 'running',
  waiting: 'running',
  running: 'running',
  successful: 'pass',
  failed: 'fail',
  error: 'errored',
  canceled: 'aborted',
}
/** AWX's names for the states of hosts, and ours. */
const hostStates = { ok: 'ok', changed: 'changed', failures: 'failed', dark: 'unreachable', skipped: 'skipped' }

const kinds = {
  job: { runs: 'jobs', page: 'playbook' },
  workflow: { runs: 'workflow_jobs', page: 'workflow' },
} as const

/**
 * Launches job templates and workflows of AWX and Ansible Automation Controller.
 *
 * @see https://docs.ansible.com/projects/awx/en/latest/userguide/job_templates.html
 * @see https://github.com/ansible/awx/tree/devel/awx/api
 */
export const awx = defineJobProvider({
  title: 'AWX',
  noun: 'run',
  connection,
  headers: (values) => ({ authorization: authorizationHeader(values) }),
  check: ({ http, connection: { api } }) => http.get(`${api}/me/`),
  errorReason: reasonOf,

  states,

  checkStart({ target, parameters = {} }) {
    parseTarget(target)
    if (Object.hasOwn(parameters, KEY_VARIABLE)) {
      throw invalidInput('input.parameters', `must not set ${KEY_VARIABLE}. It stores the idempotency key`)
    }
  },

  async find({ http, idempotencyKey, isRetry, connection: { api } }, input) {
    const template = await getTemplate(http, api, input)
    if (!canStoreKey(template)) return 'unknown'
    const attempt = isRetry ? 'retry' : 'firstAttempt'
    const query = {
      unified_job_template: template.id,
      created__gt: new Date(Date.now() - SEARCH_WINDOW_MS[attempt]).toISOString(),
      order_by: '-id',
      page_size: SEARCH_LIMIT[attempt],
    }
    const { count, results } = (await http.get(`${api}/unified_jobs/`, { query, schema: runList })).body
    // Slices and relaunches of a job have the same key. The first run is ours.
    const found = results.findLast(({ extra_vars }) => extra_vars?.includes(idempotencyKey))
    if (found) return runOf(http, api, found)
    // Some servers, such as Ascender, omit the variables from the list.
    if (results.some(({ extra_vars }) => extra_vars == null)) return 'unknown'
    return isRetry && count > results.length ? 'unknown' : undefined
  },

  async start({ http, idempotencyKey, connection: { api } }, input) {
    const template = await getTemplate(http, api, input)
    refuseIgnored(template, input)
    const { ref } = input
    const key = idempotencyKey && canStoreKey(template) ? { [KEY_VARIABLE]: idempotencyKey } : {}
    const variables = { ...input.parameters, ...key }
    const body = {
      ...(Object.keys(variables).length > 0 ? { extra_vars: variables } : {}),
      ...(ref === undefined ? {} : { scm_branch: ref }),
    }
    const started = (await http.post(`${template.path}launch/`, body, { schema: launchResponse })).body
    const run = runOf(http, api, started)
    const ignored = namesOf(started.ignored_fields)
    return ignored.length > 0 ? { ...run, providerState: await cancelWrongLaunch(http, api, run.id, ignored) } : run
  },

  async getStatus({ http, connection: { api } }, run) {
    const { kind, path } = parseId(api, run.id)
    const details = (await http.get(path, { schema: runDetails })).body
    const { status: state } = details
    if ((states[state] ?? 'running') === 'running')
      return { state, progress: await progressOf(http, kind, path, details) }
    if (isSaving(details))
      return { state, verdict: 'running', progress: `${state}, saving its events`, pollImmediately: true }
    const results = await resultsOf(http, kind, api, path, details)
    if (!isRecord(run.providerState)) return { state, ...results }
    return {
      state,
      ...results,
      verdict: 'errored',
      reason: joinReasons([String(run.providerState['launchedWrong']), results.reason]),
    }
  },

  parseRunId({ id }) {
    parseId('', id)
    return { id }
  },

  // 405 means that it has ended. The next poll reads the result.
  async stop({ http, connection: { api } }, { id }) {
    await http.post(`${parseId(api, id).path}cancel/`, undefined, { accept: [405] })
  },
})

function authorizationHeader({ token, username, password }: Connection): string {
  if (token) return `Bearer ${token}`
  if (username && password) return basicAuth(username, password)
  throw new Failure('misconfigured', 'The connection to AWX has no credentials. Add token, or username and password.')
}

/** Returns names such as `extra_vars.host`, without the values, which may be secret. */
function namesOf(ignored: Record<string, unknown> | null | undefined): string[] {
  return Object.entries(ignored ?? {}).flatMap(([field, value]) => {
    return field === 'extra_vars' && isRecord(value) ? Object.keys(value).map((name) => `${field}.${name}`) : [field]
  })
}

/**
 * Cancels a run that AWX launched without a requested variable: the template changed after it was read.
 *
 * @returns the provider state of the run, which makes its status `errored`
 */
async function cancelWrongLaunch(http: Http, api: Api, id: string, ignored: string[]) {
  const reason = `AWX launched it without ${ignored.join(', ')}, which it ignored`
  try {
    await http.post(`${parseId(api, id).path}cancel/`, undefined, { accept: [405] })
    return { launchedWrong: `${reason}, so it was canceled` }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { launchedWrong: `${reason}, and it could not be canceled (${messageOf(error)})` }
  }
}

/** AWX saves the events of a job, and so the states of its hosts, after the job has ended. */
function isSaving({ event_processing_finished, finished }: RunDetails): boolean {
  if (event_processing_finished !== false || !finished) return false
  return Math.abs(Date.now() - Date.parse(finished)) < MAX_SAVE_MS
}

async function progressOf(
  http: Http,
  kind: TemplateKind,
  path: string,
  details: RunDetails,
): Promise<string | undefined> {
  const { play_count, task_count } = details.playbook_counts ?? {}
  if (kind === 'job')
    return task_count ? `play ${play_count ?? 1}, task ${task_count}` : details.job_explanation || undefined
  const { jobs, total } = await nodesOf(http, path)
  const running = jobs.filter(({ status }) => states[status] === 'running')
  const ended = `${jobs.length - running.length} of ${total} nodes ended`
  return [ended, ...running.slice(0, MAX_NAMES).map(formatNode)].join(', ')
}

function formatNode({ name, type, status }: NodeJob): string {
  return type === 'workflow_approval' ? `waiting for the approval "${name}"` : `${name} ${status}`
}

async function nodesOf(http: Http, path: string): Promise<{ jobs: NodeJob[]; total: number }> {
  const query = { order_by: 'id', page_size: MAX_NODES }
  const { results } = (await http.get(`${path}workflow_nodes/`, { query, schema: nodeList })).body
  const jobs = results.flatMap(({ summary_fields: { job } }) => (job ? [job] : []))
  return { jobs, total: results.filter(({ do_not_run }) => !do_not_run).length }
}

async function resultsOf(http: Http, kind: TemplateKind, api: Api, path: string, details: RunDetails) {
  const { elapsed, artifacts, host_status_counts } = details
  const duration: Record<string, number> = elapsed == null ? {} : { duration: elapsed }
  const hosts =
    host_status_counts && Object.keys(host_status_counts).length > 0 ? hostsOf(host_status_counts) : undefined
  const failure = ['fail', 'errored'].includes(states[details.status] ?? '')
    ? await failureOf(http, kind, api, path)
    : {}
  const traceback = details.result_traceback?.trim().split('\n').at(-1)
  return {
    reason: joinReasons([failure.reason, details.job_explanation, traceback]),
    data: {
      ...duration,
      ...(hosts ? { hosts } : {}),
      ...failure.data,
      ...(limitOutput(artifacts) === undefined ? {} : { artifacts: limitOutput(artifacts) }),
    },
    metrics: { ...metricsIn(artifacts), ...duration, ...hosts },
  } satisfies Partial<RunStatus>
}

function hostsOf(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(hostStates).map(([awxName, name]) => [name, counts[awxName] ?? 0]))
}

/** Returns the task or node that failed. If it cannot be read, the verdict is still reported. */
async function failureOf(
  http: Http,
  kind: TemplateKind,
  api: Api,
  path: string,
): Promise<{ reason?: string | undefined; data?: Record<string, string> }> {
  try {
    return kind === 'job' ? await failedTask(http, path) : await failedNode(http, api, path)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { reason: `the failed task could not be read (${messageOf(error)})` }
  }
}

async function failedNode(http: Http, api: Api, path: string) {
  const { jobs } = await nodesOf(http, path)
  const node = jobs.find(({ status }) => ['fail', 'errored'].includes(states[status] ?? ''))
  if (!node) return {}
  const task = node.type === 'job' ? await failedTask(http, parseId(api, `job/${node.id}`).path) : {}
  const reason = `node "${node.name}" ended as ${node.status}${task.reason ? `: ${task.reason}` : ''}`
  return { reason, data: { failedNode: node.name, ...task.data } }
}

/** Reads only the names and the message of an event: the arguments and results of a module may contain secrets. */
async function failedTask(http: Http, path: string) {
  const query = {
    event__in: 'runner_on_failed,runner_on_unreachable',
    failed: true,
    order_by: '-counter',
    page_size: MAX_NAMES,
  }
  const { results } = (await http.get(`${path}job_events/`, { query, schema: eventList })).body
  const [last] = results
  if (!last?.task) return {}
  const hosts = results.flatMap(({ task, host_name }) => (task === last.task && host_name ? [host_name] : []))
  const on = hosts.length > 0 ? ` on ${[...new Set(hosts)].reverse().join(', ')}` : ''
  const res = last.event_data?.res
  const message = isRecord(res) && typeof res['msg'] === 'string' ? `: ${clipSingleLine(res['msg'], MAX_REASON)}` : ''
  return { reason: `task "${last.task}" failed${on}${message}`, data: { failedTask: last.task } }
}

function joinReasons(reasons: (string | null | undefined)[]): string | undefined {
  const lines = reasons.flatMap((reason) => (reason ? clipSingleLine(reason, 2 * MAX_REASON) : []))
  return lines.join('; ') || undefined
}

/** AWX returns invalid fields by name: `{"variables_needed_to_start": ["'host' value missing"]}`. */
function reasonOf(body: unknown): string | undefined {
  if (!isRecord(body) || 'detail' in body || 'error' in body) return undefined
  const reasons = Object.entries(body).map(([field, texts]) => `${field}: ${[texts].flat().map(String).join(', ')}`)
  return reasons.join('; ') || undefined
}

function runOf({ baseUrl }: Http, api: Api, { id, type }: { id: number; type: string }): Run {
  const kind = type === 'workflow_job' ? 'workflow' : 'job'
  const page = `jobs/${kinds[kind].page}/${id}`
  return { id: `${kind}/${id}`, url: `${baseUrl}/${api === GATEWAY_API ? `execution/${page}/output` : `#/${page}`}` }
}

/** Parses an id such as `job/12` or `workflow/7`. */
function parseId(api: string, id: string): { kind: TemplateKind; path: string } {
  const [, kind, number] = /^(job|workflow)\/(\d{1,15})$/.exec(id) ?? []
  if (!kind || !number) throw invalidInput('input.id', 'must be like job/12 or workflow/7')
  return { kind: kind as TemplateKind, path: `${api}/${kinds[kind as TemplateKind].runs}/${segment(number)}/` }
}
