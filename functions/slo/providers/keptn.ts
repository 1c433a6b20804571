import * as z from 'zod/mini'
import { Failure, type FieldError } from '../../../shared/errors.ts'
import type { Evaluation } from '../../../shared/evaluation/evaluation.ts'
import { formatUtc } from '../../../shared/evaluation/timeframe.ts'
import { name, optional } from '../../../shared/fields.ts'
import { type Authorization, type Http, segment } from '../../../shared/http/client.ts'
import { oauthAuthorization } from '../../../shared/http/oauth.ts'
import type { CallEvent } from '../../../shared/orchestrators/keptn/event.ts'
import { checkKeptn, keptnConnection, sequenceUrl } from '../../../shared/orchestrators/keptn/keptn.ts'
import {
  defineEvaluationProvider,
  type EvaluationCall,
  evaluationFields,
  type MeasurementRequest,
} from '../../../shared/providers/evaluation/provider.ts'
import { type Client, hasIdempotencyKey } from '../../../shared/providers/provider.ts'
import { sleep } from '../../../shared/sleep.ts'
import { type Finished, finishedEvents, indicatorsOf, rootEvents, startedEvents } from '../keptn-events.ts'

const { baseUrl, bridgeUrl, token, oauth } = keptnConnection.shape
const connection = z.strictObject({
  baseUrl,
  bridgeUrl,
  token,
  oauth,
  project: optional(name('The project that is evaluated; that of the event where left out')),
  stage: optional(
    name('The stage that is evaluated: not one whose sequence waits for it; that of the event where left out'),
  ),
  service: optional(name('The service that is evaluated; that of the event where left out')),
  timeframe: evaluationFields.timeframe,
})
type Connection = z.output<typeof connection>
type Keptn = Client<Connection>

/** A service in a stage of a project. */
type Place = Record<(typeof parts)[number], string>
const parts = ['project', 'stage', 'service'] as const

/** What is kept from one look to the next. */
interface Begun {
  /** Of the sequence that evaluates. */
  keptnContext: string
  /** Whether that had ended at the last look. */
  ended?: true
}

/** The label of each evaluation that was begun here. */
const label = 'webhooksKey'
/** What was begun may be recorded after a while only: the pauses before a repeat looks for it, in milliseconds. */
const looks = [0, 1_000, 2_000]
/** What Keptn calls its own task, and the sequence of an evaluation. */
const own = 'evaluation'
const datastore = 'api/mongodb-datastore/event'

/**
 * Keptn's own evaluation (1.x): by the SLO file of a service, with the values of its SLI provider.
 *
 * @see https://github.com/keptn/keptn/blob/master/shipyard-controller/internal/handler/evaluationmanager.go
 */
export const keptn = defineEvaluationProvider({
  title: 'Keptn',
  connection,
  authorization,
  check: ({ http }) => checkKeptn(http),
  queryNoun: 'nothing: it has an SLO file of its own',
  hasOwnSloFile: true,
  // Its SLI provider waits for the data.
  dataDelay: 0,

  checkCall({ event, isSilent, window }: EvaluationCall, connection: Connection) {
    placeOf(connection, event.data)
    if (isSilent)
      throw invalid('mode', 'must be interactive: Keptn takes its time, and a silent call can not wait for it')
    refuseOwnTask(event)
    if (window.end > Date.now()) throw invalid('input.end', 'must not be in the future: Keptn evaluates at once')
  },

  async startMeasurement(client, asked): Promise<Begun> {
    const { http, connection, isRetry: repeated } = client
    const place = placeOf(connection, asked)
    if (repeated && hasIdempotencyKey(client)) {
      const found = await find(http, place, client.idempotencyKey)
      if (found) return { keptnContext: found }
    }
    await refuseOwnSequence(http, place, asked)
    return start(client, place, asked)
  },

  async measure({ http, connection }, asked, begun) {
    const place = placeOf(connection, asked)
    const { keptnContext, ended } = begun as Begun
    const url = sequenceUrl(connection, place.project, keptnContext)
    const finished = (type: string) => finishedOf(http, { keptnContext, ...place, type })
    const evaluation = await finished(`sh.keptn.event.${own}.finished`)
    if (evaluation) return { evaluation: evaluationOf(evaluation, asked, place, url) }
    const sequence = await finished(`sh.keptn.event.${place.stage}.${own}.finished`)
    if (!sequence) return { status: 'evaluating' }
    // The end of a sequence may be recorded before that of its task.
    if (!ended)
      return { status: 'ended', started: { keptnContext, ended: true } satisfies Begun, pollImmediately: true }
    throw notEvaluated(sequence, place, url)
  },
})

/** A client of Dynatrace's OAuth server, or an API token. */
function authorization({ token, oauth }: Connection, ca: string | undefined): Authorization {
  if (oauth) return oauthAuthorization(oauth, ca)
  if (token !== undefined) return { headers: async () => ({ 'x-token': token }) }
  throw new Failure('misconfigured', 'The connection to Keptn needs a token, or oauth.')
}

