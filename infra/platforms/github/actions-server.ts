import { type Call, type Reply, type Served, serve } from '../loopback-server.ts'

interface Step {
  name: string
  conclusion: string | null
}

interface Job {
  name: string
  conclusion: string | null
  steps: Step[]
}

interface WorkflowRun {
  id: number
  workflow: string
  event: string
  ref: string
  inputs: Record<string, string>
  title: string
  status: string
  conclusion: string | null
  attempt: number
  created_at: string
  started_at: string
  updated_at: string
  jobs: Job[]
}

interface Workflow {
  file: string
  id: number
  name: string
  /** Whether it has the trigger `workflow_dispatch`. */
  dispatchable: boolean
  inputs: string[]
  /** The input that is part of the run name. */
  named: string | undefined
}

/** The state of the fake. Tests read and change it. */
interface GithubActionsState {
  workflows: Workflow[]
  runs: WorkflowRun[]
  branches: string[]
  /** A server up to 3.20 does not say which run it starts, and refuses to be asked. */
  old: boolean
  /** How many look-ups show nothing of a new run. */
  listsLate: number
  mayWrite: boolean
  /** Whether a canceled run continues because one of its jobs has `if: always()`. */
  stubborn: boolean
}

export interface GithubActionsServer extends Served {
  token: string
  state: GithubActionsState
  /** Completes a run one minute after its start. */
  finish(conclusion: string, jobs?: Job[]): void
}

const repo = 'octo-org/octo-repo'
const minute = 60_000

/**
 * GitHub's API of Actions with one repository.
 *
 * @see https://docs.github.com/en/rest/actions/workflow-runs
 */
export async function startGithubActions(): Promise<GithubActionsServer> {
  const token = 'github_pat_of_a_robot'
  const state: GithubActionsState = {
    workflows: [
      { file: 'deploy.yml', id: 161335, name: 'Deploy', dispatchable: true, inputs: ['stage', 'key'], named: 'key' },
      { file: 'ci.yml', id: 161336, name: 'CI', dispatchable: false, inputs: [], named: undefined },
    ],
    runs: [],
    branches: ['main', 'release/1.2'],
    old: false,
    listsLate: 0,
    mayWrite: true,
    stubborn: false,
  }
  const served = await serve((call) => {
    if (call.headers['authorization'] !== `Bearer ${token}`) return refused(401, 'Bad credentials')
    return new Actions(state, served.url).answer(call)
  })
  return {
    ...served,
    token,
    state,
    finish(conclusion, jobs = []) {
      const run = state.runs.at(-1)
      if (!run) throw new Error('There is no run')
      const updated_at = new Date(Date.parse(run.started_at) + minute).toISOString()
      Object.assign(run, { status: 'completed', conclusion, jobs, updated_at })
    },
  }
}

function refused(status: number, message: string): Reply {
  return { status, body: { message, documentation_url: 'https://docs.github.com/rest', status: String(status) } }
}

class Actions {
  readonly #state: GithubActionsState
  readonly #url: string

  constructor(state: GithubActionsState, url: string) {
    this.#state = state
    this.#url = url
  }

