import * as z from 'zod/mini'
import type { MeasuredIndicator } from '../../evaluation/score.ts'
import { formatUtc } from '../../evaluation/timeframe.ts'
import { optional } from '../../fields.ts'
import {
  defineEvaluationProvider,
  evaluationFields,
  type MeasurementRequest,
} from '../../providers/evaluation/provider.ts'
import { type Query, withQueryName } from '../../providers/evaluation/queries.ts'
import type { Client } from '../../providers/provider.ts'
import { connectionOf, fieldNamesOf, httpApi } from './connection.ts'
import { excerpt, fieldName, findIn, findsNothing, responseOf } from './expression.ts'
import { expression } from './expression-field.ts'
import { requestNames, texts, withResponse } from './names.ts'
import { numberIn, optionalText } from './optional.ts'
import { search } from './request.ts'
import { readField } from './request-fields.ts'

const { slo: _, ...commonFields } = evaluationFields
const names = {
  ...requestNames([]),
  ...texts(['name', 'query', 'project', 'stage', 'service', 'start', 'startSeconds', 'end', 'endSeconds']),
}

const connection = connectionOf({
  ...commonFields,
  measure: readField(
    'Reads the value of query between start and end (as Unix times: startSeconds and endSeconds)',
    names,
  ),
  indicator: z.strictObject({
    value: expression('Number in the response: response.value', withResponse(names)),
    message: optional(expression('Message of the API about the value', withResponse(names))),
    url: optional(expression('Link to the value, for people', withResponse(names))),
  }),
})
type Api = Client<z.output<typeof connection>>

/** Reads indicators from any HTTP API. The connection describes the request and its response. */
export const httpEvaluation = defineEvaluationProvider({
  title: 'HTTP API',
  connection,
  ...httpApi,
  queryNoun: 'the value that "measure" of the connection sends as query',
  dataDelay: 60,

  async measure(client, request) {
    const measured: MeasuredIndicator[] = []
    // Sequential, because the rate limit of the API is unknown.
    for (const query of request.queries) measured.push(await measureOne(client, query, request))
    return { measured }
  },
})

async function measureOne(
  client: Api,
  { name, query }: Query,
  { start, end, ...about }: MeasurementRequest,
): Promise<MeasuredIndicator> {
  const { indicator, measure } = client.connection
  const { project, stage, service } = about
  const names = {
    ...fieldNamesOf(client, {}),
    name,
    query,
    project,
    stage,
    service,
    start: formatUtc(start),
    startSeconds: Math.floor(start / 1_000),
    end: formatUtc(end),
    endSeconds: Math.floor(end / 1_000),
  }
  const found = await search(client, measure, names, 'measure', []).catch((error: unknown) => {
    throw withQueryName(name, error)
  })
  const raw = findIn(indicator.value, found, 'indicator.value')
  const value = numberIn(raw)
  const message = optionalText(client, indicator.message, found, 'indicator.message', value === undefined)
  const url = optionalText(client, indicator.url, found, 'indicator.url')
  if (value !== undefined || message !== undefined) return { name, value, message, url }
  const finds =
    raw === undefined
      ? findsNothing(found, 'indicator.value')
      : `${fieldName('indicator.value')} finds ${excerpt(raw)} in ${responseOf(found, 'indicator.value')}`
  return { name, value, message: `the API has no value: ${finds}`, url }
}
