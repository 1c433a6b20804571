import * as z from 'zod/mini'
import { refused } from '../../../shared/errors.ts'
import type { Http } from '../../../shared/http/client.ts'
import { isRecord } from '../../../shared/record.ts'

const nrql = z.object({ nrql: z.string() })
const indicator = z.object({
  name: z.string(),
  events: z.object({ account: z.nullish(z.object({ id: z.nullish(z.number()) })) }),
  objectives: z.array(z.object({ target: z.number(), resultQueries: z.nullish(z.object({ attainment: nrql })) })),
})
const entity = z.object({
  permalink: z.nullish(z.string()),
  accountId: z.nullish(z.number()),
  serviceLevel: z.nullish(z.object({ indicators: z.nullish(z.array(indicator)) })),
})
export type Entity = z.output<typeof entity>
export type Indicator = z.output<typeof indicator>

const user = z.object({ actor: z.object({ user: z.object({ id: z.nullish(z.number()) }) }) })
const account = z.object({ actor: z.object({ account: z.object({ id: z.nullish(z.number()) }) }) })
const serviceLevels = z.object({ actor: z.object({ entity: z.nullable(entity) }) })
const results = z.object({
  actor: z.object({
    account: z.object({ nrql: z.object({ results: z.array(z.record(z.string(), z.unknown())) }) }),
  }),
})

const SERVICE_LEVELS = `query serviceLevels($guid: EntityGuid!) {
  actor { entity(guid: $guid) { permalink accountId serviceLevel { indicators {
    name events { account { id } } objectives { target resultQueries { attainment { nrql } } }
  } } } }
}`
/** Seconds that New Relic may take; less than a request. */
const RESULTS = `query results($id: Int!, $nrql: Nrql!) {
  actor { account(id: $id) { nrql(query: $nrql, timeout: 12) { results } } }
}`

/** Reads the owner of the key, and the account. */
export async function checkKey(http: Http, accountId: number | undefined): Promise<void> {
  await send(http, 'query user { actor { user { id } } }', {}, user)
  if (accountId === undefined) return
  await send(http, 'query account($id: Int!) { actor { account(id: $id) { id } } }', { id: accountId }, account)
}

/** @returns null if there is no such entity, or if the key may not read it */
export async function readServiceLevels(http: Http, guid: string): Promise<Entity | null> {
  return (await send(http, SERVICE_LEVELS, { guid }, serviceLevels)).actor.entity
}

/**
 * Runs a query that returns one number.
 *
 * @returns undefined if there is no data
 * @throws Failure `refused` if there are more numbers
 */
export async function readNumber(http: Http, id: number, query: string): Promise<number | undefined> {
  const { actor } = await send(http, RESULTS, { id, nrql: query }, results)
  const rows = actor.account.nrql.results
  const numbers = rows.flatMap(numbersIn)
  if (rows.length <= 1 && numbers.length <= 1) return numbers[0]
  const found = rows.length > 1 ? `${rows.length} rows` : `${numbers.length} numbers`
  throw refused(`It returned ${found}, but must return one number, without FACET and TIMESERIES.`)
}

/** A percentile is an object with the number. */
function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  return isRecord(value) ? Object.values(value).flatMap(numbersIn) : []
}

async function send<T>(http: Http, query: string, variables: object, data: z.ZodMiniType<T>): Promise<T> {
  const schema = z.object({ data })
  return (await http.post('graphql', { query, variables }, { isRead: true, schema })).body.data
}

const errors = z.object({
  errors: z.array(
    z.object({
      message: z.optional(z.string()),
      extensions: z.nullish(z.object({ errorClass: z.nullish(z.string()), error_code: z.nullish(z.string()) })),
    }),
  ),
})
const STATUSES: Record<string, number> = {
  BAD_API_KEY: 401,
  INVALID_AUTHENTICATION: 401,
  TOO_MANY_REQUESTS: 429,
  SERVER_ERROR: 500,
  TIMEOUT: 503,
}

/** New Relic reports errors with the status 200, even in responses with data. Others than these refuse the query. */
export function errorStatus(body: unknown): number | undefined {
  const [first] = errors.safeParse(body).data?.errors ?? []
  const { errorClass, error_code } = first?.extensions ?? {}
  return first && (STATUSES[error_code ?? ''] ?? STATUSES[errorClass ?? ''] ?? 400)
}

export function errorReason(body: unknown): string | undefined {
  const messages = errors.safeParse(body).data?.errors.map(({ message }) => message || 'an error without a message')
  return messages && messages.length > 0 ? messages.join('; ') : undefined
}
