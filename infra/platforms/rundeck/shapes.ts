import { timeOf } from '../github/issues.ts'
import type { JobRun } from '../sandbox/job-runs.ts'

export interface Job {
  id: string
  name: string
  description: string
  /** Its steps, for people. */
  steps: string[]
}

export const project = 'shop'
const user = 'sandbox-bot'
export const newestVersion = 48
const nodes = ['shop-1', 'shop-2']
/** Where what fails does. */
const [healthy = '', failing = ''] = nodes

const statuses: Record<JobRun['state'], string> = {
  waiting: 'running',
  running: 'running',
  stopping: 'running',
  success: 'succeeded',
  failure: 'failed',
  // A status that the job has made up itself.
  nonsense: 'other',
  stopped: 'aborted',
}

export function statusOf({ state }: JobRun): string {
  return statuses[state]
}

export function executionPageUrl(root: string, { number }: JobRun): string {
  return `${root}/project/${project}/execution/show/${number}`
}

export function jobShape(root: string, version: string, { id, name, description }: Job) {
  return {
    id,
    name,
    group: null,
    project,
    description,
    href: `${root}/api/${version}/job/${id}`,
    permalink: `${root}/project/${project}/job/show/${id}`,
    scheduled: false,
    scheduleEnabled: true,
    enabled: true,
  }
}

/** An execution (docs.rundeck.com/docs/api, Execution Info). */
export function executionShape(root: string, version: string, job: Job, run: JobRun) {
  const { number, state, parameters, created, ended } = run
  const argstring = Object.entries(parameters).map(([name, value]) => `-${name} ${value}`)
  const isAborted = state === 'stopping' || state === 'stopped'
  const didFail = state === 'failure' || state === 'stopped' || state === 'nonsense'
  return {
    id: number,
    href: `${root}/api/${version}/execution/${number}`,
    permalink: executionPageUrl(root, run),
    status: statusOf(run),
    ...(state === 'nonsense' ? { customStatus: 'gone fishing' } : {}),
    project,
    executionType: 'user',
    user,
    'date-started': dateOf(created),
    ...(ended === null ? {} : { 'date-ended': dateOf(ended) }),
    job: { ...jobShape(root, version, job), averageDuration: 5_000, options: parameters },
    description: `${job.steps[0]} [... ${job.steps.length} steps]`,
    argstring: argstring.length > 0 ? argstring.join(' ') : null,
    ...(isAborted ? { abortedby: user } : {}),
    ...(ended === null ? {} : { successfulNodes: didFail ? [healthy] : nodes }),
    ...(ended !== null && didFail ? { failedNodes: [failing] } : {}),
  }
}

/** The state of its steps on each node: the first goes well, and the last is the one that ends it (Execution State). */
export function stateShape(job: Job, run: JobRun) {
  const { number, created, ended } = run
  const last = stepState(run)
  const startTime = timeOf(created)
  const times = { startTime, updateTime: timeOf(ended ?? created), endTime: ended === null ? null : timeOf(ended) }
  const steps = job.steps.map((_, at) => {
    const isLast = at === job.steps.length - 1
    const on = (node: string) => (isLast && (node === failing || last !== 'FAILED') ? last : 'SUCCEEDED')
    return {
      id: String(at + 1),
      executionState: isLast ? last : 'SUCCEEDED',
      nodeStep: true,
      ...times,
      nodeStates: Object.fromEntries(nodes.map((node) => [node, { executionState: on(node), ...times }])),
    }
  })
  const perNode = (node: string) =>
    steps.map(({ id, nodeStates }) => ({ stepctx: id, executionState: nodeStates[node]?.executionState }))
  return {
    executionId: number,
    completed: ended !== null,
    executionState: last,
    serverNode: 'rundeck',
    ...times,
    stepCount: steps.length,
    allNodes: nodes,
    targetNodes: nodes,
    nodes: Object.fromEntries(nodes.map((node) => [node, perNode(node)])),
    steps,
  }
}

function stepState({ state, ended }: JobRun): string {
  if (ended === null) return 'RUNNING'
  if (state === 'success') return 'SUCCEEDED'
  return state === 'stopped' ? 'ABORTED' : 'FAILED'
}

function dateOf(unixtime: number) {
  return { unixtime, date: timeOf(unixtime) }
}