/** @throws Failure `invalid` for a name that is missing, or is none in Keptn: its filters know no quotes */
function placeOf(connection: Connection, about: Partial<Record<keyof Place, string | undefined>>): Place {
  const place = Object.fromEntries(parts.map((part) => [part, connection[part] ?? about[part] ?? ''])) as Place
  const errors: FieldError[] = parts.flatMap((part) => {
    const [value, path] = [place[part], `data.${part}`]
    if (value === '') return { path, message: `is missing: send it, or write ${part} into the connection` }
    return /^[A-Za-z0-9][\w.-]*$/.test(value) ? [] : { path, message: `"${value.slice(0, 60)}" is no name in Keptn` }
  })
  if (errors.length === 0) return place
  const what = errors.map(({ path, message }) => `${path} ${message}`).join('; ')
  throw new Failure('invalid', `Keptn evaluates a service in a stage of a project: ${what}`, { errors })
}

/** Keptn's lighthouse-service evaluates each task of this name; here it would begin an evaluation, whose task has it too. */
function refuseOwnTask({ task }: CallEvent): void {
  if (task !== own) return
  const why = `is of a task that Keptn evaluates by itself, and an evaluation has one of that name in turn, without end`
  throw invalid('type', `${why}: give the task another name than ${own}`)
}

/**
 * Refuses what would wait for itself, or begin itself over and over: Keptn runs one sequence at a time of a service in a
 * stage, and what an evaluation's sequence triggers may call here again.
 *
 * @see https://github.com/keptn/keptn/blob/master/shipyard-controller/internal/controller/sequencedispatcher.go (isSequenceBlocked)
 */
async function refuseOwnSequence(
  http: Http,
  place: Place,
  { shkeptncontext, stage, service }: MeasurementRequest,
): Promise<void> {
  if (shkeptncontext === undefined) return
  const query = { root: 'true', keptnContext: shkeptncontext, pageSize: 1 }
  const [root] = (await http.get(datastore, { query, schema: rootEvents })).body.events ?? []
  // It is of another Keptn, or of none.
  if (!root) return
  if (root.data.labels?.[label] !== undefined)
    throw new Failure(
      'refused',
      'The sequence is that of an evaluation that was begun here, which would begin another one, without end: take the call out of what an evaluation triggers.',
    )
  if (root.data.project !== place.project || stage !== place.stage || service !== place.service) return
  throw new Failure(
    'refused',
    `Keptn runs one sequence of ${service} in ${stage} at a time, so the evaluation would wait for the sequence that waits for it: name another stage in the connection, or let the sequence have a task ${own}, which Keptn evaluates by itself.`,
  )
}

/** The evaluation that an earlier try began. */
async function find(http: Http, place: Place, key: string): Promise<string | undefined> {
  const type = segment(`sh.keptn.event.${place.stage}.${own}.triggered`)
  const terms = { ...place, [`labels.${label}`]: key }
  const filter = Object.entries(terms).map(([name, value]) => `data.${name}:${value}`)
  for (const pause of looks) {
    await sleep(pause)
    const query = { filter: filter.join(' AND '), limit: 10 }
    const { body } = await http.get(`${datastore}/type/${type}`, { query, schema: startedEvents })
    // The newest come first, and people may have run it once more.
    const found = body.events?.at(-1)
    if (found) return found.shkeptncontext
  }
  return undefined
}

async function start(
  { http, idempotencyKey }: Keptn,
  place: Place,
  { start, end }: MeasurementRequest,
): Promise<Begun> {
  const { project, stage, service } = place
  const path = `project/${segment(project)}/stage/${segment(stage)}/service/${segment(service)}/${own}`
  // It takes them without a zone, and means UTC.
  const time = (at: number) => new Date(at).toISOString().slice(0, 19)
  const body = {
    start: time(start),
    end: time(end),
    ...(idempotencyKey === undefined ? {} : { labels: { [label]: idempotencyKey } }),
  }
  const answer = z.object({ keptnContext: z.string().check(z.minLength(1)) })
  return (await http.post(`api/controlPlane/v1/${path}`, body, { schema: answer })).body
}

/** Of several the first that has evaluated anything, else the first. */
async function finishedOf(http: Http, query: Record<string, string>): Promise<Finished | undefined> {
  const { events } = (await http.get(datastore, { query, schema: finishedEvents })).body
  const oldestFirst = (events ?? []).toReversed()
  return oldestFirst.find(({ data }) => indicatorsOf(data).length > 0) ?? oldestFirst[0]
}

/** Result and score as Keptn has them. Without an SLO file, or without a provider of values, it lets pass what it never measured. */
function evaluationOf(event: Finished, asked: MeasurementRequest, place: Place, url: string): Evaluation {
  const { status, result, evaluation } = event.data
  const indicatorResults = indicatorsOf(event.data)
  if (status !== 'succeeded' || !result || indicatorResults.length === 0) throw notEvaluated(event, place, url)
  return {
    result,
    score: evaluation?.score ?? 0,
    timeStart: evaluation?.timeStart ?? formatUtc(asked.start),
    timeEnd: evaluation?.timeEnd ?? formatUtc(asked.end),
    indicatorResults,
    comparedEvents: evaluation?.comparedEvents ?? [],
    url,
  }
}

function notEvaluated({ data }: Finished, { stage, service }: Place, url: string): Failure {
  const why = data.message || `it does not say why (${data.status ?? 'unknown'})`
  return new Failure('refused', `Keptn has not evaluated ${service} in ${stage}: ${why} (${url})`)
}

function invalid(path: string, message: string): Failure {
  return new Failure('invalid', `${path} ${message}`, { errors: [{ path, message }] })
}
