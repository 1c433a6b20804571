import * as z from 'zod/mini'
import { refused } from '../../../shared/errors.ts'
import { atLeast } from '../../../shared/evaluation/criteria.ts'
import type { MeasuredIndicator } from '../../../shared/evaluation/score.ts'
import { secret } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import {
  defineEvaluationProvider,
  evaluationFields,
  type MeasurementRequest,
} from '../../../shared/providers/evaluation/provider.ts'
import { measureEach } from '../../../shared/providers/evaluation/queries.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { apiUrlOf, appUrlOf, keyHeaders, refusesKeys, siteFields } from '../datadog-site.ts'

const connection = z.strictObject({
  ...siteFields,
  apiKey: secret('An API key'),
  applicationKey: secret('An application key with the scope slos_read'),
  ...evaluationFields,
})
type Datadog = Client<z.output<typeof connection>>

/** An SLO takes up to two requests, and the rate limits apply to the entire organization. */
const MAX_CONCURRENT_SLOS = 5
/** Datadog's maximum for a list. */
const PAGE_SIZE = 1_000
const MAX_MESSAGE = 300

const threshold = z.object({ timeframe: z.string(), target: z.number(), warning: z.nullish(z.number()) })
const sloSchema = z.object({
  id: z.string(),
  name: z.string(),
  timeframe: z.nullish(z.string()),
  thresholds: z.array(threshold),
})
type Slo = z.output<typeof sloSchema>
const sloResponse = z.object({ data: sloSchema })
const sloList = z.object({ data: z.array(sloSchema) })

const overall = z.object({
  sli_value: z.nullish(z.number()),
  error_budget_remaining: z.nullish(z.record(z.string(), z.nullable(z.number()))),
  errors: z.nullish(z.array(z.object({ error_type: z.nullish(z.string()), error_message: z.nullish(z.string()) }))),
  preview: z.nullish(z.boolean()),
})
const history = z.object({
  data: z.nullish(z.object({ overall: z.nullish(overall) })),
  errors: z.nullish(z.array(z.object({ error: z.nullish(z.string()) }))),
})

/**
 * Evaluates Datadog SLOs: reads the value of each over the requested time and compares it with the SLO's own target.
 *
 * @see https://docs.datadoghq.com/api/latest/service-level-objectives/get-an-slos-history/
 */
export const datadog = defineEvaluationProvider({
  title: 'Datadog',
  connection,
  baseUrl: apiUrlOf,
  headers: keyHeaders,
  isCredentialsError: refusesKeys,
  check: ({ http }) => http.get('api/v1/slo', { query: { limit: 1 } }),
  queryNoun: 'the id or the name of an SLO',
  hasOwnVerdict: true as const,
  // A slice of a time-slice SLO lasts up to five minutes and counts when it has ended.
  dataDelay: 300,

  measure: (client, request) =>
    measureEach(request.queries, MAX_CONCURRENT_SLOS, (query) => measureOne(client, query, request)),
})

async function measureOne(
  { http, connection }: Datadog,
  query: string,
  { start, end }: MeasurementRequest,
): Promise<Omit<MeasuredIndicator, 'name'>> {
  const slo = await findSlo(http, query)
  const { target, warning } = thresholdOf(slo)
  // In seconds. Datadog reports the error budget of a custom time only if the request has a target.
  const params = { from_ts: Math.floor(start / 1_000), to_ts: Math.ceil(end / 1_000), target }
  const { body } = await http.get(`api/v1/slo/${segment(slo.id)}/history`, { query: params, schema: history })
  const measured = body.data?.overall
  const url = `${appUrlOf(connection)}/slo?slo_id=${encodeURIComponent(slo.id)}`
  const gaps = clipSingleLine(gapsOf(body).join('; '), MAX_MESSAGE)
  const value = measured?.sli_value ?? undefined
  if (value === undefined) return { url, value, message: gaps || 'no data in this time' }
  return {
    url,
    value,
    verdict: verdictOf(value, target, warning ?? undefined),
    errorBudget: measured?.error_budget_remaining?.['custom'] ?? undefined,
    ...(gaps === '' ? {} : { incomplete: gaps }),
  }
}

async function findSlo(http: Http, query: string): Promise<Slo> {
  if (/^[0-9a-f]{32}$/.test(query)) {
    return (await http.get(`api/v1/slo/${segment(query)}`, { schema: sloResponse })).body.data
  }
  const { body } = await http.get('api/v1/slo', { query: { query, limit: PAGE_SIZE }, schema: sloList })
  // The search also finds longer names.
  const [found, ...others] = body.data.filter(({ name }) => name === query)
  if (!found) throw refused(`Datadog has no SLO with the name or id "${query}".`)
  if (others.length === 0) return found
  const ids = [found, ...others].map(({ id }) => id).join(', ')
  throw refused(`Datadog has more than one SLO named "${query}". Use one of these ids: ${ids}.`)
}

/** An SLO can have thresholds for other timeframes. */
function thresholdOf({ name, timeframe, thresholds }: Slo): z.output<typeof threshold> {
  const found = thresholds.find((threshold) => threshold.timeframe === timeframe) ?? thresholds[0]
  if (!found) throw refused(`The SLO "${name}" has no target.`)
  return found
}

/**
 * Datadog's warning is above the target: between the two, the SLO is met with a warning.
 *
 * @see https://docs.datadoghq.com/service_level_objectives/#setting-slo-targets
 */
function verdictOf(value: number, target: number, warning: number | undefined): MeasuredIndicator['verdict'] {
  if (warning === undefined) return { status: value < target ? 'fail' : 'pass', pass: atLeast(target) }
  const status = value < target ? 'fail' : value < warning ? 'warning' : 'pass'
  return { status, pass: atLeast(warning), warning: atLeast(target) }
}

/** Returns why the value is missing or incomplete. A 200 response can contain both a value and errors. */
function gapsOf({ data, errors }: z.output<typeof history>): string[] {
  return [
    ...(errors ?? []).map(({ error }) => error || 'an error without a message'),
    ...(data?.overall?.errors ?? []).map(
      ({ error_message, error_type }) => error_message || error_type || 'an error without a message',
    ),
    ...(data?.overall?.preview
      ? ['the value is preliminary because Datadog recalculates the history of a monitor']
      : []),
  ]
}
