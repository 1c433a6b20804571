import * as z from 'zod/mini'
import { Failure, messageOf } from '../../../shared/errors.ts'
import { name, oneOf, optional, secret, url, word } from '../../../shared/fields.ts'
import { basicAuth } from '../../../shared/http/basic-auth.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJobProvider, type Run, type RunStatus, type Verdict } from '../../../shared/providers/job.ts'
import { limitOutput, metricsIn } from '../../../shared/providers/run-output.ts'
import { isRecord } from '../../../shared/record.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import {
  invalid,
  type Kind,
  keyVariable,
  refuseIgnored,
  takesKey,
  templateNamed,
  templateOf,
} from '../awx-templates.ts'

const gateway = 'api/controller/v2'
const connection = z.strictObject({
  baseUrl: url('Where AWX or the controller is, without /api'),
  token: optional(secret('An access token with the scope write, of a user with the role Execute on the templates')),
  username: optional(name('The user, in place of a token')),
  password: optional(secret('The password of that user')),
  api: z._default(
    oneOf(['api/v2', gateway], `Where its API is: api/v2, or ${gateway} behind the gateway of Automation Platform`),
    'api/v2',
  ),
  target: optional(word('Default template: its name or id, of a workflow with workflow/ before it')),
  project: optional(word('Default organization, for templates that are given by their name')),
})
type Connection = z.output<typeof connection>
type Api = Connection['api']

