import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'
import { defaultTemplates, surveyErrors, surveyResponse, type Template, templateResponse } from './awx-templates.ts'

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

/** The state of the fake. Tests read and change it. */
interface AwxState {
  templates: Template[]
  runs: Run[]
  events: JobEvent[]
  nodes: Node[]
  /** Whether the user has the role Execute. */
  mayExecute: boolean
  mayReadEvents: boolean
  /** Changes a template after it was read, and before it is launched. */
  beforeLaunch: (() => void) | undefined
}

export interface AwxServer extends Served {
  token: string
  username: string
  password: string
  state: AwxState
  /** Completes the newest run. */
  finish(status: string, what?: Partial<Run>): void
  /** A task of the newest run, or of another, that has failed on a host. */
  fail(task: string, host: string, more?: { event?: string; failed?: boolean; res?: unknown; job?: number }): void
}

const MAX_LISTED = 200

/**
 * AWX as its API answers.
 *
 * @see https://github.com/ansible/awx/blob/devel/awx/api/views/__init__.py
 * @see https://github.com/ansible/awx/blob/devel/awx/api/serializers.py
 */
export async function startAwx({ under = '/api/v2' } = {}): Promise<AwxServer> {
  const [token, username, password] = ['a-token-of-awx', 'robot', 'a-password-of-awx']
  const accepted = [`Bearer ${token}`, `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`]
  const state: AwxState = {
    templates: defaultTemplates(),
    runs: [],
    events: [],
    nodes: [],
    mayExecute: true,
    mayReadEvents: true,
    beforeLaunch: undefined,
  }
  const newest = () => state.runs.findLast(({ name }) => !name.startsWith('slice'))
  const served = await serve((call) => {
    if (!accepted.includes(String(call.headers['authorization']))) return refuse(401, notAuthenticated)
    if (!call.path.startsWith(`${under}/`) || !call.path.endsWith('/')) return refuse(404, 'Not found.')
    return createAwx(state).answer({ ...call, path: call.path.slice(under.length + 1, -1) })
  })
  return {
    ...served,
    token,
    username,
    password,
    state,
    finish(status, what = {}) {
      const end = { status, elapsed: 12.345, finished: new Date().toISOString(), event_processing_finished: true }
      Object.assign(newest() ?? {}, end, what)
    },
    fail(task, host, { event = 'runner_on_failed', failed = true, res, job = newest()?.id ?? 0 } = {}) {
      const counter = state.events.length + 1
      const event_data = { task, host, task_args: 'password=hunter22', res }
      state.events.push({ job, event, counter, failed, task, host_name: host, event_data })
    },
  }
}

const notAuthenticated =
  'Authentication credentials were not provided. To establish a login session, visit /api/login/.'

function refuse(status: number, detail: string): Reply {
  return { status, body: { detail } }
}

