import * as z from 'zod/mini'
import { inBatches } from '../../../shared/evaluation/batches.ts'
import { formatUtc } from '../../../shared/evaluation/timeframe.ts'
import { secret, url } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineEvaluationProvider, evaluationFields } from '../../../shared/providers/evaluation/provider.ts'

/** Only the fields that we need. A response that does not match is the platform's fault and is retried. */
const answered = z.object({ value: z.nullable(z.number()), note: z.optional(z.string()) })

/** Acme has no SLOs of its own. */
const { slo: _, ...fields } = evaluationFields

const PARALLEL_QUERIES = 5

/**
 * Values of series in Acme.
 *
 * HTTP errors of the platform need no code. For other errors, throw `refused`, `retryLater` or `outcomeUnknown`.
 *
 * @see https://acme.example.com/api/series
 */
export const acme = defineEvaluationProvider({
  title: 'Acme',
  connection: z.strictObject({
    ...fields,
    baseUrl: url('URL of the API: https://acme.example.com/api'),
    token: secret('API token that may read series'),
  }),
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  check: ({ http }) => http.get('me'),
  queryNoun: 'the name of a series',
  dataDelay: 60,

  async measure({ http }, { queries, start, end }) {
    const measured = await inBatches(queries, PARALLEL_QUERIES, async ({ name, query }) => {
      const times = { from: formatUtc(start), to: formatUtc(end) }
      const { body } = await http.get(`series/${segment(query)}/value`, { query: times, schema: answered })
      return { name, value: body.value ?? undefined, message: body.note }
    })
    return { measured }
  },
})
