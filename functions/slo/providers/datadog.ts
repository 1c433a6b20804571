import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { inBatches } from '../../../shared/evaluation/batches.ts'
import { atLeast } from '../../../shared/evaluation/criteria.ts'
import type { MeasuredIndicator } from '../../../shared/evaluation/score.ts'
import { secret } from '../../../shared/fields.ts'
import { type Http, segment } from '../../../shared/http/client.ts'
import {
  defineEvaluationProvider,
  evaluationFields,
  type MeasurementRequest,
} from '../../../shared/providers/evaluation/provider.ts'
import { type Query, withQueryName } from '../../../shared/providers/evaluation/queries.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { apiOf, appOf, datadogPlace, keysOf, refusesKeys } from '../datadog.ts'

const connection = z.strictObject({
  ...datadogPlace,
  apiKey: secret('An API key'),
  applicationKey: secret('An application key, with the scope slos_read'),
  ...evaluationFields,
})
type Datadog = Client<z.output<typeof connection>>

const platform = 'Datadog'
/** Each is up to two requests, and their limits are those of the whole organization. */
const mostAtOnce = 5
/** As many as a list may have. */
const longestList = 1_000

const threshold = z.object({ timeframe: z.string(), target: z.number(), warning: z.nullish(z.number()) })
const objective = z.object({
  id: z.string(),
  name: z.string(),
  timeframe: z.nullish(z.string()),
  thresholds: z.array(threshold),
})
type Objective = z.output<typeof objective>
const one = z.object({ data: objective })
const list = z.object({ data: z.array(objective) })

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
 * Datadog: each indicator is an SLO, as it was over the time that is evaluated, and held against its own target.
 *
 * @see https://docs.datadoghq.com/api/latest/service-level-objectives/get-an-slos-history/
 */
export const datadog = defineEvaluationProvider({
  title: platform,
  connection,
  baseUrl: apiOf,
  headers: keysOf,
  isCredentialsError: refusesKeys,
  check: ({ http }) => http.get('api/v1/slo', { query: { limit: 1 } }),
  queryNoun: 'the id or the name of an SLO',
  hasOwnVerdict: true as const,
  // The slices of an SLO of time slices have up to five minutes, and the newest is open until its end.
  dataDelay: 300,

  async measure(client, asked) {
    return { measured: await inBatches(asked.queries, mostAtOnce, (query) => measureOne(client, query, asked)) }
  },
})

async function measureOne(
  { http, connection }: Datadog,
  { name, query }: Query,
  asked: MeasurementRequest,
): Promise<MeasuredIndicator> {
  try {
    const slo = await find(http, query)
    const { target, warning } = thresholdOf(slo)
    // In seconds. Without a target of ours, Datadog does not say what is left of the error budget in this time.
    const times = { from_ts: Math.floor(asked.start / 1_000), to_ts: Math.ceil(asked.end / 1_000) }
    const path = `api/v1/slo/${segment(slo.id)}/history`
    const { body } = await http.get(path, { query: { ...times, target }, schema: history })
    const seen = body.data?.overall
    const shown = { name, url: `${appOf(connection)}/slo?slo_id=${encodeURIComponent(slo.id)}` }
    const gaps = clipSingleLine(gapsOf(body).join('; '), 300)
    const value = seen?.sli_value ?? undefined
    if (value === undefined) return { ...shown, value, message: gaps || 'there is no data of this time' }
    return {
      ...shown,
      value,
      verdict: verdictOf(value, target, warning ?? undefined),
      errorBudget: seen?.error_budget_remaining?.['custom'] ?? undefined,
      ...(gaps === '' ? {} : { incomplete: gaps }),
    }
  } catch (error) {
    throw withQueryName(name, error)
  }
}

async function find(http: Http, query: string): Promise<Objective> {
  if (/^[0-9a-f]{32}$/.test(query)) return (await http.get(`api/v1/slo/${segment(query)}`, { schema: one })).body.data
  const { body } = await http.get('api/v1/slo', { query: { query, limit: longestList }, schema: list })
  // What is found has the words of the name in its own.
  const [found, ...others] = body.data.filter(({ name }) => name === query)
  if (!found) throw new Failure('refused', `${platform} has no SLO of the name or id "${query}".`)
  if (others.length === 0) return found
  const ids = [found, ...others].map(({ id }) => id).join(', ')
  throw new Failure(
    'refused',
    `${platform} has more than one SLO of the name "${query}": write the id of one (${ids}).`,
  )
}

/** Of its own timeframe: other ones are older, and may have other targets. */
function thresholdOf({ name, timeframe, thresholds }: Objective): z.output<typeof threshold> {
  const found = thresholds.find((one) => one.timeframe === timeframe) ?? thresholds[0]
  if (!found) throw new Failure('refused', `The SLO "${name}" has no target.`)
  return found
}

/**
 * As Datadog shows it: what is at its target is met, and warned of below a second line that is above the target.
 *
 * @see https://docs.datadoghq.com/service_level_objectives/#setting-slo-targets
 */
function verdictOf(value: number, target: number, warning: number | undefined): MeasuredIndicator['verdict'] {
  if (warning === undefined) return { status: value < target ? 'fail' : 'pass', pass: atLeast(target) }
  const status = value < target ? 'fail' : value < warning ? 'warning' : 'pass'
  return { status, pass: atLeast(warning), warning: atLeast(target) }
}

/** Why the value is missing, or of part of the data only: an answer of success may hold both. */
function gapsOf({ data, errors }: z.output<typeof history>): string[] {
  return [
    ...(errors ?? []).map(({ error }) => error || 'an error without words'),
    ...(data?.overall?.errors ?? []).map(
      ({ error_message, error_type }) => error_message || error_type || 'an error without words',
    ),
    ...(data?.overall?.preview ? ['it is preliminary, since the history of a monitor is being made anew'] : []),
  ]
}
