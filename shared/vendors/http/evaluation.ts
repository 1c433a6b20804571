import * as z from 'zod/mini'
import { optional } from '../../fields.ts'
import type { Client } from '../../function/provider.ts'
import { type Asked, defineEvaluationProvider, evaluationFields } from '../../shapes/evaluation.ts'
import { ofQuery, type Query } from '../../slo/queries.ts'
import type { Measured } from '../../slo/score.ts'
import { utc } from '../../slo/timeframe.ts'
import { callField, make } from './call.ts'
import { connectionOf, httpApi } from './connection.ts'
import { expression, findIn, findText } from './expression.ts'

const { slo: _, ...judged } = evaluationFields
const connection = connectionOf({
  ...judged,
  measure: callField('Asks for the value of query, from start to end (also startSeconds and endSeconds)'),
  indicator: z.strictObject({
    value: expression('The number, in what "at" finds'),
    message: optional(expression('What the API says of it')),
    url: optional(expression('Where people see it')),
  }),
})
type Api = Client<z.output<typeof connection>>

/** Values of any API: how it is asked, and where in the answers they are, stands in the connection. */
export const httpEvaluation = defineEvaluationProvider({
  title: 'HTTP API',
  connection,
  ...httpApi,
  query: 'whatever the call of the connection sends as query',
  dataDelay: 60,

  async measure(client, asked) {
    const measured: Measured[] = []
    // One after the other: nothing is known of what such an API can take.
    for (const query of asked.queries) measured.push(await measureOne(client, query, asked))
    return { measured }
  },
})

async function measureOne(client: Api, { name, query }: Query, { start, end, ...about }: Asked): Promise<Measured> {
  const { connection, key } = client
  const context = {
    ...{ input: {}, key, name, query, project: about.project, stage: about.stage, service: about.service },
    ...{
      start: utc(start),
      end: utc(end),
      startSeconds: Math.floor(start / 1_000),
      endSeconds: Math.floor(end / 1_000),
    },
  }
  const found = await make(client, connection.measure, context, { name: 'measure', reads: true }).catch(
    (error: unknown) => {
      throw ofQuery(name, error)
    },
  )
  const { indicator } = connection
  const value = findIn(indicator.value, found, 'indicator.value')
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  const message = findText(indicator.message, found, 'indicator.message')
  const url = findText(indicator.url, found, 'indicator.url')
  if (typeof number === 'number') return { name, value: number, message, url }
  return { name, value: undefined, message: message ?? 'the API has no value', url }
}
