import * as z from 'zod/mini'
import { type Failure, refused } from '../../../shared/errors.ts'
import type { MeasuredIndicator } from '../../../shared/evaluation/score.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import { basicAuth } from '../../../shared/http/basic-auth.ts'
import {
  defineEvaluationProvider,
  evaluationFields,
  type MeasurementRequest,
} from '../../../shared/providers/evaluation/provider.ts'
import { measureEach } from '../../../shared/providers/evaluation/queries.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

const { slo: _, ...fieldsWithoutSlo } = evaluationFields
const connection = z.strictObject({
  baseUrl: url('Prometheus or a compatible server: https://prometheus.example.com'),
  token: optional(secret('A bearer token, if a proxy requires one')),
  username: optional(word('The user name for basic authentication')),
  password: optional(secret('The password for basic authentication')),
  tenant: optional(word('The tenant in Mimir, Cortex and other multi-tenant servers (X-Scope-OrgID)')),
  ...fieldsWithoutSlo,
})
type Prometheus = Client<z.output<typeof connection>>

/** Half of what Prometheus runs at the same time by default, for all of its clients. */
const MAX_CONCURRENT_QUERIES = 10
const MAX_WARNINGS = 300

/** Seconds, and the value as text. */
const sample = z.tuple([z.number(), z.string()])
const queryResponse = z.object({
  status: z.literal('success'),
  data: z.discriminatedUnion('resultType', [
    z.object({ resultType: z.literal('scalar'), result: sample }),
    z.object({ resultType: z.literal('string'), result: sample }),
    z.object({ resultType: z.literal('vector'), result: z.array(z.object({ value: optional(sample) })) }),
    z.object({ resultType: z.literal('matrix'), result: z.array(z.unknown()) }),
  ]),
  warnings: optional(z.array(z.string())),
})

/**
 * Measures indicators with Prometheus or a compatible server: runs each PromQL query at the end of the requested time. A
 * query must return one value.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
 */
export const prometheus = defineEvaluationProvider({
  title: 'Prometheus',
  connection,
  headers: ({ token, username, password = '', tenant }): Record<string, string> => ({
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(token === undefined && username !== undefined ? { authorization: basicAuth(username, password) } : {}),
    ...(tenant === undefined ? {} : { 'x-scope-orgid': tenant }),
  }),
  check: ({ http }) => runQuery(http, '1', Math.floor(Date.now() / 1_000)),
  queryNoun: 'a PromQL query that returns one value',
  // One scrape interval.
  dataDelay: 60,

  measure: (client, request) =>
    measureEach(request.queries, MAX_CONCURRENT_QUERIES, (query) => measureOne(client, query, request)),
})

async function measureOne(
  { http }: Prometheus,
  query: string,
  { start, end }: MeasurementRequest,
): Promise<Omit<MeasuredIndicator, 'name'>> {
  const { data, warnings = [] } = await runQuery(http, query, end / 1_000)
  const base = {
    url: graphUrlOf(http.baseUrl, query, { start, end }),
    // Prometheus warns if a part of the data was not available.
    ...(warnings.length > 0 ? { incomplete: clipSingleLine(warnings.join('; '), MAX_WARNINGS) } : {}),
  }
  if (data.resultType === 'scalar') return { ...base, value: numberOf(data.result[1]) }
  if (data.resultType !== 'vector') throw notOneValue(`a ${data.resultType}`)
  const [first, ...others] = data.result
  if (others.length > 0) throw notOneValue(`${data.result.length} series`)
  if (!first) return { ...base, value: undefined, message: 'no series has data' }
  if (!first.value) throw notOneValue('a histogram')
  return { ...base, value: numberOf(first.value[1]) }
}

/** Sends the query as a form: a URL has a maximum length. */
async function runQuery(http: Prometheus['http'], query: string, time: number) {
  const form = new URLSearchParams({ query, time: String(time) }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return (await http.post('api/v1/query', form, { isRead: true, headers, schema: queryResponse })).body
}

function notOneValue(result: string): Failure {
  return refused(`it returned ${result}. It must return one value, such as sum(..) or histogram_quantile(0.95, ..).`)
}

function numberOf(text: string): number {
  const infinite = /^([+-]?)Inf$/.exec(text)
  return infinite ? Number(`${infinite[1]}Infinity`) : Number(text)
}

/** Returns the URL of a graph of the query over the evaluated time. */
function graphUrlOf(baseUrl: string, query: string, { start, end }: Pick<MeasurementRequest, 'start' | 'end'>): string {
  const graph = new URLSearchParams({
    'g0.expr': query,
    'g0.tab': '0',
    'g0.range_input': `${Math.max(1, Math.round((end - start) / 1_000))}s`,
    'g0.end_input': new Date(end).toISOString().slice(0, 19).replace('T', ' '),
  })
  return `${baseUrl}/graph?${graph}`
}
