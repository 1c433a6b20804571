import * as z from 'zod/mini'
import { refused } from '../../../shared/errors.ts'
import type { MeasuredIndicator } from '../../../shared/evaluation/score.ts'
import { secret, url } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { reasonOf } from '../../../shared/orchestrators/dynatrace/environment.ts'
import {
  defineEvaluationProvider,
  evaluationFields,
  type MeasurementRequest,
} from '../../../shared/providers/evaluation/provider.ts'
import { measureEach } from '../../../shared/providers/evaluation/queries.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { criteriaOf, errorBudgetOf, MAX_CONCURRENT_SLOS, verdicts } from '../dynatrace-slo.ts'

const connection = z.strictObject({
  baseUrl: url('The environment: https://abc12345.live.dynatrace.com, or https://<domain>/e/<id> for Managed'),
  token: secret('An access token with the scope slo.read'),
  ...evaluationFields,
})

const text = z.nullish(z.string())
const number = z.nullish(z.number())
const sloSchema = z.object({
  id: z.string(),
  name: z.string(),
  target: z.number(),
  warning: number,
  evaluatedPercentage: number,
  status: text,
  error: text,
  relatedOpenProblems: number,
})
type Slo = z.output<typeof sloSchema>
const sloList = z.object({ slo: z.array(sloSchema) })

const SLO_PATH = 'api/v2/slo'
/** The maximum of a list that includes evaluations. */
const PAGE_SIZE = 25
const MAX_MESSAGE = 300
const idPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Evaluates classic Dynatrace SLOs. Dynatrace evaluates an SLO when it is read, over the requested time and against the
 * SLO's own target.
 *
 * @see https://docs.dynatrace.com/docs/dynatrace-api/environment-api/service-level-objectives-classic/get-slo
 */
export const dynatrace = defineEvaluationProvider({
  title: 'Dynatrace',
  connection,
  headers: ({ token }) => ({ authorization: `Api-Token ${token}` }),
  errorReason: reasonOf,
  check: ({ http }) => http.get(SLO_PATH, { query: { pageSize: 1 } }),
  queryNoun: 'the id or the name of an SLO',
  hasOwnVerdict: true as const,
  // Keptn's own Dynatrace service waits as long.
  dataDelay: 120,

  measure: ({ http }: Client<z.output<typeof connection>>, request) =>
    measureEach(request.queries, MAX_CONCURRENT_SLOS, (query) => measureOne(http, query, request)),
})

async function measureOne(
  http: Http,
  query: string,
  { start, end }: MeasurementRequest,
): Promise<Omit<MeasuredIndicator, 'name'>> {
  // Without GTF, Dynatrace ignores the times and evaluates the SLO's own timeframe.
  const time = { timeFrame: 'GTF', from: start, to: end }
  const slo = await (idPattern.test(query) ? getSlo(http, query, time) : findSlo(http, query, time))
  const base = { url: `${http.baseUrl}/ui/slo?id=${encodeURIComponent(slo.id)}` }
  const { evaluatedPercentage: value, status, error, relatedOpenProblems: problems } = slo
  const withoutData = (reason: string) => ({ ...base, value: undefined, message: clipSingleLine(reason, MAX_MESSAGE) })
  if (error && error !== 'NONE') return withoutData(error)
  // Dynatrace reports -1 if it could not calculate a value.
  if (typeof value !== 'number' || value < 0) return withoutData('Dynatrace did not calculate a value')
  const verdict = verdicts.get(status)
  if (!verdict) return withoutData(`unknown status "${clipSingleLine(String(status), 60)}"`)
  return {
    ...base,
    value,
    verdict: { status: verdict, ...criteriaOf(slo) },
    errorBudget: errorBudgetOf(value, slo),
    ...(problems && problems > 0 ? { message: `${problems} open problem${problems === 1 ? '' : 's'}` } : {}),
  }
}

type Time = Record<string, string | number>

async function getSlo(http: Http, id: string, time: Time): Promise<Slo> {
  return (await http.get(`${SLO_PATH}/${segment(id)}`, { query: time, schema: sloSchema })).body
}

async function findSlo(http: Http, name: string, time: Time): Promise<Slo> {
  const sloSelector = `name("${escapeSelector(name)}")`
  const query = { ...time, sloSelector, evaluate: 'true', pageSize: PAGE_SIZE }
  const { body } = await http.get(SLO_PATH, { query, schema: sloList })
  const [slo, ...others] = body.slo.filter((found) => found.name === name)
  if (slo && others.length === 0) return slo
  throw refused(
    slo
      ? `Dynatrace has more than one SLO named "${name}". Use the id of one.`
      : `Dynatrace has no enabled SLO named "${name}", or the token cannot read it.`,
  )
}

function escapeSelector(name: string): string {
  return name.replace(/[~"]/g, '~$&')
}
