import * as z from 'zod/mini'
import { Failure, type FieldError, invalidInput, refused } from '../../../shared/errors.ts'
import type { Evaluation } from '../../../shared/evaluation/evaluation.ts'
import { formatUtc } from '../../../shared/evaluation/timeframe.ts'
import { name, optional } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { oauthAuthorization } from '../../../shared/http/oauth.ts'
import type { Authorization } from '../../../shared/http/options.ts'
import { segment } from '../../../shared/http/segment.ts'
import type { CallEvent } from '../../../shared/orchestrators/event/event.ts'
import { checkKeptn, keptnSecret, sequenceUrl } from '../../../shared/orchestrators/keptn/keptn.ts'
import {
  defineEvaluationProvider,
  type EvaluationCall,
  evaluationFields,
  type MeasurementRequest,
} from '../../../shared/providers/evaluation/provider.ts'
import { type Client, hasIdempotencyKey } from '../../../shared/providers/provider.ts'
import { sleep } from '../../../shared/sleep.ts'
import { type Finished, finishedEvents, indicatorsOf, rootEvents, triggeredEvents } from './events.ts'

const { baseUrl, bridgeUrl, token, oauth } = keptnSecret.shape
const connection = z.strictObject({
  baseUrl,
  bridgeUrl,
  token,
  oauth,
  project: optional(name('The project to evaluate. Defaults to the project of the event')),
  stage: optional(
    name(
      'The stage to evaluate. Defaults to the stage of the event. Must not be the stage of a sequence that waits for it',
    ),
  ),
  service: optional(name('The service to evaluate. Defaults to the service of the event')),
  timeframe: evaluationFields.timeframe,
})
type Connection = z.output<typeof connection>
type Keptn = Client<Connection>

/** A service in a stage of a project. */
type Target = Record<(typeof targetParts)[number], string>
const targetParts = ['project', 'stage', 'service'] as const

/** The state that is saved between polls. */
interface EvaluationState {
  /** The context of the evaluation's sequence. */
  keptnContext: string
  /** Whether the sequence had ended at the last poll. */
  ended?: true
}

/** The label that stores the idempotency key. */
const KEY_LABEL = 'webhooksKey'
/** Keptn records an event with a delay, so a retry searches several times. */
const SEARCH_PAUSES_MS = [0, 1_000, 2_000]
/** The name of Keptn's own task and of its sequence. */
const EVALUATION = 'evaluation'
const DATASTORE_PATH = 'api/mongodb-datastore/event'

/**
 * Runs Keptn's own evaluation (Keptn 1.x), which uses the SLO file of the service and the SLI provider of the project.
 *
 * @see https://github.com/keptn/keptn/blob/master/shipyard-controller/internal/handler/evaluationmanager.go
 */
export const keptn = defineEvaluationProvider({
  title: 'Keptn',
  connection,
  authorization,
  check: ({ http }) => checkKeptn(http),
  queryNoun: 'nothing, because it has its own SLO file',
  hasOwnSloFile: true,
  // Keptn's SLI provider waits for the data.
  dataDelay: 0,

  checkCall({ event, isSilent, window }: EvaluationCall, connection: Connection) {
    targetOf(connection, event.data)
    if (isSilent)
      throw invalidInput('mode', 'must be interactive. An evaluation by Keptn takes too long for a silent call')
    refuseEvaluationTask(event)
    if (window.end > Date.now()) {
      throw invalidInput('input.end', 'must not be in the future. Keptn evaluates immediately')
    }
  },

  lookUp: { newest: 'all', delaysMs: SEARCH_PAUSES_MS },

  async startMeasurement(client, request): Promise<EvaluationState> {
    const { http, connection, isRetry } = client
    const target = targetOf(connection, request)
    if (isRetry && hasIdempotencyKey(client)) {
      const keptnContext = await find(http, target, client.idempotencyKey)
      if (keptnContext) return { keptnContext }
    }
    await refuseOwnSequence(http, target, request)
    return start(client, target, request)
  },

  async measure({ http, connection }, request, state) {
    const target = targetOf(connection, request)
    const { keptnContext, ended } = state as EvaluationState
    const url = sequenceUrl(connection, target.project, keptnContext)
    const finished = (type: string) => getFinished(http, { keptnContext, ...target, type })
    const evaluation = await finished(`sh.keptn.event.${EVALUATION}.finished`)
    if (evaluation) return { evaluation: evaluationOf(evaluation, request, target, url) }
    const sequence = await finished(`sh.keptn.event.${target.stage}.${EVALUATION}.finished`)
    if (!sequence) return { status: 'evaluating' }
    // Keptn may record the end of a sequence before the end of its task.
    if (!ended) {
      return {
        status: 'ended',
        started: { keptnContext, ended: true } satisfies EvaluationState,
        pollImmediately: true,
      }
    }
    throw notEvaluated(sequence, target, url)
  },
})

function authorization({ token, oauth }: Connection, ca: string | undefined): Authorization {
  if (oauth) return oauthAuthorization(oauth, ca)
  if (token !== undefined) return { headers: async () => ({ 'x-token': token }) }
  throw new Failure('misconfigured', 'The connection to Keptn has no credentials. Add token or oauth.')
}

/**
 * Returns the service to evaluate. Refuses names that Keptn does not allow, because filters of its datastore have no quotes.
 *
 * @throws Failure `invalid`
 */