function createAwx(state: AwxState) {
  function answer({ method, path, query, body }: Call): Reply {
    const [what, id, more] = path.split('/')
    if (path === 'me') return list([{ id: 2, username: 'robot' }], query)
    if (path === 'unified_jobs') return listRuns(query)
    if (what === 'job_templates' || what === 'workflow_job_templates') {
      const type = what === 'job_templates' ? 'job_template' : 'workflow_job_template'
      const templates = state.templates.filter((one) => one.type === type)
      if (id === undefined) return findNamed(templates, query)
      const found = templates.find((one) => String(one.id) === id)
      if (!found) return refuse(404, 'Not found.')
      if (more === undefined) return ok(templateResponse(found))
      if (more === 'survey_spec') return ok(surveyResponse(found))
      if (more === 'launch' && method === 'POST') return launch(found, (body ?? {}) as Record<string, unknown>)
    }
    if (what === 'jobs' || what === 'workflow_jobs') {
      const type = what === 'jobs' ? 'job' : 'workflow_job'
      const run = state.runs.find((one) => one.type === type && String(one.id) === id)
      if (!run) return refuse(404, 'Not found.')
      if (more === undefined) return ok(detailOf(run))
      if (more === 'cancel' && method === 'POST') return cancel(run)
      if (more === 'job_events' && type === 'job') return listEvents(run, query)
      if (more === 'workflow_nodes' && type === 'workflow_job') return listNodes(run, query)
    }
    return refuse(404, 'Not found.')
  }

  function findNamed(templates: Template[], query: URLSearchParams): Reply {
    const [name, organization] = [query.get('name'), query.get('organization__name')]
    const found = templates.filter(
      (one) => (name === null || one.name === name) && (organization === null || one.organization === organization),
    )
    return list(found.map(templateResponse), query)
  }

  function listRuns(query: URLSearchParams): Reply {
    if (query.has('extra_vars')) return refuse(403, 'Filtering on extra_vars is not allowed.')
    const found = state.runs
      .filter((run) => String(run.unified_job_template) === query.get('unified_job_template'))
      .filter((run) => Date.parse(run.created) > Date.parse(query.get('created__gt') ?? '1970-01-01'))
      .sort((one, other) => (query.get('order_by') === '-id' ? other.id - one.id : one.id - other.id))
    return list(found.map(withoutDetails), query)
  }

  /** AWX ignores fields that the template does not prompt for. */
  function launch(found: Template, asked: Record<string, unknown>): Reply {
    state.beforeLaunch?.()
    if (!state.mayExecute) return refuse(403, 'You do not have permission to perform this action.')
    const given = (asked['extra_vars'] ?? {}) as Record<string, unknown>
    const missing = surveyErrors(found, given)
    if (missing.length > 0) return { status: 400, body: { variables_needed_to_start: missing } }
    if (found.passwords.length > 0) return { status: 400, body: { passwords_needed_to_start: found.passwords } }
    const questions = found.survey_enabled ? found.survey : []
    const [accepted, ignored] = split(given, (name) => {
      return found.ask_variables_on_launch || questions.some(({ variable }) => variable === name)
    })
    const branch = asked['scm_branch']
    const ignoredFields = {
      ...(Object.keys(ignored).length > 0 ? { extra_vars: ignored } : {}),
      ...(branch !== undefined && !found.ask_scm_branch_on_launch ? { scm_branch: branch } : {}),
    }
    const run = addRun(found, accepted, branch)
    const field = run.type === 'job' ? 'job' : 'workflow_job'
    return { status: 201, body: { [field]: run.id, ignored_fields: ignoredFields, ...detailOf(run) } }
  }

  function addRun(found: Template, variables: Record<string, unknown>, branch: unknown): Run {
    const sliced = found.job_slice_count > 1
    const hidden = found.survey.filter(({ type }) => type === 'password').map(({ variable }) => variable)
    const vars = Object.entries(variables).map(([name, value]) => [name, hidden.includes(name) ? '$encrypted$' : value])
    const run: Run = {
      id: 101 + state.runs.length,
      type: sliced || found.type === 'workflow_job_template' ? 'workflow_job' : 'job',
      name: found.name,
      unified_job_template: found.id,
      created: new Date().toISOString(),
      status: 'pending',
      extra_vars: JSON.stringify(Object.fromEntries(vars)),
      scm_branch: found.ask_scm_branch_on_launch ? String(branch ?? '') : '',
      elapsed: 0,
      finished: null,
      job_explanation: '',
      result_traceback: '',
      event_processing_finished: false,
      artifacts: {},
      host_status_counts: {},
      playbook_counts: { play_count: 0, task_count: 0 },
    }
    state.runs.push(run)
    if (sliced) {
      for (const slice of [1, 2]) state.runs.push({ ...run, id: run.id + slice, type: 'job', name: `slice ${slice}` })
    }
    return run
  }

  function cancel(run: Run): Reply {
    if (!['new', 'pending', 'waiting', 'running'].includes(run.status)) return refuse(405, 'Method "POST" not allowed.')
    if (!state.mayExecute) return refuse(403, 'You do not have permission to perform this action.')
    Object.assign(run, { status: 'canceled', finished: new Date().toISOString(), event_processing_finished: true })
    return { status: 202 }
  }

  function listEvents(run: Run, query: URLSearchParams): Reply {
    if (!state.mayReadEvents) return refuse(403, 'You do not have permission to perform this action.')
    const kinds = query.get('event__in')?.split(',')
    const found = state.events
      .filter(({ job, event }) => job === run.id && (kinds?.includes(event) ?? true))
      .filter(({ failed }) => query.get('failed') === null || String(failed) === query.get('failed'))
      .sort((one, other) => (one.counter - other.counter) * (query.get('order_by') === '-counter' ? -1 : 1))
    return list(found, query)
  }

  function listNodes(run: Run, query: URLSearchParams): Reply {
    const found = state.nodes.filter(({ workflow_job }) => workflow_job === run.id)
    const listed = found.map(({ job, ...node }, at) => ({
      id: 300 + at,
      identifier: `node ${at}`,
      ...node,
      summary_fields: job ? { job } : {},
    }))
    return list(listed, query)
  }

  return { answer }
}

function list(all: unknown[], query: URLSearchParams): Reply {
  const results = all.slice(0, Math.min(MAX_LISTED, Number(query.get('page_size') ?? 25)))
  return ok({ count: all.length, next: null, previous: null, results })
}

function split(given: Record<string, unknown>, isAccepted: (name: string) => boolean) {
  const entries = Object.entries(given)
  return [
    Object.fromEntries(entries.filter(([name]) => isAccepted(name))),
    Object.fromEntries(entries.filter(([name]) => !isAccepted(name))),
  ] as const
}

/** A workflow has no hosts, no tasks and no artifacts of its own. */
function detailOf({ artifacts, host_status_counts, playbook_counts, ...run }: Run) {
  return run.type === 'job' ? { ...run, artifacts, host_status_counts, playbook_counts } : run
}

function withoutDetails({ artifacts: _, host_status_counts: __, playbook_counts: ___, ...run }: Run) {
  const { result_traceback: ____, event_processing_finished: _____, ...listed } = run
  return listed
}
