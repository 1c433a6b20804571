import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { parseTime } from '../../../shared/evaluation/timeframe.ts'
import { optional, secret, words } from '../../../shared/fields.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { defineReportProvider, type Report, type ReportResult } from '../../../shared/providers/report.ts'
import { apiOf, appOf, datadogPlace, keysOf, refusesKeys } from '../datadog.ts'
import { datadogTag, datadogText } from '../datadog-text.ts'

const connection = z.strictObject({
  ...datadogPlace,
  apiKey: secret('An API key'),
  applicationKey: optional(
    secret('An application key with the scope events_read: with it, an event whose answer was lost is looked for'),
  ),
  tags: optional(words('Tags of every event, such as env:production, beside those of the event itself')),
})
type Datadog = Client<z.output<typeof connection>>

const platform = 'Datadog'
const mostTags = 100
/** In milliseconds, with time for a second try: Datadog refuses what is older than 18 hours. */
const oldest = 17 * 3_600_000
const alertTypes = { pass: 'success', warning: 'warning', fail: 'error' }

/** The id as text: as a number it has more digits than a number of JSON keeps. */
const posted = z.object({
  status: z.nullish(z.string()),
  event: z.nullish(z.object({ id_str: z.nullish(z.string()), url: z.nullish(z.string()) })),
})
const found = z.object({
  data: z.nullish(
    z.array(
      z.object({
        attributes: z.nullish(
          z.object({ attributes: z.nullish(z.object({ evt: z.nullish(z.object({ id: z.nullish(z.string()) })) })) }),
        ),
      }),
    ),
  ),
})

/**
 * An evaluation as an event of Datadog, which carries the key of its call: events of one key are shown as one.
 *
 * @see https://docs.datadoghq.com/api/latest/events/post-an-event/
 */
export const datadogEvent = defineReportProvider({
  title: platform,
  connection,
  baseUrl: apiOf,
  headers: keysOf,
  isCredentialsError: refusesKeys,
  // The application key is not asked about: nothing of what it may do is needed to post.
  check: ({ http }) => http.get('api/v1/validate'),
  supportedFields: [],

  async report(client, _to, report) {
    const { http, idempotencyKey: key, isRetry: repeated, connection } = client
    const earlier = repeated && key !== undefined && connection.applicationKey !== undefined
    const before = earlier ? await find(client, key) : undefined
    if (before) return before
    const { body } = await http.post(
      'api/v1/events',
      {
        ...datadogText(report.message),
        tags: tagsOf(report, connection.tags ?? []),
        alert_type: alertTypes[report.evaluation.result],
        ...(key === undefined ? {} : { aggregation_key: key }),
        ...happened(report),
      },
      { schema: posted },
    )
    const { status, event } = body
    if (status && status !== 'ok') throw new Failure('refused', `${platform} has not taken the event: ${status}.`)
    const id = event?.id_str ?? undefined
    return { id, url: event?.url ?? undefined, summary: id === undefined ? 'an event' : `event ${id}` }
  },
})

/** What an earlier try has posted; it takes some seconds until an event can be found. */
async function find({ http, connection }: Datadog, key: string): Promise<ReportResult | undefined> {
  const from = Date.now() - oldest - 2 * 3_600_000
  const query = { 'filter[query]': `@aggregation_key:${key}`, 'filter[from]': from, 'page[limit]': 1 }
  const [event] = (await http.get('api/v2/events', { query, schema: found })).body.data ?? []
  if (!event) return undefined
  const id = event.attributes?.attributes?.evt?.id ?? undefined
  if (id === undefined) return { summary: 'an event that is there already' }
  const url = `${appOf(connection)}/event/event?id=${encodeURIComponent(id)}`
  return { id, url, summary: `event ${id}, which is there already` }
}

/** What an event can be found by. A label does not take the name of what the event is about. */
function tagsOf({ evaluation, event }: Report, given: readonly string[]): string[] {
  const { project, stage, service, task, labels = {} } = event
  const own = Object.entries({ project, stage, service, task, result: evaluation.result })
  const taken = own.map(([name]) => name)
  const others = Object.entries(labels).filter(([name]) => !taken.includes(name.toLowerCase()))
  const named = [...own, ...others].flatMap(([name, value]) => (value === undefined ? [] : [`${name}:${value}`]))
  const tags = [...given, ...named].flatMap((text) => datadogTag(text) ?? [])
  return [...new Set(tags)].slice(0, mostTags)
}

/** The end of what was evaluated, in seconds, where Datadog takes it. */
function happened({ evaluation: { timeEnd } }: Report): { date_happened?: number } {
  const time = parseTime(timeEnd)
  const now = Date.now()
  return time !== undefined && time > now - oldest && time <= now ? { date_happened: Math.floor(time / 1_000) } : {}
}
