import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { parseTime } from '../../../shared/evaluation/timeframe.ts'
import { integer, oneOf, optional, secret, url, withDescription } from '../../../shared/fields.ts'
import { fillPlaceholders } from '../../../shared/providers/evaluation/queries.ts'
import { type Client, hasIdempotencyKey } from '../../../shared/providers/provider.ts'
import { defineReportProvider, type Report, type ReportDestination } from '../../../shared/providers/report.ts'
import { sleep } from '../../../shared/sleep.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { validate } from '../../../shared/validate.ts'
import { reasonOf } from '../dynatrace.ts'
import { keyProperty, propertiesOf } from '../dynatrace-properties.ts'

const informing = ['CUSTOM_INFO', 'CUSTOM_ANNOTATION', 'CUSTOM_CONFIGURATION', 'CUSTOM_DEPLOYMENT'] as const
const opening = ['CUSTOM_ALERT', 'ERROR_EVENT', 'AVAILABILITY_EVENT', 'PERFORMANCE_EVENT'] as const
const mostProperties = 50

const entitySelector = optional(
  withDescription(
    z.string().check(z.minLength(1), z.maxLength(2_000)),
    'What it is about: type(SERVICE),entityName.equals("$SERVICE"), with $PROJECT, $STAGE and $SERVICE of the event; the environment where left out',
  ),
)
const eventType = optional(oneOf([...informing, ...opening], 'The type of the event: CUSTOM_INFO where left out'))
const connection = z.strictObject({
  baseUrl: url('The environment: https://abc12345.live.dynatrace.com, or https://<domain>/e/<id> where it is Managed'),
  token: secret('An access token with the scopes events.ingest and events.read'),
  entitySelector,
  eventType,
})

const scalar = z.union([z.string(), z.number(), z.boolean()])
const fields = z.strictObject({
  entitySelector,
  eventType,
  timeout: optional(integer(1, 360, 'Minutes that it is open, where it opens a problem')),
  properties: optional(
    z.record(z.string().check(z.minLength(1), z.maxLength(100)), scalar).check(
      z.refine((held) => Object.keys(held).length <= mostProperties, {
        message: `must have at most ${mostProperties} properties`,
      }),
    ),
  ),
})
type Fields = z.output<typeof fields>

const ingested = z
  .object({
    reportCount: z.nullish(z.number()),
    eventIngestResults: z.nullish(
      z.array(z.object({ correlationId: z.nullish(z.string()), status: z.nullish(z.string()) })),
    ),
  })
  // Without both it says nothing, and not that no entity matches.
  .check(
    z.refine(({ reportCount, eventIngestResults }) => (reportCount ?? eventIngestResults ?? undefined) !== undefined, {
      message: 'must have reportCount or eventIngestResults',
    }),
  )
const property = z.object({ key: z.string(), value: z.nullish(z.string()) })
const listed = z.object({
  events: z.nullish(
    z.array(z.object({ correlationId: z.nullish(z.string()), properties: z.nullish(z.array(property)) })),
  ),
  nextPageKey: z.nullish(z.string()),
})

const api = 'api/v2/events'
const longestTitle = 500
const minute = 60_000
/** Dynatrace takes no event that informs and began earlier, in milliseconds. */
const longestAgo = 30 * 24 * 60 * minute
/** How far back an event without times of its own is looked for. */
const remembered = 25 * 60 * minute
/** A new event may be listed after a while only: the pauses before a repeat looks for it, in milliseconds. */
const looks = [0, 1_000, 2_000]
const mostPages = 5

/**
 * An evaluation as an event of Dynatrace: on the entities that it is about, over the time that was evaluated.
 *
 * @see https://docs.dynatrace.com/docs/dynatrace-api/environment-api/events-v2/post-event
 */
