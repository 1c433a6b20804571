import * as z from 'zod/mini'
import { Failure, toSentence } from '../../../shared/errors.ts'
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
import { allowed, refuseOutside } from '../blast-radius.ts'
import { type Execution, type Fault, faultsOf, readExecution, stepsThatFailed } from '../litmus-execution.ts'
import { litmusAuthorization } from '../litmus-login.ts'

/** Its ids are UUIDs, or what whoever saved an experiment has chosen. */
const named = /^(?!\.+$)[\w.-]{1,80}$/

const connection = z.strictObject({
  baseUrl: url('Where ChaosCenter is, as people open it: its front end passes on to the API'),
  token: optional(secret('An API token of a user who owns or edits the project')),
  username: optional(word('In place of a token: a user who owns or edits the project')),
  password: optional(secret('The password of that user')),
  project: withDescription(z.string().check(z.regex(named)), 'The project of the experiments, by its id'),
  target: optional(word('Default experiment, by its id')),
  allow: allowed('Experiments that may be run, by their id'),
  minScore: z._default(
    integer(0, 100, 'The least resiliency score that passes, in percent; 100 where left out: every probe held'),
    100,
  ),
})

const count = z.nullish(z.int())
const experimentRun = z.object({
  experimentID: z.string(),
  /** Empty until the agent in the cluster has taken the run. */
  experimentRunID: z.string(),
  experimentName: z.nullish(z.string()),
  phase: z.string(),
  resiliencyScore: z.nullish(z.number()),
  faultsPassed: count,
  faultsFailed: count,
  faultsAwaited: count,
  faultsStopped: count,
  faultsNa: count,
  totalFaults: count,
  executionData: z.nullish(z.string()),
  infra: z.nullish(z.object({ name: z.string() })),
})
type ExperimentRun = z.output<typeof experimentRun>
const oneRun = z.object({ getExperimentRun: experimentRun })
const started = z.object({ runChaosExperiment: z.object({ notifyID: z.string() }) })
const stopped = z.object({ stopExperimentRuns: z.literal(true) })

/** What is asked of the GraphQL API. */
const documents = {
  start: `mutation runChaosExperiment($experimentID: String!, $projectID: ID!) {
    runChaosExperiment(experimentID: $experimentID, projectID: $projectID) { notifyID }
  }`,
  look: `query getExperimentRun($projectID: ID!, $notifyID: ID) {
    getExperimentRun(projectID: $projectID, notifyID: $notifyID) {
      experimentID experimentRunID experimentName phase resiliencyScore
      faultsPassed faultsFailed faultsAwaited faultsStopped faultsNa totalFaults
      executionData infra { name }
    }
  }`,
  stop: `mutation stopExperimentRuns($projectID: ID!, $experimentID: String!, $experimentRunID: String) {
    stopExperimentRuns(projectID: $projectID, experimentID: $experimentID, experimentRunID: $experimentRunID)
  }`,
}

/** For so long a new run may not be shown yet, in milliseconds. */
const showsWithin = 60_000
/** No run has this. */
const nobody = '00000000-0000-0000-0000-000000000000'
const notFound = 404
const mostFaults = 20
const mostReasons = 3
const longestReason = 500
const longestWhy = 200

const states: Readonly<Record<string, Verdict>> = {
  Queued: 'running',
  Pending: 'running',
  Running: 'running',
  // Its own UI goes on looking.
  NA: 'running',
  // These two have a score, which decides.
  Completed: 'pass',
  Completed_With_Probe_Failure: 'fail',
  Completed_With_Error: 'fail',
  Error: 'errored',
  Timeout: 'errored',
  Skipped: 'errored',
  Stopped: 'aborted',
  Terminated: 'aborted',
}
/** Ran to its end, so that its score says how well. */
const scored = ['Completed', 'Completed_With_Probe_Failure']

/**
 * Litmus ChaosCenter 3: a run of a chaos experiment.
 *
 * A start takes nothing that a run could be known by later, so none is looked up and none is repeated.
 *
 * @see https://docs.litmuschaos.io
 * @see https://github.com/litmuschaos/litmus/tree/master/chaoscenter/graphql/definitions/shared
 */
