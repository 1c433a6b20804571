import * as z from 'zod/mini'
import { inBatches } from '../../../shared/evaluation/batches.ts'
import { formatUtc } from '../../../shared/evaluation/timeframe.ts'
import { secret, url } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineEvaluationProvider, evaluationFields } from '../../../shared/providers/evaluation/provider.ts'

/** As much of an answer as we need; another shape is a fault of the platform, which is retried. */
const answered = z.object({ value: z.nullable(z.number()), note: z.optional(z.string()) })

/** Acme has no objectives of its own. */
const { slo: _, ...judged } = evaluationFields

const mostAtOnce = 5

/**
 * Acme: values of its series.
 *
 * @see https://acme.example.com/api/series
 */
export const acme = defineEvaluationProvider({
  title: 'Acme',
  connection: z.strictObject({
    ...judged,
    baseUrl: url('Where the API of Acme is: https://acme.example.com/api'),
    token: secret('A token that may read series'),
  }),
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  check: ({ http }) => http.get('me'),
  queryNoun: 'the name of a series',
  // How long it takes until a value can be read, in seconds.
  dataDelay: 60,

  // It only measures: what that comes to is judged for it, by objectives or thresholds.
  async measure({ http }, { queries, start, end }) {
    const measured = await inBatches(queries, mostAtOnce, async ({ name, query }) => {
      const times = { from: formatUtc(start), to: formatUtc(end) }
      const { body } = await http.get(`series/${segment(query)}/value`, { query: times, schema: answered })
      return { name, value: body.value ?? undefined, message: body.note }
    })
    return { measured }
  },
})
