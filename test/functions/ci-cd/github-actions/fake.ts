import type { Job } from '../../../../infra/sandbox/platforms/github/actions-responses.ts'
import { actionsRoutes } from '../../../../infra/sandbox/platforms/github/actions-routes.ts'
import type { Workflow } from '../../../../infra/sandbox/platforms/github/actions-state.ts'
import { githubError, notFound } from '../../../../infra/sandbox/platforms/github/answers.ts'
import { type Repo, timeOf } from '../../../../infra/sandbox/platforms/github/issues.ts'
import { createRuns, type StoredRun, type WorkflowRun } from '../../../../infra/sandbox/platforms/github/runs.ts'
import { bearer, json, type Platform, segments } from '../../../../infra/sandbox/platforms/sandbox/http.ts'
import { openStore } from '../../../../infra/sandbox/platforms/sandbox/store.ts'
import { newestOf, type Served } from '../../../../infra/testing/loopback-server.ts'
import { type JobRow, runsIn, stages, startWith } from '../../../conformance/row.ts'
import { servePlatform } from '../../../platforms/serve-platform.ts'

export interface GithubActionsServer extends Served {
  token: string
  state: {
    workflows: (Workflow & { inputs: string[] })[]
    branches: string[]
    mayWrite: boolean
    returnsRuns: boolean
    /** Whether the title of a run contains its inputs. */
    showsInputs: boolean
    /** Number of lists that do not contain a new run yet. */
    staleLists: number
    /** Whether a canceled run continues because one of its jobs has `if: always()`. */
    ignoresCancel: boolean
  }
  /** Returns all runs, oldest first. */
  runs(): WorkflowRun[]
  /** Changes the newest run. */
  show(fields: Partial<WorkflowRun>): void
  /** Completes the newest run one minute after its start. */
  finish(conclusion: string, jobs?: Omit<Job, 'id'>[]): void
  /** Deletes the runs. */
  empty(): void
}

const repository: Repo = { id: 1_296_269, owner: 'octo-org', name: 'octo-repo', created_at: '2026-01-05T09:00:00Z' }
const FIRST_JOB_ID = 399_444_496
const MINUTE_MS = 60_000

/** Starts a GitHub with one repository, whose workflow runs change only as the test says. */
async function startGithubActions(): Promise<GithubActionsServer> {
  const token = 'github_pat_of_a_robot'
  const inputs = ['stage', 'replicas', 'dry', 'tags', 'key']
  const state: GithubActionsServer['state'] = {
    workflows: [
      { file: 'deploy.yml', id: 161335, inputs, isDispatchable: true },
      { file: 'ci.yml', id: 161336, inputs: [], isDispatchable: false },
    ],
    branches: ['main', 'release/1.2'],
    mayWrite: true,
    returnsRuns: true,
    showsInputs: true,
    staleLists: 0,
    ignoresCancel: false,
  }
  const store = openStore()
  const stored = store.collection<StoredRun>('github.runs')
  const runs = createRuns(store, 0)
  let jobs: Job[] = []
  const show = (fields: Partial<WorkflowRun>) => {
    const { id, shown } = newestOf(stored.list())
    stored.change(id, { shown: { ...shown, ...fields } })
  }
  const answerActions = actionsRoutes({
    ...runs,
    settings: state,
    hasRef: (ref) => state.branches.includes(ref),
    workflow: (_repo, name) => state.workflows.find(({ file, id }) => name === file || name === String(id)),
    jobs: () => jobs,
    list(...query) {
      const found = runs.list(...query)
      return state.staleLists-- > 0 ? { ...found, runs: [] } : found
    },
    start(...dispatch) {
      const run = runs.start(...dispatch)
      if (!state.showsInputs) show({ title: 'Deploy' })
      return run
    },
    cancel() {
      if (!state.ignoresCancel) show({ status: 'completed', conclusion: 'cancelled' })
    },
  })
  return {
    ...(await servePlatform({ answer: apiOf(token, answerActions), error: githubError })),
    token,
    state,
    runs: runs.all,
    show,
    finish(conclusion, ended = []) {
      jobs = ended.map((job, at) => ({ id: FIRST_JOB_ID + at, ...job }))
      const { created } = newestOf(stored.list())
      show({ status: 'completed', conclusion, updated_at: timeOf(created + MINUTE_MS) })
    },
    empty: store.empty,
  }
}

/** Answers requests for the one repository. */
function apiOf(token: string, answerActions: ReturnType<typeof actionsRoutes>): Platform['answer'] {
  return (call) => {
    if (bearer(call.headers) !== token) return githubError(401, 'Bad credentials')
    if (call.path === '/rate_limit') return json(200, { resources: {} })
    const [first, owner, name, kind] = segments(call.path)
    if (first !== 'repos' || owner !== repository.owner || name !== repository.name) return notFound()
    if (kind === undefined) return json(200, { full_name: `${owner}/${name}`, default_branch: 'main' })
    return kind === 'actions' ? answerActions(call, repository) : notFound()
  }
}

export const jobRow = {
  starts: /^POST .*\/dispatches$/,
  start: startWith(startGithubActions, ({ url: baseUrl, token, runs, show, finish }) => {
    const project = 'octo-org/octo-repo'
    const enter = (name: string) => {
      const [status = '', conclusion] = name.split('/')
      if (conclusion) finish(conclusion)
      else show({ status })
    }
    return {
      connection: { baseUrl, token, keyInput: 'key' },
      input: { target: 'deploy.yml', project },
      ...runsIn(() => runs().map((run) => [`${project}#${run.id}`, run.conclusion === 'cancelled'])),
      ...stages(enter, 'in_progress', 'completed/success'),
    }
  }),
} satisfies JobRow
