import { routeTable } from '../../../testing/route-table.ts'
import { timeOf } from '../github/issues.ts'
import { demo } from '../sandbox/demo.ts'
import type { FakeCall, FakeReply, Platform } from '../sandbox/http.ts'
import { type JobRunSummary, jobRunPage, summaryOf } from '../sandbox/job-run-summary.ts'
import { createJobRuns, type JobRun } from '../sandbox/job-runs.ts'
import type { Notifying, RunNotification } from '../sandbox/notifications/notifier.ts'
import { missingPage } from '../sandbox/page.ts'
import type { Store } from '../sandbox/store.ts'
import { type Execution, executionPageUrl, type Job, PROJECT, rundeckRoutes } from './routes.ts'

export interface Rundeck extends Platform, Notifying {
  runs(root: string): JobRunSummary[]
}

const USER = 'sandbox-bot'
const NODES = ['shop-1', 'shop-2']
const [HEALTHY_NODE = '', FAILING_NODE = ''] = NODES

const JOBS: readonly (Job & { steps: string[] })[] = [
  {
    id: '3b6c19f6-41ee-475f-8fd0-8f1a26f27a9a',
    name: 'restart-checkout',
    group: '',
    required: [],
    description: 'Restarts the nodes of the checkout one after the other',
    steps: ['drain', 'restart'],
  },
  {
    id: 'b152d59b-7d6d-440c-95ea-23dc9fc1db07',
    name: 'clear-cache',
    group: '',
    required: [],
    description: 'Clears the cache of the shop',
    steps: ['flush', 'warm up'],
  },
]

const STATUSES: Record<JobRun['state'], string> = {
  waiting: 'running',
  running: 'running',
  stopping: 'running',
  success: 'succeeded',
  failure: 'failed',
  nonsense: 'other',
  stopped: 'aborted',
}

/**
 * Fakes a Rundeck with the project `shop`. Its jobs accept any option; `seconds` and `outcome` control an execution (see
 * `createJobRuns`); `nonsense` ends it with a custom status.
 */
export function createRundeck(store: Store, timeScale: number): Rundeck {
  const runs = createJobRuns(store, 'rundeck', 5, timeScale)
  const executionsOf = (run: JobRun | undefined) => {
    const job = JOBS.find(({ name }) => name === run?.job)
    return run && job ? [executionOf(job, run)] : []
  }
  const find = (id: number) => executionsOf(runs.get(id))[0]
  const summary = (root: string, run: JobRun) =>
    summaryOf(run, {
      platform: 'rundeck',
      id: run.number,
      status: STATUSES[run.state],
      html_url: executionPageUrl(root, run.number),
    })

  const page = routeTable<FakeCall, FakeReply>()({
    'GET /project/{project}/execution/show/{id}': ({ root, params: { project, id } }) => {
      const run = project === PROJECT && /^\d+$/.test(id) ? runs.get(Number(id)) : undefined
      return run ? jobRunPage('Rundeck', summary(root, run)) : missingPage('execution')
    },
  })

  return {
    ...rundeckRoutes({
      token: demo.rundeckToken,
      jobs: JOBS,
      user: USER,
      may: { run: true, read: true, kill: true, events: true },
      all: () => runs.all().flatMap(executionsOf),
      find,
      start(job, options) {
        const execution = find(runs.start(job.name, options))
        if (!execution) throw new Error('The execution was not stored.')
        return execution
      },
      abort({ id }) {
        runs.stop({ number: id })
        return undefined
      },
      steps: (execution) => stepsOf(execution, JOBS.find(({ id }) => id === execution.job.id)?.steps.length ?? 0),
    }),

    page: (call) => page(`GET ${call.path}`, call),

    notification(id, root) {
      const execution = find(id)
      return execution && executionNotification(root, execution)
    },

    runs: (root) => runs.all().map((run) => summary(root, run)),
  }
}

function executionOf(job: Job, { number, state, parameters, created, ended }: JobRun): Execution {
  const hasFailed = state === 'failure' || state === 'stopped' || state === 'nonsense'
  return {
    id: number,
    job,
    options: parameters,
    status: STATUSES[state],
    customStatus: 'gone fishing',
    abortedby: state === 'stopping' || state === 'stopped' ? USER : undefined,
    started: created,
    ended: ended ?? undefined,
    succeededNodes: hasFailed ? [HEALTHY_NODE] : NODES,
    failedNodes: hasFailed ? [FAILING_NODE] : undefined,
  }
}

/** @see https://docs.rundeck.com/docs/manual/notifications/webhooks.html */
function executionNotification(root: string, { id, job, options, status, started, ended }: Execution): RunNotification {
  const trigger = ended === undefined ? 'start' : status === 'succeeded' ? 'success' : 'failure'
  return {
    event: trigger,
    isLast: ended !== undefined,
    headers: {
      'x-rundeck-notification-trigger': trigger,
      'x-rundeck-notification-execution-id': String(id),
      'x-rundeck-notification-execution-status': status,
    },
    body: {
      trigger,
      status,
      executionId: id,
      execution: {
        id,
        href: executionPageUrl(root, id),
        status,
        user: USER,
        project: PROJECT,
        job: { id: job.id, name: job.name, group: job.group, description: job.description },
        dateStarted: timeOf(started),
        dateEnded: ended === undefined ? null : timeOf(ended),
        context: { option: options },
      },
    },
  }
}

/** Returns the state of the steps on each node. All steps except the last one succeed. */
function stepsOf({ id, status, started, ended }: Execution, stepCount: number) {
  const last = ended === undefined ? 'RUNNING' : status === 'other' ? 'FAILED' : status.toUpperCase()
  const startTime = timeOf(started)
  const times = { startTime, updateTime: timeOf(ended ?? started), endTime: ended === undefined ? null : timeOf(ended) }
  const steps = Array.from({ length: stepCount }, (_, index) => {
    const isLast = index === stepCount - 1
    const stateOn = (node: string) => (isLast && (node === FAILING_NODE || last !== 'FAILED') ? last : 'SUCCEEDED')
    return {
      id: String(index + 1),
      executionState: isLast ? last : 'SUCCEEDED',
      nodeStep: true,
      ...times,
      nodeStates: Object.fromEntries(NODES.map((node) => [node, { executionState: stateOn(node), ...times }])),
    }
  })
  const stepsOn = (node: string) =>
    steps.map(({ id, nodeStates }) => ({ stepctx: id, executionState: nodeStates[node]?.executionState }))
  return {
    executionId: id,
    completed: ended !== undefined,
    executionState: last,
    serverNode: 'rundeck',
    ...times,
    stepCount,
    allNodes: NODES,
    targetNodes: NODES,
    nodes: Object.fromEntries(NODES.map((node) => [node, stepsOn(node)])),
    steps,
  }
}
