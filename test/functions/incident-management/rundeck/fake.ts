import {
  type Execution,
  type Job,
  type RundeckState,
  rundeckRoutes,
} from '../../../../infra/sandbox/platforms/rundeck/routes.ts'
import type { Served } from '../../../../infra/testing/loopback-server.ts'
import { type JobRow, startWith } from '../../../conformance/row.ts'
import { servePlatform } from '../../../platforms/serve-platform.ts'

/** How an execution proceeds: its status changes to `ends` after this number of status requests. */
interface Course {
  polls: number
  ends: string
  customStatus?: string
  failedNodes?: string[]
  /** The status after an abort. Defaults to `aborted`. */
  abortedAs?: string
  /** Rundeck cannot interrupt the execution. */
  stubborn?: boolean
  /** Rundeck retries the execution, which then proceeds like this. */
  retry?: Course
}

interface ScriptedExecution extends Execution, Omit<Course, 'customStatus' | 'failedNodes'> {}

interface ScriptedState extends Pick<RundeckState, 'may'> {
  jobs: Job[]
  executions: ScriptedExecution[]
  /** Applies to executions that start from now on. */
  course: Course
  /** Whether Rundeck stores the state of the steps. */
  storesState: boolean
}

export interface RundeckServer extends Served {
  token: string
  state: ScriptedState
  /** Changes the status of an execution. */
  set(id: number, status: string, more?: Partial<Course>): void
}

export const restart = '3b6c19f6-41ee-475f-8fd0-8f1a26f27a9a'

function initialState(): ScriptedState {
  const job = (id: string, name: string, group: string): Job => ({
    id,
    name,
    group,
    description: `Job ${name}`,
    required: [],
  })
  return {
    jobs: [
      job(restart, 'restart', 'ops/web'),
      job('a6e1e0f7-ad32-4b93-ba2c-9387be06a146', 'restart', ''),
      job('b152d59b-7d6d-440c-95ea-23dc9fc1db07', 'restart all', 'ops/web'),
    ],
    executions: [],
    course: { polls: 1, ends: 'succeeded' },
    may: { run: true, read: true, kill: true, events: true },
    storesState: true,
  }
}

/** Starts a Rundeck whose executions proceed as the test says. */
export async function startRundeck(): Promise<RundeckServer> {
  const token = 'E4rNvVRV378knO9dp3d73O0cs1kd0kCd'
  const state = initialState()
  const start = (job: Job, options: Record<string, string>, course: Course): ScriptedExecution => {
    const id = 134 + state.executions.length
    const started = 1_431_536_339_809 + id * 1_000
    const execution = { ...course, id, job, options, status: 'running', started, succeededNodes: ['web3'] }
    state.executions.push(execution)
    return execution
  }
  const end = (execution: ScriptedExecution) => {
    const { job, options, retry, ends } = execution
    if (retry) execution.retriedAs = start(job, options, retry).id
    setStatus(execution, retry ? 'failed-with-retry' : ends)
  }
  const executionOf = ({ id }: Pick<Execution, 'id'>) => state.executions.find((execution) => execution.id === id)

  const served = await servePlatform(
    rundeckRoutes({
      token,
      jobs: state.jobs,
      user: 'robot',
      may: state.may,
      all: () => [...state.executions],
      find: (id) => executionOf({ id }),
      read(execution) {
        const scripted = executionOf(execution)
        if (scripted && RUNNING.includes(scripted.status) && --scripted.polls < 0) end(scripted)
      },
      start: (job, options) => start(job, options, state.course),
      abort(execution) {
        const scripted = executionOf(execution)
        if (!scripted || scripted.stubborn) return 'Unable to interrupt'
        Object.assign(scripted, { abortedby: 'robot', ends: scripted.abortedAs ?? 'aborted', polls: 1 })
        return undefined
      },
      steps: (execution) => (state.storesState ? stepsOf(execution) : undefined),
    }),
  )
  return {
    ...served,
    token,
    state,
    set(id, status, more = {}) {
      const execution = executionOf({ id })
      if (!execution) throw new Error(`Unknown execution ${id}`)
      setStatus(Object.assign(execution, more), status)
    },
  }
}

const RUNNING = ['running', 'scheduled', 'queued']

function setStatus(execution: ScriptedExecution, status: string): void {
  execution.status = status
  if (!RUNNING.includes(status)) execution.ended = execution.started + 6_614
}

function stepsOf({ id, status, failedNodes = [] }: Execution) {
  const executionState = status === 'succeeded' ? 'SUCCEEDED' : status === 'aborted' ? 'ABORTED' : 'FAILED'
  const nodeStates = Object.fromEntries(failedNodes.map((node) => [node, { executionState: 'FAILED' }]))
  const failed = { id: '1', executionState: 'FAILED', nodeStep: true, nodeStates }
  const succeeded = { id: '1', executionState: 'SUCCEEDED', nodeStep: true, nodeStates: {} }
  const steps = [succeeded, { id: '2', executionState, hasSubworkflow: true, workflow: { steps: [failed] } }]
  return { completed: true, executionId: id, executionState, stepCount: 2, steps }
}

export const jobRow = {
  starts: /^POST .*\/(?:run|executions)$/,
  start: startWith(startRundeck, ({ url: baseUrl, token, state, set }) => {
    const newest = () => state.executions.at(-1)
    const enter = (status: string) => set(newest()?.id ?? 0, status)
    return {
      connection: { baseUrl, token, project: 'shop', keyOption: 'key' },
      input: { target: restart },
      runs: () => state.executions.length,
      id: () => String(state.executions.at(-1)?.id),
      letStart: () => set(newest()?.id ?? 0, 'running', { polls: 99 }),
      enter,
      end: () => enter('succeeded'),
      finishStop() {
        if (newest()?.abortedby) enter('aborted')
        return newest()?.status === 'aborted'
      },
    }
  }),
} satisfies JobRow
