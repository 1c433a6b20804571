import * as z from 'zod/mini'
import { refused } from '../../../shared/errors.ts'
import { inBatches } from '../../../shared/evaluation/batches.ts'
import type { MeasuredIndicator } from '../../../shared/evaluation/score.ts'
import type { Http } from '../../../shared/http/client.ts'
import { platformAuthorization, platformFields, reasonOf } from '../../../shared/orchestrators/dynatrace/environment.ts'
import {
  defineEvaluationProvider,
  evaluationFields,
  type MeasurementRequest,
} from '../../../shared/providers/evaluation/provider.ts'
import { type Query, withQueryName } from '../../../shared/providers/evaluation/queries.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { MAX_CONCURRENT_SLOS } from '../dynatrace-slo.ts'
import { measuredOf, sloEvaluation } from './evaluation.ts'

const connection = z.strictObject({
  ...platformFields('slo:slos:read'),
  ...evaluationFields,
})

const started = z.object({ evaluationToken: z.string(), ttlSeconds: z.nullish(z.number()) })
const sloList = z.object({
  slos: z.array(z.object({ id: z.string(), name: z.string() })),
  nextPageKey: z.nullish(z.string()),
})

interface RunningEvaluation {
  evaluationToken: string
  /** When the token expires, in epoch milliseconds. */
  until: number
}
/** The state of each query, in their order: JSON. */
type Progress = (RunningEvaluation | MeasuredIndicator)[]

const SLO_PATH = 'platform/slo/v1/slos'
/** How long all requests of one poll may wait for results at Dynatrace. Less than the timeout of a request. */
const MAX_WAIT_MS = 8_000
const DEFAULT_TOKEN_TTL_SECONDS = 300
const PAGE_SIZE = 200
const MAX_PAGES = 25
/** All object ids of Dynatrace's settings start with this. */
const idPattern = /^vu9U3hXa3q0A/

/**
 * Evaluates SLOs of the Dynatrace platform: starts an evaluation of the requested time and polls it. Each criterion of an
 * SLO has a verdict, and the worst one counts.
 *
 * @see https://docs.dynatrace.com/docs/dynatrace-api/platform-api/platform-slo-v1/slos-evaluation-start-post
 * @see https://docs.dynatrace.com/docs/dynatrace-api/platform-api/platform-slo-v1/slos-evaluation-poll-get
 */
export const dynatracePlatform = defineEvaluationProvider({
  title: 'Dynatrace Platform',
  connection,
  authorization: (connection, ca) => platformAuthorization(connection, ca, 'The connection to Dynatrace Platform'),
  errorReason: reasonOf,
  check: ({ http }) => http.get(SLO_PATH, { query: { 'page-size': 1 } }),
  queryNoun: 'the id or the name of an SLO',
  hasOwnVerdict: true as const,
  dataDelay: 120,

  async measure({ http }, request, state) {
    const previous = (state ?? []) as Progress
    const { queries } = request
    const waitMs = Math.floor(MAX_WAIT_MS / Math.ceil(queries.length / MAX_CONCURRENT_SLOS))
    const idOf = sloIds(http)
    const progress: Progress = await inBatches([...queries.entries()], MAX_CONCURRENT_SLOS, async ([index, query]) => {
      try {
        return await advance(http, query, request, { previous: previous[index], waitMs, idOf })
      } catch (error) {
        throw withQueryName(query.name, error)
      }
    })
    const running = queries.filter((_, index) => isRunning(progress[index]))
    if (running.length === 0) return { measured: progress as MeasuredIndicator[] }
    const names = clipSingleLine(running.map(({ name }) => name).join(', '), 200)
    return { status: `evaluating ${names}`, started: progress, pollImmediately: true }
  },
})

function isRunning(progress: Progress[number] | undefined): progress is RunningEvaluation {
  return progress !== undefined && 'evaluationToken' in progress
}

interface AdvanceOptions {
  previous: Progress[number] | undefined
  /** How long Dynatrace waits for the result before it responds. */
  waitMs: number
  idOf: (query: string) => Promise<string>
}

/** Starts the evaluation of an SLO, or polls it. If its token has expired, the evaluation starts again. */
async function advance(
  http: Http,
  { name, query }: Query,
  { start, end }: MeasurementRequest,
  { previous, waitMs, idOf }: AdvanceOptions,
) {
  if (previous && !isRunning(previous)) return previous
  const polled = previous && Date.now() < previous.until ? await poll(http, previous, waitMs) : undefined
  if (polled !== undefined) return progressOf(http, name, polled, previous?.until)
  const body = {
    id: await idOf(query),
    customTimeframe: { timeframeFrom: new Date(start).toISOString(), timeframeTo: new Date(end).toISOString() },
    requestTimeoutMilliseconds: waitMs,
  }
  // An evaluation changes nothing at Dynatrace. A second one only costs its queries.
  const response = await http.post(`${SLO_PATH}/evaluation:start`, body, { isRead: true, schema: sloEvaluation })
  return progressOf(http, name, response.body, undefined)
}

/** Returns undefined if the token has expired. */
async function poll(http: Http, { evaluationToken }: RunningEvaluation, waitMs: number) {
  const query = { 'evaluation-token': evaluationToken, 'request-timeout-milliseconds': waitMs }
  const { status, body } = await http.get(`${SLO_PATH}/evaluation:poll`, {
    query,
    accept: [404, 410],
    schema: sloEvaluation,
  })
  return status < 300 ? body : undefined
}

/** A response with a token is not complete, even if it has some results. */
function progressOf(http: Http, name: string, response: z.output<typeof sloEvaluation>, until: number | undefined) {
  const { data } = z.safeParse(started, response)
  if (!data) return measuredOf(name, response, http.baseUrl)
  const ttlMs = (data.ttlSeconds ?? DEFAULT_TOKEN_TTL_SECONDS) * 1_000
  return { evaluationToken: data.evaluationToken, until: until ?? Date.now() + ttlMs } satisfies RunningEvaluation
}

/** Returns a function that finds the id of an SLO by its name. Reads the list once. */
function sloIds(http: Http): (query: string) => Promise<string> {
  let all: ReturnType<typeof listAll> | undefined
  return async (query) => {
    if (idPattern.test(query)) return query
    all ??= listAll(http)
    const [found, ...others] = (await all).filter(({ id, name }) => id === query || name === query)
    if (found && others.length === 0) return found.id
    throw refused(
      found
        ? `Dynatrace has more than one SLO named "${query}". Use the id of one.`
        : `Dynatrace has no SLO named "${query}", or the connection cannot read it.`,
    )
  }
}

async function listAll(http: Http) {
  const all: z.output<typeof sloList>['slos'] = []
  let query: Record<string, string | number> = { 'page-size': PAGE_SIZE }
  for (let page = 0; page < MAX_PAGES; page++) {
    const { slos, nextPageKey } = (await http.get(SLO_PATH, { query, schema: sloList })).body
    all.push(...slos)
    if (!nextPageKey) return all
    query = { 'page-key': nextPageKey }
  }
  throw refused(
    `The environment has more than ${all.length} SLOs, too many to search for a name. Use the id of the SLO.`,
  )
}