  answer({ method, path, query, body }: Call): Reply {
    if (path === '/rate_limit') return { status: 200, body: { resources: {} } }
    const base = `/repos/${repo}`
    if (!path.startsWith(base)) return refused(404, 'Not Found')
    const rest = path.slice(base.length)
    if (rest === '') return { status: 200, body: { full_name: repo, default_branch: 'main' } }
    const [, name, what] = /^\/actions\/workflows\/([^/]+)\/(dispatches|runs)$/.exec(rest) ?? []
    const workflow = this.#state.workflows.find(({ file, id }) => name === file || name === String(id))
    if (name !== undefined && !workflow) return refused(404, 'Not Found')
    if (workflow && what === 'dispatches') return this.#dispatch(workflow, body as Record<string, unknown>)
    if (workflow) return this.#list(workflow, query)
    const [, id, action] = /^\/actions\/runs\/(\d+)(?:\/(jobs|cancel))?$/.exec(rest) ?? []
    const run = this.#state.runs.find((one) => String(one.id) === id)
    if (!run) return refused(404, 'Not Found')
    if (method === 'POST') return this.#cancel(run)
    return { status: 200, body: action === 'jobs' ? this.#jobs(run, query) : this.#shown(run) }
  }

  #dispatch(workflow: Workflow, asked: Record<string, unknown>): Reply {
    if (!this.#state.mayWrite) return refused(403, 'Resource not accessible by personal access token')
    const {
      ref,
      inputs = {},
      return_run_details: details,
    } = asked as {
      ref?: string
      inputs?: Record<string, unknown>
      return_run_details?: boolean
    }
    if (this.#state.old && details !== undefined) {
      return refused(400, 'Invalid request.\n\n"return_run_details" is not a permitted key.')
    }
    if (typeof ref !== 'string') return refused(422, 'Invalid request.\n\n"ref" wasn\'t supplied.')
    if (!this.#state.branches.includes(ref)) return refused(422, `No ref found for: ${ref}`)
    if (!workflow.dispatchable) return refused(422, "Workflow does not have 'workflow_dispatch' trigger")
    if (Object.keys(inputs).length > 25)
      return refused(422, 'Invalid request.\n\nNo more than 25 properties are allowed.')
    const unknown = Object.keys(inputs).filter((name) => !workflow.inputs.includes(name))
    if (unknown.length > 0) return refused(422, `Unexpected inputs provided: ${JSON.stringify(unknown)}`)
    const texts = inputs as Record<string, string>
    const now = new Date().toISOString()
    const run: WorkflowRun = {
      id: 30_433_642 + this.#state.runs.length,
      workflow: workflow.file,
      event: 'workflow_dispatch',
      ref,
      inputs: texts,
      title: workflow.named ? `Deploy ${texts[workflow.named] ?? ''}` : workflow.name,
      status: 'queued',
      conclusion: null,
      attempt: 1,
      created_at: now,
      started_at: now,
      updated_at: now,
      jobs: [],
    }
    this.#state.runs.push(run)
    if (!details) return { status: 204 }
    const { url: run_url, html_url } = this.#shown(run)
    return { status: 200, body: { workflow_run_id: run.id, run_url, html_url } }
  }

  #list(workflow: Workflow, query: URLSearchParams): Reply {
    const event = query.get('event')
    const late = this.#state.listsLate > 0
    if (late) this.#state.listsLate--
    const runs = this.#state.runs
      .filter((run) => run.workflow === workflow.file && (event === null || run.event === event))
      .filter(() => !late)
      .reverse()
      .slice(0, Number(query.get('per_page') ?? 30))
    return { status: 200, body: { total_count: runs.length, workflow_runs: runs.map((run) => this.#shown(run)) } }
  }

  #cancel(run: WorkflowRun): Reply {
    if (!this.#state.mayWrite) return refused(403, 'Resource not accessible by personal access token')
    if (run.status === 'completed') return refused(409, 'Cannot cancel a workflow run that is completed.')
    if (!this.#state.stubborn) Object.assign(run, { status: 'completed', conclusion: 'cancelled' })
    return { status: 202, body: {} }
  }

  #jobs(run: WorkflowRun, query: URLSearchParams) {
    const size = Number(query.get('per_page') ?? 30)
    const from = (Number(query.get('page') ?? 1) - 1) * size
    const jobs = run.jobs.map((job, at) => ({
      id: 399_444_496 + at,
      run_id: run.id,
      status: 'completed',
      html_url: `${this.#url}/${repo}/actions/runs/${run.id}/job/${399_444_496 + at}`,
      ...job,
      steps: job.steps.map((step, number) => ({ ...step, number: number + 1, status: 'completed' })),
    }))
    return { total_count: jobs.length, jobs: jobs.slice(from, from + size) }
  }

  #shown({ id, event, title, status, conclusion, attempt, created_at, started_at, updated_at, ref }: WorkflowRun) {
    return {
      id,
      name: 'Deploy',
      display_title: title,
      event,
      head_branch: ref,
      status,
      conclusion,
      run_attempt: attempt,
      created_at,
      run_started_at: started_at,
      updated_at,
      url: `${this.#url}/repos/${repo}/actions/runs/${id}`,
      html_url: `${this.#url}/${repo}/actions/runs/${id}`,
    }
  }
}