export const dynatraceEvent = defineReportProvider({
  title: 'Dynatrace',
  connection,
  headers: ({ token }) => ({ authorization: `Api-Token ${token}` }),
  errorReason: reasonOf,
  // Nothing but an event itself would show that the token may make one.
  check: ({ http }) => http.get(api, { query: { from: 'now-1m', pageSize: 1 } }),
  supportedFields: ['fields'],

  resolveDestination(to: ReportDestination, { entitySelector, eventType }) {
    const given = validate(fields, to.fields ?? {}, { what: 'The input', root: 'input.fields' })
    return { fields: { ...(entitySelector ? { entitySelector } : {}), ...(eventType ? { eventType } : {}), ...given } }
  },

  async report(client, to, report) {
    const event = eventOf(to.fields as Fields, report, client.idempotencyKey)
    const { eventType: type } = event
    const found = client.isRetry && hasIdempotencyKey(client) ? await find(client, event) : undefined
    if (found) return { id: found, summary: `a ${type} event, which was there already` }
    const { body } = await client.http.post(`${api}/ingest`, event, { schema: ingested })
    const results = body.eventIngestResults ?? []
    const bad = results.filter(({ status }) => status !== 'OK')
    if (bad.length > 0) throw notTaken(bad, results.length)
    const count = body.reportCount ?? results.length
    if (count === 0) throw nothingMatched(event.entitySelector)
    return {
      id: results[0]?.correlationId ?? undefined,
      summary: `a ${type} event on ${count} ${count === 1 ? 'entity' : 'entities'}`,
    }
  },
})

interface DynatraceEvent {
  eventType: string
  title: string
  entitySelector?: string
  startTime?: number
  endTime?: number
  timeout?: number
  properties: Record<string, string>
}

function eventOf(
  { eventType = 'CUSTOM_INFO', entitySelector, timeout, properties }: Fields,
  report: Report,
  key: string | undefined,
): DynatraceEvent {
  const { project, stage, service } = report.event
  const selector =
    entitySelector &&
    fillPlaceholders({ name: 'the entitySelector', query: entitySelector }, { project, stage, service }).query
  const opens = opening.some((type) => type === eventType)
  return {
    eventType,
    title: clipSingleLine(report.message.title, longestTitle),
    ...(selector ? { entitySelector: selector } : {}),
    // A problem is one from now on.
    ...(opens ? {} : timesOf(report.evaluation)),
    ...(opens && timeout !== undefined ? { timeout } : {}),
    properties: propertiesOf(report, key, properties ?? {}),
  }
}

function timesOf({ timeStart, timeEnd }: Record<string, unknown>): Pick<DynatraceEvent, 'startTime' | 'endTime'> {
  const [startTime, endTime] = [parseTime(timeStart), parseTime(timeEnd)]
  if (startTime === undefined || endTime === undefined || startTime >= endTime) return {}
  return startTime > Date.now() - longestAgo + minute ? { startTime, endTime } : {}
}

/** The correlation id of the event that carries the key. */
async function find(
  { http, idempotencyKey }: Client & { idempotencyKey: string },
  event: DynatraceEvent,
): Promise<string | undefined> {
  const { eventType, entitySelector, startTime = Date.now() - remembered, endTime = Date.now() } = event
  for (const pause of looks) {
    await sleep(pause)
    let query: Record<string, string | number | undefined> = {
      ...{ from: startTime - minute, to: endTime + minute, pageSize: 1_000 },
      ...{ eventSelector: `eventType("${eventType}")`, entitySelector },
    }
    for (let page = 0; page < mostPages; page++) {
      const { events, nextPageKey } = (await http.get(api, { query, schema: listed })).body
      const found = events?.find(({ properties }) =>
        properties?.some(({ key: name, value }) => name === keyProperty && value === idempotencyKey),
      )
      if (found) return found.correlationId ?? idempotencyKey
      if (!nextPageKey) break
      query = { nextPageKey }
    }
  }
  return undefined
}

function notTaken(bad: readonly { status?: string | null | undefined }[], all: number): Failure {
  const statuses = [...new Set(bad.map(({ status }) => clipSingleLine(status ?? 'no status', 60)))].join(', ')
  const rest = all > bad.length ? ', the others have it' : ''
  return new Failure(
    'refused',
    `Dynatrace did not take the event on ${bad.length} of ${all} entities (${statuses})${rest}.`,
  )
}

function nothingMatched(selector: string | undefined): Failure {
  const what = selector === undefined ? 'the environment' : `the entitySelector ${clipSingleLine(selector, 200)}`
  return new Failure(
    'refused',
    `Dynatrace made no event, since no entity matches ${what}: it must select one that was active within the last 24 hours.`,
  )
}
