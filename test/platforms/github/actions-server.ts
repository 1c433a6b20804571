import type { Job } from '../../../infra/sandbox/platforms/github/actions-responses.ts'
import { actionsRoutes } from '../../../infra/sandbox/platforms/github/actions-routes.ts'
import type { Workflow } from '../../../infra/sandbox/platforms/github/actions-state.ts'
import { githubError, notFound } from '../../../infra/sandbox/platforms/github/answers.ts'
import type { Repo } from '../../../infra/sandbox/platforms/github/issues.ts'
import type { WorkflowRun } from '../../../infra/sandbox/platforms/github/runs.ts'
import { newestOf, type Served, servePlatform } from '../../../infra/sandbox/platforms/loopback-server.ts'
import { bearer, json, type Platform, segments } from '../../../infra/sandbox/platforms/sandbox/http.ts'
import { type JobRow, play, runsIn, stages } from '../../conformance/rows/row.ts'

interface ScriptedRun extends WorkflowRun {
  jobs: Job[]
}

interface ScriptedWorkflow extends Workflow {
  inputs: string[]
  /** The input that is part of the run name. */
  titleInput: string | undefined
}

interface ScriptedState {
  workflows: ScriptedWorkflow[]
  runs: ScriptedRun[]
  branches: string[]
  mayWrite: boolean
  returnsRuns: boolean
  /** Number of lists that do not contain a new run yet. */
  staleLists: number
  /** Whether a canceled run continues because one of its jobs has `if: always()`. */
  ignoresCancel: boolean
}

export interface GithubActionsServer extends Served {
  token: string
  state: ScriptedState
  /** Completes the newest run one minute after its start. */
  finish(conclusion: string, jobs?: Omit<Job, 'id'>[]): void
}

const repository: Repo = { id: 1_296_269, owner: 'octo-org', name: 'octo-repo', created_at: '2026-01-05T09:00:00Z' }
const FIRST_RUN_ID = 30_433_642
const FIRST_JOB_ID = 399_444_496
const MINUTE_MS = 60_000

/** Starts a GitHub with one repository, whose workflow runs change only as the test says. */
async function startGithubActions(): Promise<GithubActionsServer> {
  const token = 'github_pat_of_a_robot'
  const state: ScriptedState = {
    workflows: [
      {
        file: 'deploy.yml',
        id: 161335,
        isDispatchable: true,
        titleInput: 'key',
        inputs: ['stage', 'replicas', 'dry', 'tags', 'key'],
      },
      { file: 'ci.yml', id: 161336, inputs: [], isDispatchable: false, titleInput: undefined },
    ],
    runs: [],
    branches: ['main', 'release/1.2'],
    mayWrite: true,
    returnsRuns: true,
    staleLists: 0,
    ignoresCancel: false,
  }
  const answerActions = actionsRoutes({
    settings: state,
    hasRef: (ref) => state.branches.includes(ref),
    workflow: (_repo, name) => state.workflows.find(({ file, id }) => name === file || name === String(id)),
    get: (_repo, id) => state.runs.find((run) => run.id === id),
    jobs: ({ id }) => state.runs.find((run) => run.id === id)?.jobs ?? [],
    list(_repo, { workflow, event }, { perPage }) {
      const isStale = state.staleLists > 0
      if (isStale) state.staleLists--
      const found = state.runs.filter((run) => run.workflow === workflow && run.event === (event ?? run.event))
      return { runs: isStale ? [] : found.reverse().slice(0, perPage), total: found.length }
    },
    start({ id: repo_id, owner, name: repo }, { workflow, ref, inputs }) {
      const now = new Date().toISOString()
      const input = state.workflows.find(({ file }) => file === workflow)?.titleInput
      const run: ScriptedRun = {
        id: FIRST_RUN_ID + state.runs.length,
        owner,
        repo,
        repo_id,
        workflow,
        ref,
        inputs,
        run_number: state.runs.length + 1,
        run_attempt: 1,
        event: 'workflow_dispatch',
        title: input ? `Deploy ${inputs[input] ?? ''}` : 'Deploy',
        status: 'queued',
        conclusion: null,
        jobs: [],
        created_at: now,
        started_at: now,
        completed_at: null,
        updated_at: now,
      }
      state.runs.push(run)
      return run
    },
    cancel(run) {
      if (!state.ignoresCancel) Object.assign(run, { status: 'completed', conclusion: 'cancelled' })
    },
  })
  const answer: Platform['answer'] = (call) => {
    if (bearer(call.headers) !== token) return githubError(401, 'Bad credentials')
    if (call.path === '/rate_limit') return json(200, { resources: {} })
    const [first, owner, name, kind, ...rest] = segments(call.path)
    if (first !== 'repos' || owner !== repository.owner || name !== repository.name) return notFound()
    if (kind === undefined) return json(200, { full_name: `${owner}/${name}`, default_branch: 'main' })
    return kind === 'actions' ? answerActions(call, repository, rest) : notFound()
  }
  return {
    ...(await servePlatform({ answer, error: githubError })),
    token,
    state,
    finish(conclusion, jobs = []) {
      const run = newestOf(state.runs)
      run.jobs = jobs.map((job, at) => ({ id: FIRST_JOB_ID + at, ...job }))
      const updated_at = new Date(Date.parse(run.created_at) + MINUTE_MS).toISOString()
      Object.assign(run, { status: 'completed', conclusion, updated_at })
    },
  }
}

export const githubActionsJob = {
  known: 'look-up',
  starts: /^POST .*\/dispatches$/,
  start: play(startGithubActions, ({ url: baseUrl, token, state, finish }) => {
    const project = 'octo-org/octo-repo'
    const enter = (name: string) => {
      const [status = '', conclusion] = name.split('/')
      if (conclusion) finish(conclusion)
      else Object.assign(state.runs.at(-1) ?? {}, { status })
    }
    return {
      connection: { baseUrl, token, keyInput: 'key' },
      input: { target: 'deploy.yml', project },
      ...runsIn(() => state.runs.map((run) => [`${project}#${run.id}`, run.conclusion === 'cancelled'])),
      ...stages(enter, 'in_progress', 'completed/success'),
    }
  }),
} satisfies JobRow
