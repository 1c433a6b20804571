import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../../infra/testing/loopback-server.ts'
import { basic, requireHeader } from '../../../../infra/testing/require-header.ts'
import { type JobRow, runsIn, startWith } from '../../../conformance/row.ts'
import {
  defaultTemplates,
  restart,
  surveyErrors,
  surveyResponse,
  type Template,
  templateResponse,
} from './templates.ts'

interface Run {
  id: number
  type: 'job' | 'workflow_job'
  name: string
  unified_job_template: number
  created: string
  status: string
  extra_vars: string
  scm_branch: string
  elapsed: number
  started: string | null
  finished: string | null
  job_explanation: string
  result_traceback: string
  event_processing_finished: boolean
  artifacts: Record<string, unknown>
  host_status_counts: Record<string, number>
  playbook_counts: { play_count: number; task_count: number }
}

interface JobEvent {
  job: number
  event: string
  counter: number
  failed: boolean
  task: string
  host_name: string
  event_data: { task: string; host: string; task_args?: string; res?: unknown }
}

interface Node {
  workflow_job: number
  do_not_run: boolean
  job: { id: number; name: string; type: string; status: string } | undefined
}

type State = ReturnType<typeof initial>

const TOKEN = 'a-token-of-awx'
const USERNAME = 'robot'
const PASSWORD = 'a-password-of-awx'
const MAX_LISTED = 200

const initial = () => ({
  templates: defaultTemplates(),
  runs: [] as Run[],
  events: [] as JobEvent[],
  nodes: [] as Node[],
  /** The user has the role Execute. */
  mayExecute: true,
  mayReadEvents: true,
  /** Changes a template after it was read, and before it is launched. */
  beforeLaunch: undefined as (() => void) | undefined,
})

/**
 * The API of AWX.
 *
 * @param options.under the path of the API, which differs behind a gateway
 * @see https://github.com/ansible/awx/blob/devel/awx/api/views/__init__.py
 * @see https://github.com/ansible/awx/blob/devel/awx/api/serializers.py
 */
export const startAwx = ({ under = '/api/v2' } = {}) => defineAwx(under)()

const defineAwx = (base: string) =>
  definePlatform({
    base,
    state: initial,
    refuses: requireHeader(
      'authorization',
      [`Bearer ${TOKEN}`, basic(USERNAME, PASSWORD)],
      refuse(401, 'Authentication credentials were not provided. To establish a login session, visit /api/login/.'),
    ),
    routes: {
      'GET /me/': ({ query }) => list([{ id: 2, username: 'robot' }], query),
      'GET /unified_jobs/': ({ state, query }) => listRuns(state.runs, query),
      'GET /{type}s/': ({ state, params, query }) => listTemplates(state, params.type, query),
      'GET /{type}s/{id}/': ({ state, params }) => {
        const template = templateOf(state, params)
        if (template) return templateResponse(template)
        const run = runOf(state, params)
        return run && detailOf(run)
      },
      'GET /{type}s/{id}/survey_spec/': ({ state, params }) => {
        const template = templateOf(state, params)
        return template && surveyResponse(template)
      },
      'POST /{type}s/{id}/launch/': ({ state, params, body }) => {
        const template = templateOf(state, params)
        return template && launch(state, template, body)
      },
      'POST /{type}s/{id}/cancel/': ({ state, params }) => {
        const run = runOf(state, params)
        return run && cancel(state, run)
      },
      'GET /jobs/{id}/job_events/': ({ state, params, query }) => {
        const run = runOf(state, { type: 'job', ...params })
        return run && listEvents(state, run, query)
      },
      'GET /workflow_jobs/{id}/workflow_nodes/': ({ state, params, query }) => {
        const run = runOf(state, { type: 'workflow_job', ...params })
        return run && listNodes(state, run, query)
      },
    },
    notFound: refuse(404, 'Not found.'),
    members({ runs, events }) {
      const newest = () => runs.findLast(({ name }) => !name.startsWith('slice'))
      return {
        token: TOKEN,
        username: USERNAME,
        password: PASSWORD,
        /** Completes the newest run. */
        finish(status: string, fields: Partial<Run> = {}) {
          const finished = new Date().toISOString()
          const started = new Date(Date.parse(finished) - 12_345).toISOString()
          const end = { status, elapsed: 12.345, started, finished, event_processing_finished: true }
          Object.assign(newest() ?? {}, end, fields)
        },
        /** Fails a task on a host, in the newest run by default. */
        fail(
          task: string,
          host: string,
          fields: { event?: string; failed?: boolean; res?: unknown; job?: number } = {},
        ) {
          const { event = 'runner_on_failed', failed = true, res, job = newest()?.id ?? 0 } = fields
          const counter = events.length + 1
          const event_data = { task, host, task_args: 'password=hunter22', res }
          events.push({ job, event, counter, failed, task, host_name: host, event_data })
        },
      }
    },
  })

