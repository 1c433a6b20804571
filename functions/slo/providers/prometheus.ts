import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { inBatches } from '../../../shared/evaluation/batches.ts'
import type { MeasuredIndicator } from '../../../shared/evaluation/score.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import { basicAuth } from '../../../shared/http/basic-auth.ts'
import {
  defineEvaluationProvider,
  evaluationFields,
  type MeasurementRequest,
} from '../../../shared/providers/evaluation/provider.ts'
import { type Query, withQueryName } from '../../../shared/providers/evaluation/queries.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

const { slo: _, ...judged } = evaluationFields
const connection = z.strictObject({
  baseUrl: url('Where Prometheus is, or what has its API: https://prometheus.example.com'),
  token: optional(secret('A bearer token, where a proxy before it asks for one')),
  username: optional(word('A user, where basic authentication is asked for')),
  password: optional(secret("The user's password")),
  tenant: optional(word('The tenant, for Mimir, Cortex and others with more than one (X-Scope-OrgID)')),
  ...judged,
})
type Prometheus = Client<z.output<typeof connection>>

/** Prometheus runs 20 at a time, of everybody. */
const mostAtOnce = 10

/** A sample: seconds, and the value as text. */
const sample = z.tuple([z.number(), z.string()])
const answered = z.object({
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
 * Prometheus, and what speaks its API: each indicator is a query that is answered with one value, as it was at the end of the
 * time that is evaluated.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
 */
export const prometheus = defineEvaluationProvider({
  title: 'Prometheus',
  connection,
  headers: ({ token, username, password = '', tenant }): Record<string, string> => ({
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(token === undefined && username !== undefined ? { authorization: basic(username, password) } : {}),
    ...(tenant === undefined ? {} : { 'x-scope-orgid': tenant }),
  }),
  errorReason: (body) => z.safeParse(refusal, body).data?.error,
  check: ({ http }) => ask(http, '1', Math.floor(Date.now() / 1_000)),
  queryNoun: 'a PromQL query that is answered with one value',
  // A scrape a minute, and the time that it takes.
  dataDelay: 60,

  async measure(client, asked) {
    return { measured: await inBatches(asked.queries, mostAtOnce, (query) => measureOne(client, query, asked)) }
  },
})

const refusal = z.object({ error: z.string() })

async function measureOne(
  { http }: Prometheus,
  { name, query }: Query,
  { start, end }: MeasurementRequest,
): Promise<MeasuredIndicator> {
  const { data, warnings = [] } = await ask(http, query, end / 1_000).catch((error: unknown) => {
    throw withQueryName(name, error)
  })
  const shown = {
    name,
    url: graphOf(http.baseUrl, query, { start, end }),
    ...(warnings.length > 0 ? { incomplete: clipSingleLine(warnings.join('; '), 300) } : {}),
  }
  if (data.resultType === 'scalar') return { ...shown, value: numberOf(data.result[1]) }
  if (data.resultType !== 'vector') throw unfit(name, `a ${data.resultType}`)
  const [first, ...others] = data.result
  if (others.length > 0) throw unfit(name, `${data.result.length} series`)
  if (!first) return { ...shown, value: undefined, message: 'no series has data' }
  if (!first.value) throw unfit(name, 'a histogram')
  return { ...shown, value: numberOf(first.value[1]) }
}

async function ask(http: Prometheus['http'], query: string, time: number) {
  const form = new URLSearchParams({ query, time: String(time) }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return (await http.post('api/v1/query', form, { isRead: true, headers, schema: answered })).body
}

function unfit(name: string, what: string): Failure {
  const instead = 'write one that is answered with one value, such as sum(..) or histogram_quantile(0.95, ..)'
  return new Failure('refused', `The query of ${name} is answered with ${what}: ${instead}.`)
}

function numberOf(text: string): number {
  const infinite = /^([+-]?)Inf$/.exec(text)
  return infinite ? Number(`${infinite[1]}Infinity`) : Number(text)
}

/** Where people see the query over the time that was evaluated. */
function graphOf(baseUrl: string, query: string, { start, end }: Pick<MeasurementRequest, 'start' | 'end'>): string {
  const graph = new URLSearchParams({
    'g0.expr': query,
    'g0.tab': '0',
    'g0.range_input': `${Math.max(1, Math.round((end - start) / 1_000))}s`,
    'g0.end_input': new Date(end).toISOString().slice(0, 19).replace('T', ' '),
  })
  return `${baseUrl}/graph?${graph}`
}

function basic(username: string, password: string): string {
  return basicAuth(username, password)
}
