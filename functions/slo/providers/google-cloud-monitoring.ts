import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { inBatches } from '../../../shared/evaluation/batches.ts'
import { atLeast } from '../../../shared/evaluation/criteria.ts'
import type { MeasuredIndicator } from '../../../shared/evaluation/score.ts'
import { integer, url, withDescription } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineEvaluationProvider, evaluationFields } from '../../../shared/providers/evaluation/provider.ts'
import { type Query, withQueryName } from '../../../shared/providers/evaluation/queries.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { googleAuthorization, googleConnection, googleProject } from '../../../shared/vendors/google.ts'

const connection = z.strictObject({
  baseUrl: z._default(
    url('URL of the API. Defaults to https://monitoring.googleapis.com'),
    'https://monitoring.googleapis.com',
  ),
  ...googleConnection,
  project: withDescription(z.string().check(z.regex(googleProject.pattern)), 'Project of the SLOs, by its id'),
  budgetWarning: z._default(
    integer(0, 100, 'Percentage of the error budget below which an SLO that is met is a warning. Defaults to 10'),
    10,
  ),
  ...evaluationFields,
})
type Connection = z.output<typeof connection>

const objective = z.object({
  goal: z.number(),
  rollingPeriod: z.nullish(z.string()),
  calendarPeriod: z.nullish(z.string()),
})
const point = z.object({ value: z.object({ doubleValue: z.nullish(z.number()) }) })
/** Google omits an empty list. */
const series = z.object({
  timeSeries: z.nullish(z.array(z.object({ points: z.nullish(z.array(point)) }))),
  executionErrors: z.nullish(z.array(z.object({ message: z.nullish(z.string()) }))),
})

const QUERY = /^(?=[^/]*\w)([\w:.-]{1,200})\/(?=[^/]*\w)([\w:.-]{1,200})$/
const MAX_CONCURRENT_SLOS = 5
/** A shorter time may contain no point. */
const MIN_WINDOW_MS = 600_000

/**
 * Evaluates SLOs of Google Cloud Monitoring by their compliance and error budget at the end of the requested time. Both cover the SLO's
 * own period; a caller cannot change it.
 *
 * @see https://cloud.google.com/stackdriver/docs/solutions/slo-monitoring/api/timeseries-selectors
 */
export const googleCloudMonitoring = defineEvaluationProvider({
  title: 'Google Cloud Monitoring',
  connection,
  authorization: googleAuthorization,
  queryNoun: 'an SLO as <service>/<id of the SLO>',
  hasOwnVerdict: true as const,
  // SLOs that count requests lag some minutes.
  dataDelay: 300,

  async check({ http, connection: at }) {
    // Queries with placeholders name no SLO until there is an event.
    const slos = [at.slo, ...(at.queries ?? []).map(({ query }) => query)].filter((slo) => slo && QUERY.test(slo))
    for (const slo of slos) await http.get(`v3/${nameOf(at, slo ?? '')}`, { schema: objective })
    if (slos.length === 0)
      await http.get(`v3/projects/${segment(at.project)}/services`, {
        query: { pageSize: 1 },
        schema: z.looseObject({}),
      })
  },

  checkQueries(queries) {
    for (const { name, query } of queries) {
      if (QUERY.test(query)) continue
      const message = 'must be <service>/<id of the SLO>, such as checkout/availability'
      throw new Failure('invalid', `The query of ${name} ${message}`, {
        errors: [{ path: `queries.${name}`, message }],
      })
    }
  },

  async measure({ http, connection: at }, { queries, start, end }) {
    const interval = {
      'interval.startTime': new Date(Math.min(start, end - MIN_WINDOW_MS)).toISOString(),
      'interval.endTime': new Date(end).toISOString(),
    }
    const measured = await inBatches(queries, MAX_CONCURRENT_SLOS, (query) => measureOne(http, at, query, interval))
    return { measured }
  },
})

/** The resource name of an SLO. Its parts need no encoding. */
function nameOf({ project }: Connection, query: string): string {
  const [, service = '', slo = ''] = QUERY.exec(query) ?? []
  return `projects/${project}/services/${service}/serviceLevelObjectives/${slo}`
}

async function measureOne(
  http: Http,
  at: Connection,
  { name, query }: Query,
  interval: Record<string, string>,
): Promise<MeasuredIndicator> {
  const slo = nameOf(at, query)
  try {
    const { body } = await http.get(`v3/${slo}`, { schema: objective })
    const compliance = await newestOf(http, at, `select_slo_compliance("${slo}")`, interval)
    const budget = await newestOf(http, at, `select_slo_budget_fraction("${slo}")`, interval)
    const link = `https://console.cloud.google.com/monitoring/services?project=${encodeURIComponent(at.project)}`
    const base = { name, url: link }
    const gaps = clipSingleLine([...new Set([...compliance.errors, ...budget.errors])].join('; '), 300)
    if (compliance.value === undefined)
      return { ...base, value: undefined, message: gaps || 'no data at the end of this time' }
    const value = percentOf(compliance.value)
    const errorBudget = budget.value === undefined ? undefined : percentOf(budget.value)
    const goal = percentOf(body.goal)
    const isLow = errorBudget !== undefined && errorBudget < at.budgetWarning
    const status = value < goal ? 'fail' : isLow ? 'warning' : 'pass'
    const warning = status === 'warning' ? `${Math.round(errorBudget ?? 0)}% of the error budget is left` : ''
    return {
      ...base,
      value,
      message: [warning, periodOf(body)].filter(Boolean).join(', '),
      verdict: { status, pass: atLeast(goal) },
      errorBudget,
      ...(gaps === '' ? {} : { incomplete: gaps }),
    }
  } catch (error) {
    throw withQueryName(name, error)
  }
}

/** A rolling period is a number of days, in seconds: `2592000s`. */
function periodOf({ rollingPeriod, calendarPeriod }: z.output<typeof objective>): string {
  if (rollingPeriod) return `over the last ${Number.parseInt(rollingPeriod, 10) / 86_400} days, the period of the SLO`
  return calendarPeriod ? `over the ${calendarPeriod.toLowerCase()} until then, the period of the SLO` : ''
}

async function newestOf(http: Http, { project }: Connection, filter: string, interval: Record<string, string>) {
  const path = `v3/projects/${segment(project)}/timeSeries`
  const { timeSeries, executionErrors } = (await http.get(path, { query: { filter, ...interval }, schema: series }))
    .body
  const [newest] = timeSeries?.[0]?.points ?? []
  const errors = (executionErrors ?? []).map(({ message }) => message || 'an error without a message')
  return { value: newest?.value.doubleValue ?? undefined, errors }
}

/** Rounds what the multiplication adds: 0.9995 is 99.95. */
function percentOf(fraction: number): number {
  return Number((100 * fraction).toPrecision(12))
}
