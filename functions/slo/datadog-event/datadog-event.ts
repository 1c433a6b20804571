import * as z from 'zod/mini'
import { refused } from '../../../shared/errors.ts'
import { parseTime } from '../../../shared/evaluation/timeframe.ts'
import { optional, secret, words } from '../../../shared/fields.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { defineReportProvider, type Report, type ReportResult } from '../../../shared/providers/report.ts'
import { searchSince } from '../../../shared/providers/search-window.ts'
import { apiUrlOf, appUrlOf, keyHeaders, refusesKeys, siteFields } from '../datadog-site.ts'
import { datadogTag, datadogText } from './text.ts'

const connection = z.strictObject({
  ...siteFields,
  apiKey: secret('An API key'),
  applicationKey: optional(
    secret('An application key with the scope events_read. A retry uses it to find an event that was already posted'),
  ),
  tags: optional(words('Additional tags for every event, such as env:production')),
})
type Datadog = Client<z.output<typeof connection>>

const MAX_TAGS = 100
const HOUR_MS = 3_600_000
/** Datadog refuses events that are older than 18 hours. One hour is left for retries. */
const MAX_AGE_MS = 17 * HOUR_MS
const alertTypes = { pass: 'success', warning: 'warning', fail: 'error' }

/** The id as text, because a JavaScript number cannot hold all of its digits. */
const postResponse = z.object({
  status: z.nullish(z.string()),
  event: z.nullish(z.object({ id_str: z.nullish(z.string()), url: z.nullish(z.string()) })),
})
const eventList = z.object({
  // Required: a response without the list does not mean that there is no event.
  data: z.array(
    z.object({
      attributes: z.nullish(
        z.object({ attributes: z.nullish(z.object({ evt: z.nullish(z.object({ id: z.nullish(z.string()) })) })) }),
      ),
    }),
  ),
})

/**
 * Reports an evaluation as a Datadog event. The idempotency key is its aggregation key: Datadog shows events with the same
 * one as a single event.
 *
 * @see https://docs.datadoghq.com/api/latest/events/post-an-event/
 */
export const datadogEvent = defineReportProvider({
  title: 'Datadog',
  connection,
  baseUrl: apiUrlOf,
  headers: keyHeaders,
  isCredentialsError: refusesKeys,
  // Validating checks the API key only. A search checks the application key and its permission to read events.
  async check(client) {
    await client.http.get('api/v1/validate')
    if (client.connection.applicationKey !== undefined) await find(client, 'connection-test')
  },
  supportedFields: [],

  lookUp: {
    newest: 'all',
    needs: { text: '`applicationKey` in the connection', without: { applicationKey: undefined } },
  },

  async report(client, _destination, report) {
    const { http, idempotencyKey, isRetry, connection } = client
    if (isRetry && idempotencyKey !== undefined && connection.applicationKey !== undefined) {
      const existing = await find(client, idempotencyKey)
      if (existing) return existing
    }
    const { body } = await http.post(
      'api/v1/events',
      {
        ...datadogText(report.message),
        tags: tagsOf(report, connection.tags ?? []),
        alert_type: alertTypes[report.evaluation.result],
        ...(idempotencyKey === undefined ? {} : { aggregation_key: idempotencyKey }),
        ...timeOf(report),
      },
      { schema: postResponse },
    )
    const { status, event } = body
    if (status && status !== 'ok') throw refused(`Datadog did not accept the event: ${status}.`)
    const id = event?.id_str ?? undefined
    return { id, url: event?.url ?? undefined, summary: id === undefined ? 'an event' : `event ${id}` }
  },
})

/** Finds the event of an earlier attempt. Datadog indexes an event after some seconds. */
async function find({ http, connection }: Datadog, key: string): Promise<ReportResult | undefined> {
  const from = searchSince(true).getTime() - MAX_AGE_MS
  const query = { 'filter[query]': `@aggregation_key:${key}`, 'filter[from]': from, 'page[limit]': 1 }
  const [event] = (await http.get('api/v2/events', { query, schema: eventList })).body.data
  if (!event) return undefined
  const id = event.attributes?.attributes?.evt?.id ?? undefined
  if (id === undefined) return { summary: 'an event, which already exists' }
  const url = `${appUrlOf(connection)}/event/event?id=${encodeURIComponent(id)}`
  return { id, url, summary: `event ${id}, which already exists` }
}

/** Returns the tags of an event. Labels cannot replace the tags of the evaluation. */
function tagsOf({ evaluation, event }: Report, connectionTags: readonly string[]): string[] {
  const { project, stage, service, task, labels = {} } = event
  const own = Object.entries({ project, stage, service, task, result: evaluation.result })
  const reserved = own.map(([name]) => name)
  const others = Object.entries(labels).filter(([name]) => !reserved.includes(name.toLowerCase()))
  const pairs = [...own, ...others].flatMap(([name, value]) => (value === undefined ? [] : [`${name}:${value}`]))
  const tags = [...connectionTags, ...pairs].flatMap((text) => datadogTag(text) ?? [])
  return [...new Set(tags)].slice(0, MAX_TAGS)
}

/** Returns the end of the evaluated time if Datadog accepts it. Otherwise the event has the current time. */
function timeOf({ evaluation: { timeEnd } }: Report): { date_happened?: number } {
  const time = parseTime(timeEnd)
  const now = Date.now()
  return time !== undefined && time > now - MAX_AGE_MS && time <= now ? { date_happened: Math.floor(time / 1_000) } : {}
}