function targetOf(connection: Connection, defaults: Partial<Record<keyof Target, string | undefined>>): Target {
  const target = Object.fromEntries(
    targetParts.map((part) => [part, connection[part] ?? defaults[part] ?? '']),
  ) as Target
  const errors: FieldError[] = targetParts.flatMap((part) => {
    const value = target[part]
    const path = `data.${part}`
    if (value === '') return { path, message: `is missing. Send it, or add ${part} to the connection` }
    return /^[A-Za-z0-9][\w.-]*$/.test(value)
      ? []
      : { path, message: `"${value.slice(0, 60)}" is not a valid name in Keptn` }
  })
  if (errors.length === 0) return target
  const reasons = errors.map(({ path, message }) => `${path} ${message}`).join('; ')
  throw new Failure('invalid', `Keptn evaluates a service in a stage of a project: ${reasons}`, { errors })
}

/** Refuses events of the task `evaluation`. The evaluation has a task of that name, too, so it would call this webhook again. */
function refuseEvaluationTask({ task }: CallEvent): void {
  if (task !== EVALUATION) return
  throw invalidInput(
    'type',
    `must not be of the task ${EVALUATION}. Keptn evaluates it itself, and each evaluation would start another one. Rename the task`,
  )
}

/**
 * Refuses an evaluation that would wait for its own sequence or start itself again. Keptn runs one sequence at a time per
 * service and stage, and the sequence of an evaluation can trigger this webhook.
 *
 * @see https://github.com/keptn/keptn/blob/master/shipyard-controller/internal/controller/sequencedispatcher.go (isSequenceBlocked)
 */
async function refuseOwnSequence(
  http: Http,
  target: Target,
  { shkeptncontext, stage, service }: MeasurementRequest,
): Promise<void> {
  if (shkeptncontext === undefined) return
  const query = { root: 'true', keptnContext: shkeptncontext, pageSize: 1 }
  const [root] = (await http.get(DATASTORE_PATH, { query, schema: rootEvents })).body.events ?? []
  // The event is from another Keptn or from another orchestrator.
  if (!root) return
  if (root.data.labels?.[KEY_LABEL] !== undefined) {
    throw refused(
      'This sequence was started by an evaluation of this webhook, so it would start evaluations in an endless loop. Remove the webhook from the sequences that an evaluation triggers.',
    )
  }
  if (root.data.project !== target.project || stage !== target.stage || service !== target.service) return
  throw refused(
    `Keptn runs one sequence of ${service} in ${stage} at a time, so the evaluation and this sequence would wait for each other. Set another stage in the connection, or use a task named ${EVALUATION}, which Keptn evaluates itself.`,
  )
}

/** Returns the context of the evaluation that an earlier attempt started. */
async function find(http: Http, target: Target, key: string): Promise<string | undefined> {
  const type = segment(`sh.keptn.event.${target.stage}.${EVALUATION}.triggered`)
  const terms = { ...target, [`labels.${KEY_LABEL}`]: key }
  const filter = Object.entries(terms).map(([name, value]) => `data.${name}:${value}`)
  for (const pause of SEARCH_PAUSES_MS) {
    await sleep(pause)
    const query = { filter: filter.join(' AND '), limit: 10 }
    const { body } = await http.get(`${DATASTORE_PATH}/type/${type}`, { query, schema: triggeredEvents })
    // The list starts with the newest. A newer one is a rerun from the Bridge.
    const found = body.events?.at(-1)
    if (found) return found.shkeptncontext
  }
  return undefined
}

const startResponse = z.object({ keptnContext: z.string().check(z.minLength(1)) })

async function start(
  { http, idempotencyKey }: Keptn,
  target: Target,
  { start, end }: MeasurementRequest,
): Promise<EvaluationState> {
  const { project, stage, service } = target
  const path = `project/${segment(project)}/stage/${segment(stage)}/service/${segment(service)}/${EVALUATION}`
  // Keptn takes times without a zone, in UTC.
  const time = (at: number) => new Date(at).toISOString().slice(0, 19)
  const body = {
    start: time(start),
    end: time(end),
    ...(idempotencyKey === undefined ? {} : { labels: { [KEY_LABEL]: idempotencyKey } }),
  }
  return (await http.post(`api/controlPlane/v1/${path}`, body, { schema: startResponse })).body
}

/** Returns the first event that has objectives, else the first one: other services may also end the task. */
async function getFinished(http: Http, query: Record<string, string>): Promise<Finished | undefined> {
  const { events } = (await http.get(DATASTORE_PATH, { query, schema: finishedEvents })).body
  const oldestFirst = (events ?? []).toReversed()
  return oldestFirst.find(({ data }) => indicatorsOf(data).length > 0) ?? oldestFirst[0]
}

/** Refuses an evaluation without objectives: Keptn passes it if there is no SLO file or no SLI provider. */
function evaluationOf(event: Finished, request: MeasurementRequest, target: Target, url: string): Evaluation {
  const { status, result, evaluation } = event.data
  const indicatorResults = indicatorsOf(event.data)
  if (status !== 'succeeded' || !result || indicatorResults.length === 0) throw notEvaluated(event, target, url)
  return {
    result,
    score: evaluation?.score ?? 0,
    timeStart: evaluation?.timeStart ?? formatUtc(request.start),
    timeEnd: evaluation?.timeEnd ?? formatUtc(request.end),
    indicatorResults,
    comparedEvents: evaluation?.comparedEvents ?? [],
    url,
  }
}

function notEvaluated({ data }: Finished, { stage, service }: Target, url: string): Failure {
  const reason = data.message || `no reason given (status ${data.status ?? 'unknown'})`
  return refused(`Keptn did not evaluate ${service} in ${stage}: ${reason} (${url})`)
}
