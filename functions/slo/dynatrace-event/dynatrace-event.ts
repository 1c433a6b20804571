import * as z from 'zod/mini'
import { type Failure, refused } from '../../../shared/errors.ts'
import { parseTime } from '../../../shared/evaluation/timeframe.ts'
import { integer, oneOf, optional, secret, url, withDescription } from '../../../shared/fields.ts'
import { reasonOf } from '../../../shared/orchestrators/dynatrace/environment.ts'
import { fillPlaceholders } from '../../../shared/providers/evaluation/queries.ts'
import { type Client, hasIdempotencyKey } from '../../../shared/providers/provider.ts'
import { defineReportProvider, type Report, type ReportDestination } from '../../../shared/providers/report.ts'
import { searchIncomplete, searchSince } from '../../../shared/providers/search-window.ts'
import { sleep } from '../../../shared/sleep.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { validate } from '../../../shared/validate.ts'
import { KEY_PROPERTY, propertiesOf } from './properties.ts'

const infoEventTypes = ['CUSTOM_INFO', 'CUSTOM_ANNOTATION', 'CUSTOM_CONFIGURATION', 'CUSTOM_DEPLOYMENT'] as const
const problemEventTypes = ['CUSTOM_ALERT', 'ERROR_EVENT', 'AVAILABILITY_EVENT', 'PERFORMANCE_EVENT'] as const
const MAX_CUSTOM_PROPERTIES = 50

const entitySelector = optional(
  withDescription(
    z.string().check(z.minLength(1), z.maxLength(2_000)),
    'The entities of the event: type(SERVICE),entityName.equals("$SERVICE"). $PROJECT, $STAGE and $SERVICE are replaced. Defaults to the environment',
  ),
)
const eventType = optional(oneOf([...infoEventTypes, ...problemEventTypes], 'The event type. Defaults to CUSTOM_INFO'))
const connection = z.strictObject({
  baseUrl: url('The environment: https://abc12345.live.dynatrace.com, or https://<domain>/e/<id> for Managed'),
  token: secret('An access token with the scopes events.ingest and events.read'),
  entitySelector,
  eventType,
})

const scalar = z.union([z.string(), z.number(), z.boolean()])
const fields = z.strictObject({
  entitySelector,
  eventType,
  timeout: optional(integer(1, 360, 'Minutes until Dynatrace closes the problem')),
  properties: optional(
    z.record(z.string().check(z.minLength(1), z.maxLength(100)), scalar).check(
      z.refine((properties) => Object.keys(properties).length <= MAX_CUSTOM_PROPERTIES, {
        message: `must have at most ${MAX_CUSTOM_PROPERTIES} properties`,
      }),
    ),
  ),
})
type Fields = z.output<typeof fields>

const ingestResponse = z
  .object({
    reportCount: z.nullish(z.number()),
    eventIngestResults: z.nullish(
      z.array(z.object({ correlationId: z.nullish(z.string()), status: z.nullish(z.string()) })),
    ),
  })
  // A response without both does not mean that no entity matched.
  .check(
    z.refine(({ reportCount, eventIngestResults }) => (reportCount ?? eventIngestResults ?? undefined) !== undefined, {
      message: 'must have reportCount or eventIngestResults',
    }),
  )
const property = z.object({ key: z.string(), value: z.nullish(z.string()) })
const eventList = z.object({
  // Required: a response without the list does not mean that there is no event.
  events: z.array(z.object({ correlationId: z.nullish(z.string()), properties: z.nullish(z.array(property)) })),
  nextPageKey: z.nullish(z.string()),
})

const EVENTS_PATH = 'api/v2/events'
const MAX_TITLE = 500
const MINUTE_MS = 60_000
/** Dynatrace refuses info events that started earlier. */
const MAX_AGE_MS = 30 * 24 * 60 * MINUTE_MS
/** Dynatrace lists a new event with a delay, so a retry searches several times. */
const SEARCH_PAUSES_MS = [0, 1_000, 2_000]
const MAX_PAGES = 5
const PAGE_SIZE = 1_000

/**
 * Reports an evaluation as a Dynatrace event on the selected entities, over the evaluated time.
 *
 * @see https://docs.dynatrace.com/docs/dynatrace-api/environment-api/events-v2/post-event
 */
