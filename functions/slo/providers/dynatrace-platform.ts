import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { inBatches } from '../../../shared/evaluation/batches.ts'
import type { MeasuredIndicator } from '../../../shared/evaluation/score.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import type { Authorization, Http } from '../../../shared/http/client.ts'
import { oauthAuthorization } from '../../../shared/http/oauth.ts'
import {
  defineEvaluationProvider,
  evaluationFields,
  type MeasurementRequest,
} from '../../../shared/providers/evaluation/provider.ts'
import { type Query, withQueryName } from '../../../shared/providers/evaluation/queries.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { mostAtOnce, reasonOf } from '../dynatrace.ts'
import { measuredOf, sloEvaluation } from '../dynatrace-criteria.ts'

const connection = z.strictObject({
  baseUrl: url('The environment: https://abc12345.apps.dynatrace.com'),
  clientId: optional(word('The id of an OAuth client')),
  clientSecret: optional(secret('The secret of the client')),
  account: optional(word("The UUID of the client's account")),
  scope: z._default(word("The client's scopes: slo:slos:read where left out"), 'slo:slos:read'),
  tokenUrl: z._default(
    url('Where tokens are fetched; https://sso.dynatrace.com/sso/oauth2/token where left out'),
    'https://sso.dynatrace.com/sso/oauth2/token',
  ),
  token: optional(secret('Instead of a client, a platform token with the scope slo:slos:read')),
  ...evaluationFields,
})

const started = z.object({ evaluationToken: z.string(), ttlSeconds: z.nullish(z.number()) })
const listed = z.object({
  slos: z.array(z.object({ id: z.string(), name: z.string() })),
  nextPageKey: z.nullish(z.string()),
})

/** An evaluation that is under way at Dynatrace: its token, and until when it is good, in epoch milliseconds. */
interface UnderWay {
  evaluationToken: string
  until: number
}
/** What has become of each query, in their order: JSON. */
type Progress = (UnderWay | MeasuredIndicator)[]

const api = 'platform/slo/v1/slos'
/** What a look may take while Dynatrace evaluates, in milliseconds: below the time-out of a request. */
const patience = 8_000
/** Where it does not say how long a token is good for, in seconds. */
const usualLife = 300
const pageSize = 200
/** Of the list of SLOs, when one is looked for by its name. */
const mostPages = 25
/** How each id of an object of Dynatrace's settings begins. */
const isId = /^vu9U3hXa3q0A/

/**
 * The SLOs of the Dynatrace platform: an evaluation of the time that is asked about is started and polled, and judged by the
 * SLO's own criteria, of which the worst counts.
 *
 * @see https://docs.dynatrace.com/docs/dynatrace-api/platform-api/platform-slo-v1/slos-evaluation-start-post
 * @see https://docs.dynatrace.com/docs/dynatrace-api/platform-api/platform-slo-v1/slos-evaluation-poll-get
 */
export const dynatracePlatform = defineEvaluationProvider({
  title: 'Dynatrace Platform',
  connection,
  authorization,
  errorReason: reasonOf,
  check: ({ http }) => http.get(api, { query: { 'page-size': 1 } }),
  queryNoun: 'the id or the name of an SLO',
  hasOwnVerdict: true as const,
  dataDelay: 120,

  async measure({ http }, asked, begun) {
    const before = (begun ?? []) as Progress
    const wait = Math.floor(patience / Math.ceil(asked.queries.length / mostAtOnce))
    const idOf = lookUp(http)
    const now: Progress = await inBatches([...asked.queries.entries()], mostAtOnce, async ([at, query]) => {
      try {
        return await step(http, query, asked, { before: before[at], wait, idOf })
      } catch (error) {
        throw withQueryName(query.name, error)
      }
    })
    const left = asked.queries.filter((_, at) => isUnderWay(now[at]))
    if (left.length === 0) return { measured: now as MeasuredIndicator[] }
    const names = clipSingleLine(left.map(({ name }) => name).join(', '), 200)
    return { status: `evaluating ${names}`, started: now, pollImmediately: true }
  },
})