function refuse(status: number, detail: string): Reply {
  return { status, body: { detail } }
}

interface TypedId {
  type: string
  id: string
}

function templateOf({ templates }: State, { type, id }: TypedId): Template | undefined {
  return templates.find((template) => template.type === type && String(template.id) === id)
}

function runOf({ runs }: State, { type, id }: TypedId): Run | undefined {
  return runs.find((run) => run.type === type && String(run.id) === id)
}

function listTemplates({ templates }: State, type: string, query: URLSearchParams): object {
  const name = query.get('name')
  const organization = query.get('organization__name')
  const found = templates
    .filter((template) => template.type === type)
    .filter((template) => name === null || template.name === name)
    .filter((template) => organization === null || template.organization === organization)
  return list(found.map(templateResponse), query)
}

function listNodes({ nodes }: State, { id }: Run, query: URLSearchParams): object {
  const shown = nodes
    .filter(({ workflow_job }) => workflow_job === id)
    .map(({ job, ...node }, index) => ({
      id: 300 + index,
      identifier: `node ${index}`,
      ...node,
      summary_fields: job ? { job } : {},
    }))
  return list(shown, query)
}

function listRuns(runs: Run[], query: URLSearchParams): object | Reply {
  if (query.has('extra_vars')) return refuse(403, 'Filtering on extra_vars is not allowed.')
  const found = runs
    .filter((run) => String(run.unified_job_template) === query.get('unified_job_template'))
    .filter((run) => Date.parse(run.created) > Date.parse(query.get('created__gt') ?? '1970-01-01'))
    .sort((run, other) => (query.get('order_by') === '-id' ? other.id - run.id : run.id - other.id))
  return list(found.map(summaryOf), query)
}

/** Ignores fields that the template does not prompt for, like AWX. */
function launch(state: State, template: Template, request: Record<string, unknown>): Reply {
  state.beforeLaunch?.()
  if (!state.mayExecute) return refuse(403, 'You do not have permission to perform this action.')
  const variables = (request['extra_vars'] ?? {}) as Record<string, unknown>
  const missing = surveyErrors(template, variables)
  if (missing.length > 0) return { status: 400, body: { variables_needed_to_start: missing } }
  if (template.passwords.length > 0) return { status: 400, body: { passwords_needed_to_start: template.passwords } }
  const questions = template.survey_enabled ? template.survey : []
  const isAccepted = ([name]: [string, unknown]) =>
    template.ask_variables_on_launch || questions.some(({ variable }) => variable === name)
  const accepted = Object.entries(variables).filter(isAccepted)
  const ignored = Object.entries(variables).filter((entry) => !isAccepted(entry))
  const branch = request['scm_branch']
  const run = addRun(state.runs, template, accepted, branch)
  const ignored_fields = {
    extra_vars: ignored.length > 0 ? Object.fromEntries(ignored) : undefined,
    scm_branch: template.ask_scm_branch_on_launch ? undefined : branch,
  }
  return { status: 201, body: { [run.type]: run.id, ignored_fields, ...detailOf(run) } }
}

