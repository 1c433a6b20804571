import * as z from 'zod/mini'
import { refused } from '../../../shared/errors.ts'
import type { MeasuredIndicator } from '../../../shared/evaluation/score.ts'
import { integer, optional, secret, url } from '../../../shared/fields.ts'
import {
  defineEvaluationProvider,
  evaluationFields,
  type MeasurementRequest,
} from '../../../shared/providers/evaluation/provider.ts'
import { measureEach } from '../../../shared/providers/evaluation/queries.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { budgetWarning, judgedByBudget } from '../error-budget.ts'
import { invalidQuery } from '../invalid-query.ts'
import {
  checkKey,
  type Entity,
  errorReason,
  errorStatus,
  type Indicator,
  readNumber,
  readServiceLevels,
} from './api.ts'

const connection = z.strictObject({
  baseUrl: z._default(url('https://api.newrelic.com, or https://api.eu.newrelic.com'), 'https://api.newrelic.com'),
  token: secret('A user key, NRAK-..'),
  account: optional(integer(1, Number.MAX_SAFE_INTEGER, 'Id of the account in which NRQL queries run')),
  budgetWarning,
  ...evaluationFields,
})
type NewRelic = Client<z.output<typeof connection>>

/** The GUID of an entity, and the name of one of its service levels. */
const SERVICE_LEVEL = /^([A-Za-z0-9+/]{16,200}={0,2})(?:#(.{1,200}))?$/
const QUOTED = /'[^']*'|"[^"]*"|`[^`]*`/g
const TIME = /\b(?:since|until)\b/i
const MAX_CONCURRENT_QUERIES = 5

/**
 * Evaluates New Relic: service levels by their attainment over the requested time and their own target, and NRQL that returns
 * one number.
 *
 * @see https://docs.newrelic.com/docs/apis/nerdgraph/examples/nerdgraph-slm/
 * @see https://docs.newrelic.com/docs/apis/nerdgraph/examples/nerdgraph-nrql-tutorial/
 */
export const newRelic = defineEvaluationProvider({
  title: 'New Relic',
  connection,
  headers: ({ token }) => ({ 'api-key': token }),
  errorStatus,
  errorReason,
  queryNoun: 'the GUID of an entity with a service level, or NRQL that returns one number',
  hasOwnVerdict: (query: string) => SERVICE_LEVEL.test(query),
  dataDelay: 120,

  check: ({ http, connection: { account } }) => checkKey(http, account),

  checkQueries(queries, { account }) {
    for (const { name, query } of queries) {
      if (SERVICE_LEVEL.test(query)) continue
      if (account === undefined) throw invalidQuery(name, 'is NRQL, which needs the account of the connection')
      if (TIME.test(query.replace(QUOTED, '')))
        throw invalidQuery(name, 'must not have SINCE or UNTIL: the evaluation window is added')
    }
  },

  measure: (client, request) =>
    measureEach(request.queries, MAX_CONCURRENT_QUERIES, (query) => measureOne(client, query, request)),
})

async function measureOne(
  client: NewRelic,
  query: string,
  time: MeasurementRequest,
): Promise<Omit<MeasuredIndicator, 'name'>> {
  const [, guid, wanted] = SERVICE_LEVEL.exec(query) ?? []
  if (guid !== undefined) return measureServiceLevel(client, { guid, wanted }, time)
  const { account = 0 } = client.connection
  const value = await readNumber(client.http, account, during(query, time))
  return { value, ...(value === undefined ? { message: NO_DATA } : {}) }
}

const NO_DATA = 'no data in this time'

async function measureServiceLevel(
  { http, connection: { account, budgetWarning } }: NewRelic,
  { guid, wanted }: { guid: string; wanted: string | undefined },
  time: MeasurementRequest,
): Promise<Omit<MeasuredIndicator, 'name'>> {
  const entity = await readServiceLevels(http, guid)
  if (!entity) throw refused(`New Relic has no entity ${guid}, or the key may not read it.`)
  const found = indicatorOf(entity, wanted)
  const [objective] = found.objectives
  const nrql = objective?.resultQueries?.attainment.nrql
  if (!objective || nrql === undefined) throw refused(`The service level "${found.name}" has no objective.`)
  const accountId = found.events.account?.id ?? entity.accountId ?? account
  if (!accountId) throw refused('New Relic did not return the account. Add account to the connection.')
  const value = await readNumber(http, accountId, during(withoutTime(nrql), time))
  const base = entity.permalink ? { url: entity.permalink } : {}
  if (value === undefined) return { ...base, value, message: NO_DATA }
  const { target } = objective
  const errorBudget = target < 100 ? Number((100 * (1 - (100 - value) / (100 - target))).toPrecision(12)) : undefined
  return { ...base, ...judgedByBudget({ value, goal: target, errorBudget, budgetWarning }, []) }
}

function indicatorOf({ serviceLevel }: Entity, wanted: string | undefined): Indicator {
  const all = serviceLevel?.indicators ?? []
  const [found, ...others] = wanted === undefined ? all : all.filter(({ name }) => name === wanted)
  if (found && others.length === 0) return found
  const names = all.map(({ name }) => `"${name}"`).join(', ') || 'none'
  const problem = found ? 'has several' : `has no${wanted === undefined ? '' : ` such`}`
  throw refused(`The entity ${problem} service level. Add #<name> to the GUID. Its service levels: ${names}.`)
}

/** Adds the evaluation window to a query. */
function during(nrql: string, { start, end }: MeasurementRequest): string {
  return `${nrql.trim()} SINCE ${Math.floor(start)} UNTIL ${Math.ceil(end)}`
}

/**
 * Removes the time range at the end of a New Relic query.
 *
 * @throws Failure `refused` if another clause follows
 */
function withoutTime(nrql: string): string {
  const [query = '', ...times] = nrql.split(/\s(?=(?:since|until)\s)/i)
  if (times.some((time) => /\b(?:where|facet|timeseries|compare)\b/i.test(time)))
    throw refused('The form of the query of the service level is not supported.')
  return query
}