function isUnderWay(progress: Progress[number] | undefined): progress is UnderWay {
  return progress !== undefined && 'evaluationToken' in progress
}

interface Step {
  before: Progress[number] | undefined
  /** For how long Dynatrace is to wait for the end before it answers, in milliseconds. */
  wait: number
  idOf: (query: string) => Promise<string>
}

/** Starts the evaluation of an SLO, or looks after it; one whose token is good no more is started anew. */
async function step(
  http: Http,
  { name, query }: Query,
  { start, end }: MeasurementRequest,
  { before, wait, idOf }: Step,
) {
  if (before && !isUnderWay(before)) return before
  const polled = before && Date.now() < before.until ? await poll(http, before, wait) : undefined
  if (polled !== undefined) return progressOf(http, name, polled, before?.until)
  const body = {
    id: await idOf(query),
    customTimeframe: { timeframeFrom: new Date(start).toISOString(), timeframeTo: new Date(end).toISOString() },
    requestTimeoutMilliseconds: wait,
  }
  // It changes nothing: a second one costs its queries, and no more.
  const answer = (await http.post(`${api}/evaluation:start`, body, { isRead: true, schema: sloEvaluation })).body
  return progressOf(http, name, answer, undefined)
}

/** Undefined where the token is good no more. */
async function poll(http: Http, { evaluationToken }: UnderWay, wait: number) {
  const query = { 'evaluation-token': evaluationToken, 'request-timeout-milliseconds': wait }
  const { status, body } = await http.get(`${api}/evaluation:poll`, {
    query,
    accept: [404, 410],
    schema: sloEvaluation,
  })
  return status < 300 ? body : undefined
}

/** With a token it goes on, whatever is there already. */
function progressOf(http: Http, name: string, answer: z.output<typeof sloEvaluation>, until: number | undefined) {
  const { data } = z.safeParse(started, answer)
  if (!data) return measuredOf(name, answer, http.baseUrl)
  const life = (data.ttlSeconds ?? usualLife) * 1_000
  return { evaluationToken: data.evaluationToken, until: until ?? Date.now() + life } satisfies UnderWay
}

/** The id of an SLO by its name, from a list that is read once. */
function lookUp(http: Http): (query: string) => Promise<string> {
  let all: ReturnType<typeof listAll> | undefined
  return async (query) => {
    if (isId.test(query)) return query
    all ??= listAll(http)
    const [found, ...others] = (await all).filter(({ id, name }) => id === query || name === query)
    if (found && others.length === 0) return found.id
    throw new Failure(
      'refused',
      found
        ? `more than one SLO of Dynatrace is named "${query}": write the id of one.`
        : `Dynatrace shows no SLO named "${query}": is it spelled like that, and may the connection see it?`,
    )
  }
}

async function listAll(http: Http) {
  const all: z.output<typeof listed>['slos'] = []
  let query: Record<string, string | number> = { 'page-size': pageSize }
  for (let page = 0; page < mostPages; page++) {
    const { slos, nextPageKey } = (await http.get(api, { query, schema: listed })).body
    all.push(...slos)
    if (!nextPageKey) return all
    query = { 'page-key': nextPageKey }
  }
  throw new Failure('refused', `there are more than ${all.length} SLOs, too many to look for a name: write the id.`)
}

/** A client whose tokens are fetched, else the token that the connection holds. */
function authorization(
  { token, clientId, clientSecret, account, scope, tokenUrl }: z.output<typeof connection>,
  ca: string | undefined,
): Authorization {
  if (token) return { headers: async () => ({ authorization: `Bearer ${token}` }) }
  if (clientId && clientSecret) {
    const resource = account === undefined ? undefined : `urn:dtaccount:${account.replace(/^urn:dtaccount:/, '')}`
    return oauthAuthorization({ tokenUrl, clientId, clientSecret, scope, resource }, ca)
  }
  throw new Failure(
    'misconfigured',
    'The connection to Dynatrace Platform needs clientId and clientSecret, or a token.',
  )
}
