import * as z from 'zod/mini'
import type { Http } from '../../../shared/http/client.ts'

const count = z.nullish(z.int())
const experimentRun = z.object({
  experimentID: z.string(),
  /** Empty until the agent in the cluster accepts the run. */
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
export type ExperimentRun = z.output<typeof experimentRun>

export const NOT_FOUND = 404

/**
 * Starts a run of an experiment.
 *
 * @returns its notifyID, or an empty text if the experiment has a schedule
 */
export async function startRun(http: Http, projectID: string, experimentID: string): Promise<string> {
  const mutation = `mutation runChaosExperiment($experimentID: String!, $projectID: ID!) {
    runChaosExperiment(experimentID: $experimentID, projectID: $projectID) { notifyID }
  }`
  const schema = z.object({ runChaosExperiment: z.object({ notifyID: z.string() }) })
  const { body } = await send(http, mutation, { experimentID, projectID }, schema)
  return body.data.runChaosExperiment.notifyID
}

/** Returns a run, or undefined if the response has one of the accepted error statuses. */
export async function readRun(
  http: Http,
  { project: projectID, notifyID }: { project: string; notifyID: string },
  accept: readonly number[] = [],
): Promise<ExperimentRun | undefined> {
  const query = `query getExperimentRun($projectID: ID!, $notifyID: ID) {
    getExperimentRun(projectID: $projectID, notifyID: $notifyID) {
      experimentID experimentRunID experimentName phase resiliencyScore
      faultsPassed faultsFailed faultsAwaited faultsStopped faultsNa totalFaults
      executionData infra { name }
    }
  }`
  const schema = z.object({ getExperimentRun: experimentRun })
  const { status, body } = await send(http, query, { projectID, notifyID }, schema, accept)
  return accept.includes(status) ? undefined : body.data.getExperimentRun
}

/** Stops a run. */
export async function stopRun(
  http: Http,
  projectID: string,
  { experimentID, experimentRunID }: ExperimentRun,
): Promise<void> {
  const mutation = `mutation stopExperimentRuns($projectID: ID!, $experimentID: String!, $experimentRunID: String) {
    stopExperimentRuns(projectID: $projectID, experimentID: $experimentID, experimentRunID: $experimentRunID)
  }`
  const schema = z.object({ stopExperimentRuns: z.literal(true) })
  await send(http, mutation, { projectID, experimentID, experimentRunID }, schema)
}

function send<T>(
  http: Http,
  query: string,
  variables: Record<string, string>,
  data: z.ZodMiniType<T>,
  accept: readonly number[] = [],
) {
  const isRead = query.startsWith('query')
  return http.post('api/query', { query, variables }, { accept, isRead, schema: z.object({ data }) })
}

const UNREACHABLE =
  /code = (?:Unavailable|DeadlineExceeded|Internal)|server selection error|connection\(|deadline exceeded/i
/**
 * Statuses of Litmus's errors, which all arrive with 200; the first match wins. Litmus checks permissions first. If that
 * check fails, nothing was written, but a 5xx would leave that open.
 */
const ERROR_STATUSES: readonly [RegExp, number][] = [
  [new RegExp(`permission_denied.*(?:${UNREACHABLE.source})`, 'i'), 408],
  [/invalid token|token (?:is|has|contains|revoked|not found|used before)|signature is invalid|illegal base64/i, 401],
  [/permission_denied/, 403],
  [/no matching experiment run|no documents in result/, 404],
  [UNREACHABLE, 503],
  [/internal system error|DB aggregate|cursor|transaction|topology/i, 500],
]
const REJECTED = 422

/** Returns the status of an error in a response, or undefined if it has none. */
export function errorStatus(body: unknown): number | undefined {
  const { errors } = (body ?? {}) as { errors?: { message?: unknown }[] | null }
  if (!Array.isArray(errors) || errors.length === 0) return undefined
  const messages = errors.map((error) => error?.message).join('; ')
  return ERROR_STATUSES.find(([pattern]) => pattern.test(messages))?.[1] ?? REJECTED
}