function addRun(runs: Run[], template: Template, variables: [string, unknown][], branch: unknown): Run {
  const isSliced = template.job_slice_count > 1
  const hidden = template.survey.filter(({ type }) => type === 'password').map(({ variable }) => variable)
  const vars = variables.map(([name, value]) => [name, hidden.includes(name) ? '$encrypted$' : value])
  const run: Run = {
    id: 101 + runs.length,
    type: isSliced || template.type === 'workflow_job_template' ? 'workflow_job' : 'job',
    name: template.name,
    unified_job_template: template.id,
    created: new Date().toISOString(),
    status: 'pending',
    extra_vars: JSON.stringify(Object.fromEntries(vars)),
    scm_branch: template.ask_scm_branch_on_launch ? String(branch ?? '') : '',
    elapsed: 0,
    started: null,
    finished: null,
    job_explanation: '',
    result_traceback: '',
    event_processing_finished: false,
    artifacts: {},
    host_status_counts: {},
    playbook_counts: { play_count: 0, task_count: 0 },
  }
  runs.push(run)
  const slices = isSliced ? [1, 2] : []
  for (const slice of slices) runs.push({ ...run, id: run.id + slice, type: 'job', name: `slice ${slice}` })
  return run
}

function cancel({ mayExecute }: State, run: Run): Reply {
  if (!['new', 'pending', 'waiting', 'running'].includes(run.status)) return refuse(405, 'Method "POST" not allowed.')
  if (!mayExecute) return refuse(403, 'You do not have permission to perform this action.')
  Object.assign(run, { status: 'canceled', finished: new Date().toISOString(), event_processing_finished: true })
  return { status: 202 }
}

function listEvents({ events, mayReadEvents }: State, run: Run, query: URLSearchParams): object | Reply {
  if (!mayReadEvents) return refuse(403, 'You do not have permission to perform this action.')
  const kinds = query.get('event__in')?.split(',')
  const found = events
    .filter(({ job, event }) => job === run.id && (kinds?.includes(event) ?? true))
    .filter(({ failed }) => query.get('failed') === null || String(failed) === query.get('failed'))
    .sort((event, other) => (event.counter - other.counter) * (query.get('order_by') === '-counter' ? -1 : 1))
  return list(found, query)
}

function list(items: unknown[], query: URLSearchParams): object {
  const results = items.slice(0, Math.min(MAX_LISTED, Number(query.get('page_size') ?? 25)))
  return { count: items.length, next: null, previous: null, results }
}

/** A workflow has no hosts, no tasks and no artifacts of its own. */
function detailOf({ artifacts, host_status_counts, playbook_counts, ...run }: Run) {
  return run.type === 'job' ? { ...run, artifacts, host_status_counts, playbook_counts } : run
}

function summaryOf({ artifacts: _, host_status_counts: __, playbook_counts: ___, ...run }: Run) {
  const { result_traceback: ____, event_processing_finished: _____, ...listed } = run
  return listed
}

export const jobRow = rowOf('job', String(restart.id))
export const awxWorkflow = rowOf('workflow', 'workflow/20')

function rowOf(kind: 'job' | 'workflow', target: string) {
  return {
    starts: /^POST .*\/launch\/$/,
    start: startWith(startAwx, ({ url: baseUrl, token, state, finish }) => {
      const enter = (status: string) => void Object.assign(state.runs.at(-1) ?? {}, { status })
      return {
        connection: { baseUrl, token },
        input: { target },
        ...runsIn(() => state.runs.map((run) => [`${kind}/${run.id}`, run.status === 'canceled'])),
        letStart: () => enter('running'),
        enter,
        end: () => finish('successful'),
      }
    }),
  } satisfies JobRow
}