const launched = z.object({
  id: z.int(),
  type: z.enum(['job', 'workflow_job']),
  ignored_fields: z.nullish(z.record(z.string(), z.unknown())),
})
const listed = z.object({
  count: z.int(),
  results: z.array(z.object({ id: z.int(), type: z.string(), extra_vars: z.nullish(z.string()) })),
})
const counts = z.nullish(z.record(z.string(), z.number()))
const detailed = z.object({
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
type Detailed = z.output<typeof detailed>
const events = z.object({
  results: z.array(
    z.object({
      task: z.nullish(z.string()),
      host_name: z.nullish(z.string()),
      event_data: optional(z.object({ res: z.nullish(z.unknown()) })),
    }),
  ),
})
const nodes = z.object({
  results: z.array(
    z.object({
      do_not_run: optional(z.boolean()),
      summary_fields: z.object({
        job: z.nullish(z.object({ id: z.int(), name: z.string(), type: z.string(), status: z.string() })),
      }),
    }),
  ),
})
type NodeJob = NonNullable<z.output<typeof nodes>['results'][number]['summary_fields']['job']>

/** How many of the newest runs are looked at for a key; 200 is the most that AWX lists at once. */
const lookedAt = { first: 50, again: 200 }
/** How far back a run of ours is looked for: as long as a repeat is known as one, or as a task may take. */
const remembered = 25 * 3_600_000
const longestTask = 31 * 24 * 3_600_000
/** For how long the events of a job that has ended are waited for, in milliseconds. */
const timeToSave = 60_000
const mostNames = 3
const mostNodes = 200
const longestReason = 300

/** As `UnifiedJobTemplate.JOB_STATUS_CHOICES` of its source has them. */
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
/** AWX's words for what became of a host, and ours. */
const hostStates = { ok: 'ok', changed: 'changed', failures: 'failed', dark: 'unreachable', skipped: 'skipped' }

const kinds = {
  job: { runs: 'jobs', page: 'playbook' },
  workflow: { runs: 'workflow_jobs', page: 'workflow' },
} as const

/**
 * AWX and Ansible Automation Controller: the launch of a job template, or of a workflow.
 *
 * @see https://docs.ansible.com/projects/awx/en/latest/userguide/job_templates.html
 * @see https://github.com/ansible/awx/tree/devel/awx/api
 */
export const awx = defineJobProvider({
  title: 'AWX',
  noun: 'run',
  connection,
  headers: (values) => ({ authorization: authorization(values) }),
  check: ({ http, connection: { api } }) => http.get(`${api}/me/`),
  errorReason: reasonOf,

  states,

  checkStart({ target, parameters = {} }) {
    templateNamed(target)
    if (Object.hasOwn(parameters, keyVariable))
      throw invalid('parameters', `must not set ${keyVariable}: it takes our key`)
  },

  async find({ http, idempotencyKey: key, isRetry: repeated, connection: { api } }, input) {
    const asked = await templateOf(http, api, input)
    if (!takesKey(asked)) return 'unknown'
    const query = {
      unified_job_template: asked.id,
      created__gt: new Date(Date.now() - (repeated ? longestTask : remembered)).toISOString(),
      order_by: '-id',
      page_size: repeated ? lookedAt.again : lookedAt.first,
    }
    const { count, results } = (await http.get(`${api}/unified_jobs/`, { query, schema: listed })).body
    // Slices of a job, and what somebody has launched anew, carry the key as well: the first of them is ours.
    const found = results.findLast(({ extra_vars }) => extra_vars?.includes(key))
    if (found) return runOf(http, api, found)
    // A server that leaves them out of its list (Ascender may) does not show whose a run is.
    if (results.some(({ extra_vars }) => extra_vars == null)) return 'unknown'
    return repeated && count > results.length ? 'unknown' : undefined
  },

  async start({ http, idempotencyKey: key, connection: { api } }, input) {
    const asked = await templateOf(http, api, input)
    refuseIgnored(asked, input)
    const { ref } = input
    const variables = { ...input.parameters, ...(key && takesKey(asked) ? { [keyVariable]: key } : {}) }
    const body = {
      ...(Object.keys(variables).length > 0 ? { extra_vars: variables } : {}),
      ...(ref === undefined ? {} : { scm_branch: ref }),
    }
    const started = (await http.post(`${asked.path}launch/`, body, { schema: launched })).body
    const run = runOf(http, api, started)
    const ignored = namesOf(started.ignored_fields)
    return ignored.length > 0 ? { ...run, providerState: await disown(http, api, run.id, ignored) } : run
  },

  async getStatus({ http, connection: { api } }, run) {
    const { kind, path } = placeOf(api, run.id)
    const now = (await http.get(path, { schema: detailed })).body
    const { status: state } = now
    if ((states[state] ?? 'running') === 'running') return { state, progress: await stepOf(http, kind, path, now) }
    if (isSaving(now))
      return { state, verdict: 'running', progress: `${state}, its events are being saved`, pollImmediately: true }
    const results = await resultsOf(http, kind, api, path, now)
    if (!isRecord(run.providerState)) return { state, ...results }
    return {
      state,
      ...results,
      verdict: 'errored',
      reason: reasons([String(run.providerState['disowned']), results.reason]),
    }
  },

  parseRunId({ id }) {
    placeOf('', id)
    return { id }
  },

  // 405 where it has ended: the next look shows how.
  async stop({ http, connection: { api } }, { id }) {
    await http.post(`${placeOf(api, id).path}cancel/`, undefined, { accept: [405] })
  },
})

/** @throws Failure `misconfigured` where there is neither a token nor a user */
function authorization({ token, username, password }: Connection): string {
  if (token) return `Bearer ${token}`
  if (username && password) return basicAuth(username, password)
  throw new Failure('misconfigured', 'The connection to AWX needs a token, or username and password.')
}

/** `extra_vars.host`: never the values, which may be secret. */
function namesOf(ignored: Record<string, unknown> | null | undefined): string[] {
  return Object.entries(ignored ?? {}).flatMap(([field, value]) => {
    return field === 'extra_vars' && isRecord(value) ? Object.keys(value).map((name) => `${field}.${name}`) : [field]
  })
}

/**
 * The template was changed after it was read: what runs is not what was asked for, and is canceled.
 *
 * @returns what the run is reported with
 */
async function disown(http: Http, api: Api, id: string, ignored: string[]) {
  const why = `AWX launched it without ${ignored.join(', ')}, which it ignored`
  try {
    await http.post(`${placeOf(api, id).path}cancel/`, undefined, { accept: [405] })
    return { disowned: `${why}, so it was asked to end` }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { disowned: `${why}, and it could not be canceled (${messageOf(error)})` }
  }
}

/** The events of a job, and so what became of its hosts, are written down after it has ended. */
function isSaving({ event_processing_finished, finished }: Detailed): boolean {
  if (event_processing_finished !== false || !finished) return false
  return Math.abs(Date.now() - Date.parse(finished)) < timeToSave
}

async function stepOf(http: Http, kind: Kind, path: string, now: Detailed): Promise<string | undefined> {
  const { play_count, task_count } = now.playbook_counts ?? {}
  if (kind === 'job')
    return task_count ? `play ${play_count ?? 1}, task ${task_count}` : now.job_explanation || undefined
  const { jobs, total } = await nodesOf(http, path)
  const under = jobs.filter(({ status }) => states[status] === 'running')
  const ended = `${jobs.length - under.length} of ${total} nodes ended`
  return [ended, ...under.slice(0, mostNames).map(inWords)].join(', ')
}

function inWords({ name, type, status }: NodeJob): string {
  return type === 'workflow_approval' ? `waiting for the approval "${name}"` : `${name} ${status}`
}

async function nodesOf(http: Http, path: string): Promise<{ jobs: NodeJob[]; total: number }> {
  const query = { order_by: 'id', page_size: mostNodes }
  const { results } = (await http.get(`${path}workflow_nodes/`, { query, schema: nodes })).body
  const jobs = results.flatMap(({ summary_fields: { job } }) => (job ? [job] : []))
  return { jobs, total: results.filter(({ do_not_run }) => !do_not_run).length }
}

async function resultsOf(http: Http, kind: Kind, api: Api, path: string, now: Detailed) {
  const { elapsed, artifacts, host_status_counts } = now
  const duration: Record<string, number> = elapsed == null ? {} : { duration: elapsed }
  const hosts =
    host_status_counts && Object.keys(host_status_counts).length > 0 ? hostsOf(host_status_counts) : undefined
  const failure = ['fail', 'errored'].includes(states[now.status] ?? '') ? await failureOf(http, kind, api, path) : {}
  const traceback = now.result_traceback?.trim().split('\n').at(-1)
  return {
    reason: reasons([failure.reason, now.job_explanation, traceback]),
    data: {
      ...duration,
      ...(hosts ? { hosts } : {}),
      ...failure.places,
      ...(limitOutput(artifacts) === undefined ? {} : { artifacts: limitOutput(artifacts) }),
    },
    metrics: { ...metricsIn(artifacts), ...duration, ...hosts },
  } satisfies Partial<RunStatus>
}

function hostsOf(counted: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(hostStates).map(([theirs, ours]) => [ours, counted[theirs] ?? 0]))
}

/** Where it failed. What ended is told in any case, also where this can not be read. */
async function failureOf(
  http: Http,
  kind: Kind,
  api: Api,
  path: string,
): Promise<{ reason?: string | undefined; places?: Record<string, string> }> {
  try {
    return kind === 'job' ? await failedTask(http, path) : await failedNode(http, api, path)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { reason: `where it failed could not be read (${messageOf(error)})` }
  }
}

async function failedNode(http: Http, api: Api, path: string) {
  const { jobs } = await nodesOf(http, path)
  const node = jobs.find(({ status }) => ['fail', 'errored'].includes(states[status] ?? ''))
  if (!node) return {}
  const within = node.type === 'job' ? await failedTask(http, placeOf(api, `job/${node.id}`).path) : {}
  const reason = `node "${node.name}" ended as ${node.status}${within.reason ? `: ${within.reason}` : ''}`
  return { reason, places: { failedNode: node.name, ...within.places } }
}

/** Of an event only names and the message: what a module was given, and answered, may hold secrets. */
async function failedTask(http: Http, path: string) {
  const query = {
    event__in: 'runner_on_failed,runner_on_unreachable',
    failed: true,
    order_by: '-counter',
    page_size: mostNames,
  }
  const { results } = (await http.get(`${path}job_events/`, { query, schema: events })).body
  const [last] = results
  if (!last?.task) return {}
  const hosts = results.flatMap(({ task, host_name }) => (task === last.task && host_name ? [host_name] : []))
  const on = hosts.length > 0 ? ` on ${[...new Set(hosts)].reverse().join(', ')}` : ''
  const res = last.event_data?.res
  const said = isRecord(res) && typeof res['msg'] === 'string' ? `: ${clipSingleLine(res['msg'], longestReason)}` : ''
  return { reason: `task "${last.task}" failed${on}${said}`, places: { failedTask: last.task } }
}

function reasons(said: (string | null | undefined)[]): string | undefined {
  const told = said.filter(Boolean).map((one) => clipSingleLine(one as string, 2 * longestReason))
  return told.join('; ') || undefined
}

/** What a form refuses is by its fields: `{"variables_needed_to_start": ["'host' value missing"]}`. */
function reasonOf(body: unknown): string | undefined {
  if (!isRecord(body) || 'detail' in body || 'error' in body) return undefined
  const said = Object.entries(body).map(([field, words]) => `${field}: ${[words].flat().map(String).join(', ')}`)
  return said.join('; ') || undefined
}

function runOf({ baseUrl }: Http, api: Api, { id, type }: { id: number; type: string }): Run {
  const kind = type === 'workflow_job' ? 'workflow' : 'job'
  const page = `jobs/${kinds[kind].page}/${id}`
  return { id: `${kind}/${id}`, url: `${baseUrl}/${api === gateway ? `execution/${page}/output` : `#/${page}`}` }
}

/** An id is `job/12` or `workflow/7`. */
function placeOf(api: string, id: string): { kind: Kind; path: string } {
  const [, kind, number] = /^(job|workflow)\/(\d{1,15})$/.exec(id) ?? []
  if (!kind || !number) throw invalid('id', 'is no run: write it like job/12 or workflow/7')
  return { kind: kind as Kind, path: `${api}/${kinds[kind as Kind].runs}/${segment(number)}/` }
}
