import * as z from 'zod/mini'
import { refused } from '../../../shared/errors.ts'
import type { MeasuredIndicator } from '../../../shared/evaluation/score.ts'
import { secret, url } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineEvaluationProvider, evaluationFields } from '../../../shared/providers/evaluation/provider.ts'
import { measureEach } from '../../../shared/providers/evaluation/queries.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { budgetWarning, judgedByBudget, percentOf } from '../error-budget.ts'

const connection = z.strictObject({
  baseUrl: url('URL of the stack: https://acme.grafana.net'),
  token: secret('Token of a service account that may read SLOs and query their data source'),
  budgetWarning,
  ...evaluationFields,
})

const text = z.nullish(z.string())
const definition = z.object({
  uuid: z.string(),
  name: z.string(),
  objectives: z.array(z.object({ value: z.number(), window: z.string() })),
  destinationDatasource: z.nullish(z.object({ uid: text })),
  readOnly: z.nullish(z.object({ status: z.nullish(z.object({ type: text, message: text })) })),
})
type Slo = z.output<typeof definition>
const definitions = z.object({ slos: z.array(definition) })
const samples = z.object({
  status: z.literal('success'),
  data: z.object({
    resultType: z.literal('vector'),
    result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })),
  }),
  warnings: z.nullish(z.array(z.string())),
})
const refusal = z.object({ error: z.string() })

const SLOS = 'api/plugins/grafana-slo-app/resources/v1/slo'
const MAX_CONCURRENT_SLOS = 5
const MAX_MESSAGE = 300
/** While Grafana changes an SLO, its samples may be those of the rules before. */
const CHANGING = ['creating', 'updating', 'deleting']

/**
 * Evaluates Grafana SLOs at the end of the requested time. The API returns definitions; the values are series that Grafana records
 * each minute. They cover the SLO's own window; a caller cannot change it.
 *
 * @see https://grafana.com/docs/grafana-cloud/alerting-and-irm/slo/set-up/api/
 */
export const grafanaSlo = defineEvaluationProvider({
  title: 'Grafana SLO',
  connection,
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  errorReason: (body) => refusal.safeParse(body).data?.error,
  queryNoun: 'the id or the name of an SLO',
  hasOwnVerdict: true as const,
  // Grafana records a sample each minute.
  dataDelay: 120,

  async check({ http, connection: { slo } }) {
    const all = await readDefinitions(http)
    // A name with a placeholder does not name an SLO until there is an event.
    if (slo !== undefined && !slo.includes('$')) await runQuery(http, findSlo(all, slo), Math.floor(Date.now() / 1_000))
  },

  async measure({ http, connection: { budgetWarning } }, { queries, end }) {
    const all = await readDefinitions(http)
    const at = Math.floor(end / 1_000)
    return measureEach(queries, MAX_CONCURRENT_SLOS, (query) =>
      measureOne(http, findSlo(all, query), { at, budgetWarning }),
    )
  },
})

async function readDefinitions(http: Http): Promise<Slo[]> {
  return (await http.get(SLOS, { schema: definitions })).body.slos
}

function findSlo(all: Slo[], query: string): Slo {
  const [found, ...others] = all.filter(({ uuid, name }) => uuid === query || name === query)
  if (!found) throw refused(`Grafana has no SLO with the name or id "${query}", or the token cannot read it.`)
  if (others.length === 0) return found
  const ids = [found, ...others].map(({ uuid }) => uuid).join(', ')
  throw refused(`Grafana has more than one SLO named "${query}". Use one of these ids: ${ids}.`)
}

/** Returns the SLI of each group over the window of the SLO. */
async function runQuery(http: Http, { uuid, name, destinationDatasource }: Slo, time: number) {
  const uid = destinationDatasource?.uid
  if (!uid) throw refused(`The SLO "${name}" has no destination data source.`)
  const query = `grafana_slo_sli_window{grafana_slo_uuid=${JSON.stringify(uuid)}}`
  const path = `api/datasources/proxy/uid/${segment(uid)}/api/v1/query`
  return (await http.get(path, { query: { query, time }, schema: samples })).body
}

async function measureOne(
  http: Http,
  slo: Slo,
  { at, budgetWarning }: { at: number; budgetWarning: number },
): Promise<Omit<MeasuredIndicator, 'name'>> {
  const [objective] = slo.objectives
  if (!objective) throw refused(`The SLO "${slo.name}" has no objective.`)
  const { data, warnings } = await runQuery(http, slo, at)
  const url = `${http.baseUrl}/a/grafana-slo-app/slo/${encodeURIComponent(slo.uuid)}`
  const status = slo.readOnly?.status?.type ?? ''
  // Grafana keeps the samples of rules that it can no longer update.
  const gaps = [...(warnings ?? []), ...(status === 'error' ? [statusOf(slo)] : [])].join('; ')
  const values = data.result.map(({ value }) => Number(value[1]))
  if (values.length === 0 || values.some(Number.isNaN)) return { url, value: undefined, message: gapOf(slo, values) }
  // An SLO can have groups. The worst one counts.
  const sli = Math.min(...values)
  const measured = {
    value: percentOf(sli),
    goal: percentOf(objective.value),
    errorBudget: objective.value < 1 ? percentOf(1 - (1 - sli) / (1 - objective.value)) : undefined,
    budgetWarning,
  }
  const groups = values.length > 1 ? `the worst of ${values.length} groups` : ''
  const changing = CHANGING.includes(status) ? `Grafana reports: ${statusOf(slo)}` : ''
  const notes = [`over the last ${objective.window}, the window of the SLO`, groups, changing]
  const incomplete = gaps === '' ? {} : { incomplete: clipSingleLine(gaps, MAX_MESSAGE) }
  return { url, ...incomplete, ...judgedByBudget(measured, notes) }
}

/** A new SLO has no samples for a while, and one that Grafana could not create never has any. */
function gapOf(slo: Slo, values: number[]): string {
  const problem = values.length === 0 ? 'no sample at the end of this time' : 'a sample is not a number'
  return clipSingleLine([problem, statusOf(slo)].filter(Boolean).join('; '), MAX_MESSAGE)
}

function statusOf({ readOnly }: Slo): string {
  const { type, message } = readOnly?.status ?? {}
  return [type, message].filter(Boolean).join(': ')
}
