import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { inBatches } from '../../../shared/evaluation/batches.ts'
import type { MeasuredIndicator } from '../../../shared/evaluation/score.ts'
import { secret, url } from '../../../shared/fields.ts'
import { type Http, segment } from '../../../shared/http/client.ts'
import {
  defineEvaluationProvider,
  evaluationFields,
  type MeasurementRequest,
} from '../../../shared/providers/evaluation/provider.ts'
import { type Query, withQueryName } from '../../../shared/providers/evaluation/queries.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { budgetLeft, criteriaOf, mostAtOnce, reasonOf, verdicts } from '../dynatrace.ts'

const connection = z.strictObject({
  baseUrl: url('The environment: https://abc12345.live.dynatrace.com, or https://<domain>/e/<id> where it is Managed'),
  token: secret('An access token with the scope slo.read'),
  ...evaluationFields,
})

const text = z.nullish(z.string())
const number = z.nullish(z.number())
const evaluated = z.object({
  ...{ id: z.string(), name: z.string(), target: z.number(), warning: number },
  ...{ evaluatedPercentage: number, status: text, error: text, relatedOpenProblems: number },
})
type Slo = z.output<typeof evaluated>
const found = z.object({ slo: z.array(evaluated) })

const api = 'api/v2/slo'
/** Of a list with values there are no more on a page. */
const mostListed = 25
const longestMessage = 300
const isId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * The classic SLOs of Dynatrace: each is evaluated when it is asked for, of the time that is asked about, and judged by its
 * own target.
 *
 * @see https://docs.dynatrace.com/docs/dynatrace-api/environment-api/service-level-objectives-classic/get-slo
 */
export const dynatrace = defineEvaluationProvider({
  title: 'Dynatrace',
  connection,
  headers: ({ token }) => ({ authorization: `Api-Token ${token}` }),
  errorReason: reasonOf,
  check: ({ http }) => http.get(api, { query: { pageSize: 1 } }),
  queryNoun: 'the id or the name of an SLO',
  hasOwnVerdict: true as const,
  // As long as Keptn's own Dynatrace service keeps away from the last minutes.
  dataDelay: 120,

  async measure({ http }: Client<z.output<typeof connection>>, asked) {
    return { measured: await inBatches(asked.queries, mostAtOnce, (query) => measureOne(http, query, asked)) }
  },
})

async function measureOne(
  http: Http,
  { name, query }: Query,
  { start, end }: MeasurementRequest,
): Promise<MeasuredIndicator> {
  // Without GTF the times would be ignored in silence, and the SLO's own timeframe evaluated.
  const time = { timeFrame: 'GTF', from: start, to: end }
  const slo = await (isId.test(query) ? byId(http, query, time) : byName(http, query, time)).catch((error: unknown) => {
    throw withQueryName(name, error)
  })
  const shown = { name, url: `${http.baseUrl}/ui/slo?id=${encodeURIComponent(slo.id)}` }
  const { evaluatedPercentage: value, status, error, relatedOpenProblems: problems } = slo
  const verdict = verdicts.get(status)
  if (error && error !== 'NONE') return { ...shown, value: undefined, message: clipSingleLine(error, longestMessage) }
  // -1 stands for what was not calculated.
  if (typeof value !== 'number' || value < 0) return { ...shown, value: undefined, message: 'it was not calculated' }
  if (!verdict)
    return { ...shown, value: undefined, message: `its status "${clipSingleLine(String(status), 60)}" is not known` }
  return {
    ...shown,
    value,
    verdict: { status: verdict, ...criteriaOf(slo) },
    errorBudget: budgetLeft(value, slo),
    ...(problems && problems > 0 ? { message: `${problems} open problem${problems === 1 ? '' : 's'}` } : {}),
  }
}

type Time = Record<string, string | number>

async function byId(http: Http, id: string, time: Time): Promise<Slo> {
  return (await http.get(`${api}/${segment(id)}`, { query: time, schema: evaluated })).body
}

async function byName(http: Http, name: string, time: Time): Promise<Slo> {
  const query = { ...time, sloSelector: `name("${quoted(name)}")`, evaluate: 'true', pageSize: mostListed }
  const { body } = await http.get(api, { query, schema: found })
  const [slo, ...others] = body.slo.filter((one) => one.name === name)
  if (slo && others.length === 0) return slo
  throw new Failure(
    'refused',
    slo
      ? `more than one SLO of Dynatrace is named "${name}": write the id of one.`
      : `Dynatrace shows no SLO named "${name}": is it spelled like that, is it enabled, and may the token see it?`,
  )
}

/** So that a name stays a name in the selector. */
function quoted(name: string): string {
  return name.replace(/[~"]/g, '~$&')
}