export const dynatraceEvent = defineReportProvider({
  title: 'Dynatrace',
  connection,
  headers: ({ token }) => ({ authorization: `Api-Token ${token}` }),
  errorReason: reasonOf,
  // Cannot check the scope events.ingest without creating an event.
  check: ({ http }) => http.get(EVENTS_PATH, { query: { from: 'now-1m', pageSize: 1 } }),
  supportedFields: ['fields'],

  resolveDestination(destination: ReportDestination, { entitySelector, eventType }) {
    const input = validate(fields, destination.fields ?? {}, {
      what: 'The input',
      root: 'input.fields',
      isNullUnset: true,
    })
    return { fields: { ...(entitySelector ? { entitySelector } : {}), ...(eventType ? { eventType } : {}), ...input } }
  },

  lookUp: { newest: MAX_PAGES * PAGE_SIZE, delaysMs: SEARCH_PAUSES_MS, behind: 'unknown' },

  async report(client, destination, report) {
    const event = eventOf(destination.fields as Fields, report, client.idempotencyKey)
    const { eventType: type } = event
    const existing = client.isRetry && hasIdempotencyKey(client) ? await find(client, event) : undefined
    if (existing) return { id: existing, summary: `a ${type} event, which already exists` }
    const { body } = await client.http.post(`${EVENTS_PATH}/ingest`, event, { schema: ingestResponse })
    const results = body.eventIngestResults ?? []
    const failed = results.filter(({ status }) => status !== 'OK')
    if (failed.length > 0) throw notAccepted(failed, results.length)
    const count = body.reportCount ?? results.length
    if (count === 0) throw noEntityMatches(event.entitySelector)
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
  idempotencyKey: string | undefined,
): DynatraceEvent {
  const { project, stage, service } = report.event
  const selector =
    entitySelector &&
    fillPlaceholders({ name: 'the entitySelector', query: entitySelector }, { project, stage, service }).query
  const opensProblem = problemEventTypes.some((type) => type === eventType)
  return {
    eventType,
    title: clipSingleLine(report.message.title, MAX_TITLE),
    ...(selector ? { entitySelector: selector } : {}),
    // A problem opens now.
    ...(opensProblem ? {} : timesOf(report.evaluation)),
    ...(opensProblem && timeout !== undefined ? { timeout } : {}),
    properties: propertiesOf(report, idempotencyKey, properties ?? {}),
  }
}

function timesOf({ timeStart, timeEnd }: Record<string, unknown>): Pick<DynatraceEvent, 'startTime' | 'endTime'> {
  const startTime = parseTime(timeStart)
  const endTime = parseTime(timeEnd)
  if (startTime === undefined || endTime === undefined || startTime >= endTime) return {}
  return startTime > Date.now() - MAX_AGE_MS + MINUTE_MS ? { startTime, endTime } : {}
}

/**
 * Returns the correlation id of the event that has the idempotency key.
 *
 * @throws Failure `unconfirmed` if there are more events than it reads
 */
async function find(
  { http, idempotencyKey }: Client & { idempotencyKey: string },
  event: DynatraceEvent,
): Promise<string | undefined> {
  const { eventType, entitySelector, startTime = searchSince(true).getTime(), endTime = Date.now() } = event
  let isComplete = false
  for (const pause of SEARCH_PAUSES_MS) {
    await sleep(pause)
    let query: Record<string, string | number | undefined> = {
      from: startTime - MINUTE_MS,
      to: endTime + MINUTE_MS,
      pageSize: PAGE_SIZE,
      eventSelector: `eventType("${eventType}")`,
      entitySelector,
    }
    for (let page = 0; page < MAX_PAGES; page++) {
      const { events, nextPageKey } = (await http.get(EVENTS_PATH, { query, schema: eventList })).body
      const found = events.find(({ properties }) =>
        properties?.some(({ key, value }) => key === KEY_PROPERTY && value === idempotencyKey),
      )
      if (found) return found.correlationId ?? idempotencyKey
      isComplete = !nextPageKey
      if (!nextPageKey) break
      query = { nextPageKey }
    }
  }
  if (!isComplete) throw searchIncomplete('Dynatrace', 'sent the event')
  return undefined
}

function notAccepted(failed: readonly { status?: string | null | undefined }[], total: number): Failure {
  const statuses = [...new Set(failed.map(({ status }) => clipSingleLine(status ?? 'no status', 60)))].join(', ')
  const rest = total > failed.length ? '. The other entities have it' : ''
  return refused(`Dynatrace did not accept the event on ${failed.length} of ${total} entities (${statuses})${rest}.`)
}

function noEntityMatches(selector: string | undefined): Failure {
  const target = selector === undefined ? 'the environment' : `the entitySelector ${clipSingleLine(selector, 200)}`
  return refused(
    `Dynatrace created no event because no entity matches ${target}. It must match an entity that was active within the last 24 hours.`,
  )
}