export const litmus = defineJobProvider({
  title: 'Litmus',
  noun: 'experiment run',
  connection,
  authorization: (connection, ca) => litmusAuthorization(connection, ca),
  errorStatus: statusOf,
  // Whoever may look at runs is told that there is none.
  check: ({ http, connection: { project } }) => read(http, { project, notifyID: nobody }, [notFound]),

  states,

  checkStart({ target, project, ref, parameters = {} }, connection) {
    refuseOutside(connection.allow, target)
    if (project !== undefined) refuseOutside([connection.project], project, 'project')
    if (!named.test(target)) throw invalid('target', 'is no experiment: write its id')
    for (const [field, value] of Object.entries({ ref, parameters: Object.keys(parameters)[0] }))
      if (value !== undefined)
        throw invalid(field, 'is of no use, since an experiment runs as it is saved in Litmus: leave it out')
  },

  async start({ http, connection: { project } }, { target }) {
    const { body } = await ask(http, documents.start, { experimentID: target, projectID: project }, started)
    const { notifyID } = body.data.runChaosExperiment
    if (notifyID === '')
      throw new Failure(
        'refused',
        `The experiment ${target} runs by a schedule, which Litmus has put into force, and names no run that could be followed: use one that runs once.`,
      )
    return { ...runOf(http, { project, experiment: target, notifyID }), providerState: { startedAt: Date.now() } }
  },

  async getStatus({ http, connection }, run) {
    const place = placeOf(run.id)
    const { startedAt = 0 } = (run.providerState ?? {}) as { startedAt?: number }
    const isNew = Date.now() - startedAt < showsWithin
    const now = await read(http, place, isNew ? [notFound] : [])
    if (!now) return { state: 'not shown yet', verdict: 'running' }
    const { phase: state } = now
    const told = readExecution(now.executionData)
    const seen = { state, progress: stepOf(state, told), run: runOf(http, place) }
    return isRunning(state) ? seen : { ...seen, ...resultsOf(now, told, connection.minScore) }
  },

  parseRunId({ id, project }) {
    const place = placeOf(id)
    if (project === undefined || place.project === project) return { id }
    throw invalid('id', `is of the project ${place.project}, and not of ${project.slice(0, 100)}`)
  },

  // Told no run, Litmus stops all of the experiment, also those of others.
  async stop({ http }, { id }) {
    const place = placeOf(id)
    const now = await read(http, place)
    if (!now || !isRunning(now.phase)) return
    const { experimentID, experimentRunID } = now
    if (experimentRunID === '')
      throw new Failure('platform', `Litmus can not stop a run before its agent has taken it (${now.phase}).`)
    await ask(http, documents.stop, { projectID: place.project, experimentID, experimentRunID }, stopped)
  },
})

/** Where a run is: as `project/experiment#notifyID`, which a start answers before there is an id of the run. */
interface Place {
  project: string
  experiment: string
  notifyID: string
}

function ask<T>(
  http: Http,
  query: string,
  variables: Record<string, string>,
  data: z.ZodMiniType<T>,
  accept: readonly number[] = [],
) {
  const reads = query.startsWith('query')
  return http.post('api/query', { query, variables }, { accept, isRead: reads, schema: z.object({ data }) })
}

/** Undefined for an answer that is none of success, and accepted. */
async function read(http: Http, place: Pick<Place, 'project' | 'notifyID'>, accept: readonly number[] = []) {
  const variables = { projectID: place.project, notifyID: place.notifyID }
  const { status, body } = await ask(http, documents.look, variables, oneRun, accept)
  return accept.includes(status) ? undefined : body.data.getExperimentRun
}

