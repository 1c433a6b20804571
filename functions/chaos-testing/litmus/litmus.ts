import * as z from 'zod/mini'
import { invalidInput, refused, retryLater } from '../../../shared/errors.ts'
import { integer, optional, secret, url, withDescription, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import {
  defineJobProvider,
  type Run,
  type RunStatus,
  type StopJob,
  type Verdict,
} from '../../../shared/providers/job.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { allowList, checkAllowed } from '../blast-radius.ts'
import { type ExperimentRun, errorStatus, NOT_FOUND, readRun, startRun, stopRun } from './api.ts'
import { type Execution, type Fault, failedSteps, faultsOf, readExecution } from './execution.ts'
import { litmusAuthorization } from './login.ts'

/** Ids are UUIDs, or names chosen by the person who saved the experiment. */
const ID = /^(?!\.+$)[\w.-]{1,80}$/

const connection = z.strictObject({
  baseUrl: url('URL at which people open ChaosCenter; its front end forwards requests to the API'),
  token: optional(secret('API token of a user who owns or edits the project')),
  username: optional(word('Instead of a token: a user who owns or edits the project')),
  password: optional(secret('Password of that user')),
  project: withDescription(
    z.string().check(z.regex(ID)),
    'Project that contains the experiments, by id: after /project/ in the URL of a page',
  ),
  target: optional(word('Default experiment, by id')),
  allow: allowList('Experiments that may run, by id: after /experiments/ in the URL of a page'),
  minScore: z._default(
    integer(0, 100, 'Minimum resiliency score to pass, in percent. Defaults to 100: every probe succeeds'),
    100,
  ),
})

/** A new run can be missing from responses for this long. */
const VISIBLE_WITHIN_MS = 60_000
const UNKNOWN_RUN = '00000000-0000-0000-0000-000000000000'
const MAX_FAULTS = 20
const MAX_REASONS = 3
const MAX_REASON_LENGTH = 500
const MAX_FAILURE_LENGTH = 200

const states: Readonly<Record<string, Verdict>> = {
  Queued: 'running',
  Pending: 'running',
  Running: 'running',
  // Litmus's own UI keeps polling in this phase.
  NA: 'running',
  // These two have a score, which decides the verdict.
  Completed: 'pass',
  Completed_With_Probe_Failure: 'fail',
  Completed_With_Error: 'fail',
  Error: 'errored',
  Timeout: 'errored',
  Skipped: 'errored',
  Stopped: 'aborted',
  Terminated: 'aborted',
}
/** Phases of a completed run, which has a valid score. */
const SCORED_PHASES = ['Completed', 'Completed_With_Probe_Failure']

/**
 * Litmus ChaosCenter 3: runs a chaos experiment.
 *
 * A start takes no value that could identify the run later, so an earlier run cannot be found and a start is never retried.
 *
 * @see https://docs.litmuschaos.io
 * @see https://github.com/litmuschaos/litmus/tree/master/chaoscenter/graphql/definitions/shared
 */
export const litmus = defineJobProvider({
  title: 'Litmus',
  noun: 'experiment run',
  connection,
  authorization: (connection, ca) => litmusAuthorization(connection, ca),
  errorStatus,
  // With permission to read runs, an unknown id returns "not found".
  check: ({ http, connection: { project } }) => readRun(http, { project, notifyID: UNKNOWN_RUN }, [NOT_FOUND]),

  states,

  checkStart({ target, project, ref, parameters = {} }, connection) {
    checkAllowed(connection.allow, target)
    if (project !== undefined) checkAllowed([connection.project], project, 'project')
    if (!ID.test(target)) throw invalidInput('input.target', 'must be the id of an experiment')
    for (const [field, value] of Object.entries({ ref, parameters: Object.keys(parameters)[0] }))
      if (value !== undefined)
        throw invalidInput(`input.${field}`, 'is not supported: an experiment runs as it is saved in Litmus')
  },

  async start({ http, connection: { project } }, { target }) {
    const notifyID = await startRun(http, project, target)
    if (notifyID === '')
      throw refused(
        `The experiment ${target} has a schedule: Litmus activated the schedule and returned no run to poll. Use an experiment that runs once.`,
      )
    return { ...runOf(http, { project, experiment: target, notifyID }), providerState: { startedAt: Date.now() } }
  },

  async getStatus({ http, connection }, run) {
    const runId = parseId(run.id)
    const { startedAt = 0 } = (run.providerState ?? {}) as { startedAt?: number }
    const isNew = Date.now() - startedAt < VISIBLE_WITHIN_MS
    const current = await readRun(http, runId, isNew ? [NOT_FOUND] : [])
    if (!current) return { state: 'not visible yet', verdict: 'running' }
    const { phase: state } = current
    const report = readExecution(current.executionData)
    const status = { state, progress: describeProgress(state, report), run: runOf(http, runId) }
    return isRunning(state) ? status : { ...status, ...resultsOf(current, report, connection.minScore) }
  },

  parseRunId({ id, project }) {
    const runId = parseId(id)
    if (project === undefined || runId.project === project) return { id }
    throw invalidInput('input.id', `is in the project ${runId.project}, not in ${project.slice(0, 100)}`)
  },

  // Without a run id, Litmus stops all runs of the experiment, including those of other callers.
  async stop({ http }, { id }) {
    const runId = parseId(id)
    const current = await readRun(http, runId)
    if (!current || !isRunning(current.phase)) return
    if (current.experimentRunID === '')
      throw retryLater(`Litmus cannot stop a run before its agent accepts it (${current.phase}).`)
    await stopRun(http, runId.project, current)
  },
})

/** The id of a run is `project/experiment#notifyID`: Litmus returns the notifyID before the run has an id of its own. */
interface RunId {
  project: string
  experiment: string
  notifyID: string
}

function isRunning(state: string): boolean {
  return !Object.hasOwn(states, state) || states[state] === 'running'
}

function describeProgress(state: string, report: Execution): string {
  const faults = faultsOf(report).map(({ name, phase }) => `${name} ${phase ?? ''}`.trim())
  return clipSingleLine([state, ...faults].join(', '), MAX_FAILURE_LENGTH)
}

function resultsOf(run: ExperimentRun, report: Execution, minScore: number): Partial<RunStatus> {
  const { phase, resiliencyScore: score, experimentName, infra } = run
  const faults = faultsOf(report)
  const failed = faults.filter(({ verdict }) => verdict !== 'Pass')
  const isScored = SCORED_PHASES.includes(phase)
  const isEnough = (score ?? 0) >= minScore
  const missed = isScored && !isEnough ? [`resiliencyScore is ${score ?? 'unknown'}, not >= ${minScore}`] : []
  const reasons = [
    ...missed,
    ...failed.slice(0, MAX_REASONS).map(describeFault),
    ...failedSteps(report).slice(0, MAX_REASONS),
    report.message,
  ]
  const metrics = metricsOf(run)
  return {
    ...(isScored ? { verdict: isEnough ? 'pass' : 'fail' } : {}),
    reason: clipSingleLine(reasons.filter(Boolean).join('; '), MAX_REASON_LENGTH) || undefined,
    metrics,
    period: { start: millisecondsOf(report.startedAt), end: millisecondsOf(report.finishedAt) },
    data: {
      ...(experimentName ? { experiment: experimentName } : {}),
      ...(infra ? { infrastructure: infra.name } : {}),
      ...metrics,
      ...(faults.length > 0 ? { faults: faults.slice(0, MAX_FAULTS).map(summarizeFault) } : {}),
      ...(failed[0] ? { failedFault: failed[0].name } : {}),
    },
  }
}

/** The agent reports epoch seconds as text. */
function millisecondsOf(seconds: string | null | undefined): number | undefined {
  return seconds ? Number(seconds) * 1_000 : undefined
}

/** Returns Litmus's count of faults. */
function metricsOf(run: ExperimentRun): Record<string, number> {
  const { resiliencyScore, faultsPassed, faultsFailed, faultsAwaited, faultsStopped, faultsNa, totalFaults } = run
  const measured = {
    resiliencyScore,
    faultsPassed,
    faultsFailed,
    faultsAwaited,
    faultsStopped,
    faultsNa,
    totalFaults,
  }
  return Object.fromEntries(
    Object.entries(measured).filter((entry): entry is [string, number] => Number.isFinite(entry[1])),
  )
}

function describeFault({ name, verdict, failedProbes, failStep }: Fault): string {
  const details = [...failedProbes.slice(0, 1).map((probe) => `probe ${probe}`), ...(failStep ? [failStep] : [])]
  return `fault ${name}: ${verdict}${details.length > 0 ? ` (${details.join('; ')})` : ''}`
}

function summarizeFault({ name, verdict, probeSuccess, failedProbes, failStep }: Fault) {
  return {
    name,
    verdict,
    ...(probeSuccess === undefined ? {} : { probeSuccess }),
    ...(failedProbes.length > 0 ? { failedProbes: failedProbes.slice(0, MAX_REASONS) } : {}),
    ...(failStep ? { failStep } : {}),
  }
}

/** Litmus's UI accepts any account in the path. */
function runOf(http: Http, { project, experiment, notifyID }: RunId): Run {
  const path = `account/-/project/${segment(project)}/experiments/${segment(experiment)}/notifyID/${segment(notifyID)}`
  return { id: `${project}/${experiment}#${notifyID}`, url: `${http.baseUrl}/${path}` }
}

function parseId(id: StopJob['id']): RunId {
  const [, project, experiment, notifyID] = /^([^/#]+)\/([^/#]+)#([\w-]{1,80})$/.exec(id) ?? []
  if (project && experiment && notifyID && ID.test(project) && ID.test(experiment))
    return { project, experiment, notifyID }
  throw invalidInput('input.id', 'must be the id that start-test returned: project/experiment#notifyID')
}
