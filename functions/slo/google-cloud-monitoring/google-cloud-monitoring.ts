import * as z from 'zod/mini'
import type { MeasuredIndicator } from '../../../shared/evaluation/score.ts'
import { url, withDescription } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineEvaluationProvider, evaluationFields } from '../../../shared/providers/evaluation/provider.ts'
import { measureEach } from '../../../shared/providers/evaluation/queries.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { googleAuthorization, googleConnection, googleProject } from '../../../shared/vendors/google.ts'
import { budgetWarning, judgedByBudget, percentOf } from '../error-budget.ts'
import { invalidQuery } from '../invalid-query.ts'

const connection = z.strictObject({
  baseUrl: z._default(
    url('URL of the API. Defaults to https://monitoring.googleapis.com'),
    'https://monitoring.googleapis.com',
  ),
  ...googleConnection,
  project: withDescription(z.string().check(z.regex(googleProject.pattern)), 'Project of the SLOs, by its id'),
  budgetWarning,
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

  async check({ http, connection }) {
    // Queries with placeholders do not name an SLO until there is an event.
    const slos = [connection.slo, ...(connection.queries ?? []).map(({ query }) => query)].filter(
      (slo) => slo && QUERY.test(slo),
    )
    for (const slo of slos) await http.get(`v3/${nameOf(connection, slo ?? '')}`, { schema: objective })
    if (slos.length === 0)
      await http.get(`v3/projects/${segment(connection.project)}/services`, {
        query: { pageSize: 1 },
        schema: z.looseObject({}),
      })
  },

  checkQueries(queries) {
    for (const { name, query } of queries) {
      if (QUERY.test(query)) continue
      throw invalidQuery(name, 'must be <service>/<id of the SLO>, such as checkout/availability')
    }
  },

  async measure({ http, connection }, { queries, start, end }) {
    const interval = {
      'interval.startTime': new Date(Math.min(start, end - MIN_WINDOW_MS)).toISOString(),
      'interval.endTime': new Date(end).toISOString(),
    }
    return measureEach(queries, MAX_CONCURRENT_SLOS, (query) => measureOne(http, connection, query, interval))
  },
})

/** The resource name of an SLO. Its parts need no encoding. */
function nameOf({ project }: Connection, query: string): string {
  const [, service = '', slo = ''] = QUERY.exec(query) ?? []
  return `projects/${project}/services/${service}/serviceLevelObjectives/${slo}`
}

async function measureOne(
  http: Http,
  connection: Connection,
  query: string,
  interval: Record<string, string>,
): Promise<Omit<MeasuredIndicator, 'name'>> {
  const slo = nameOf(connection, query)
  const { body } = await http.get(`v3/${slo}`, { schema: objective })
  const compliance = await newestOf(http, connection, `select_slo_compliance("${slo}")`, interval)
  const budget = await newestOf(http, connection, `select_slo_budget_fraction("${slo}")`, interval)
  const url = `https://console.cloud.google.com/monitoring/services?project=${encodeURIComponent(connection.project)}`
  const gaps = clipSingleLine([...new Set([...compliance.errors, ...budget.errors])].join('; '), 300)
  if (compliance.value === undefined)
    return { url, value: undefined, message: gaps || 'no data at the end of this time' }
  const measured = {
    value: percentOf(compliance.value),
    goal: percentOf(body.goal),
    errorBudget: budget.value === undefined ? undefined : percentOf(budget.value),
    budgetWarning: connection.budgetWarning,
  }
  return { url, ...judgedByBudget(measured, [periodOf(body)]), ...(gaps === '' ? {} : { incomplete: gaps }) }
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