const unreachable =
  /code = (?:Unavailable|DeadlineExceeded|Internal)|server selection error|connection\(|deadline exceeded/i
/**
 * What its errors stand for, which all come with 200: the first that fits, else a refusal. Permissions are asked for
 * first: where that fails, nothing was done, which a 5xx would leave open.
 */
const meanings: readonly [RegExp, number][] = [
  [new RegExp(`permission_denied.*(?:${unreachable.source})`, 'i'), 408],
  [/invalid token|token (?:is|has|contains|revoked|not found|used before)|signature is invalid|illegal base64/i, 401],
  [/permission_denied/, 403],
  [/no matching experiment run|no documents in result/, 404],
  [unreachable, 503],
  [/internal system error|DB aggregate|cursor|transaction|topology/i, 500],
]
const refusal = 422

function statusOf(body: unknown): number | undefined {
  const { errors } = (body ?? {}) as { errors?: { message?: unknown }[] | null }
  if (!Array.isArray(errors) || errors.length === 0) return undefined
  const said = errors.map((error) => error?.message).join('; ')
  return meanings.find(([pattern]) => pattern.test(said))?.[1] ?? refusal
}

function isRunning(state: string): boolean {
  return !Object.hasOwn(states, state) || states[state] === 'running'
}

function stepOf(state: string, told: Execution): string {
  const faults = faultsOf(told).map(({ name, phase }) => `${name} ${phase ?? ''}`.trim())
  return clipSingleLine([state, ...faults].join(', '), longestWhy)
}

function resultsOf(run: ExperimentRun, told: Execution, minScore: number): Partial<RunStatus> {
  const { phase, resiliencyScore: score, experimentName, infra } = run
  const faults = faultsOf(told)
  const failed = faults.filter(({ verdict }) => verdict !== 'Pass')
  const isScored = scored.includes(phase)
  const enough = (score ?? 0) >= minScore
  const missed = isScored && !enough ? [`resiliencyScore is ${score ?? 'unknown'}, not >= ${minScore}`] : []
  const why = [...missed, ...failed.slice(0, mostReasons).map(inWords), ...stepsThatFailed(told).slice(0, mostReasons)]
  const metrics = metricsOf(run, told)
  return {
    ...(isScored ? { verdict: enough ? 'pass' : 'fail' } : {}),
    reason: clipSingleLine([...why, told.message].filter(Boolean).join('; '), longestReason) || undefined,
    metrics,
    data: {
      ...(experimentName ? { experiment: experimentName } : {}),
      ...(infra ? { infrastructure: infra.name } : {}),
      ...metrics,
      ...(faults.length > 0 ? { faults: faults.slice(0, mostFaults).map(inData) } : {}),
      ...(failed[0] ? { failedFault: failed[0].name } : {}),
    },
  }
}

/** Its own count of faults, and the time that the agent has taken, in seconds. */
function metricsOf(run: ExperimentRun, { startedAt, finishedAt }: Execution): Record<string, number> {
  const { resiliencyScore, faultsPassed, faultsFailed, faultsAwaited, faultsStopped, faultsNa, totalFaults } = run
  const duration = startedAt && finishedAt ? Number(finishedAt) - Number(startedAt) : undefined
  const measured = {
    ...{ resiliencyScore, faultsPassed, faultsFailed, faultsAwaited, faultsStopped, faultsNa, totalFaults },
    duration,
  }
  return Object.fromEntries(Object.entries(measured).filter((one): one is [string, number] => Number.isFinite(one[1])))
}

function inWords({ name, verdict, failedProbes, failStep }: Fault): string {
  const why = [...failedProbes.slice(0, 1).map((probe) => `probe ${probe}`), ...(failStep ? [failStep] : [])].join('; ')
  return `fault ${name}: ${verdict}${why ? ` (${why})` : ''}`
}

function inData({ name, verdict, probeSuccess, failedProbes, failStep }: Fault) {
  return {
    name,
    verdict,
    ...(probeSuccess === undefined ? {} : { probeSuccess }),
    ...(failedProbes.length > 0 ? { failedProbes: failedProbes.slice(0, mostReasons) } : {}),
    ...(failStep ? { failStep } : {}),
  }
}

/** Its UI takes any account in the path. */
function runOf(http: Http, { project, experiment, notifyID }: Place): Run {
  const path = `account/-/project/${segment(project)}/experiments/${segment(experiment)}/notifyID/${segment(notifyID)}`
  return { id: `${project}/${experiment}#${notifyID}`, url: `${http.baseUrl}/${path}` }
}

function placeOf(id: StopJob['id']): Place {
  const [, project, experiment, notifyID] = /^([^/#]+)\/([^/#]+)#([\w-]{1,80})$/.exec(id) ?? []
  if (project && experiment && notifyID && named.test(project) && named.test(experiment))
    return { project, experiment, notifyID }
  throw invalid('id', 'is no experiment run: write it as start-test answered it, as project/experiment#notifyID')
}

function invalid(field: string, message: string): Failure {
  const path = `input.${field}`
  return new Failure('invalid', toSentence(`${path} ${message}`), { errors: [{ path, message }] })
}
