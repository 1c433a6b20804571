import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

export interface NewRelicServer extends Served {
  token: string
  state: {
    target: number
    /** The attainment of the service levels, and the result of other queries. Undefined: no data. */
    value: number | undefined
    /** Names of the service levels of the entity. */
    indicators: string[]
    /** Replaces the rows of results. */
    rows: object[] | undefined
  }
}

export const guid = 'MXxFWFR8U0VSVklDRV9MRVZFTHwxMjM0'
export const account = 1234567
const ATTAINMENT =
  "SELECT clamp_max(sum(newrelic.sli.good) / sum(newrelic.sli.valid) * 100, 100) AS 'SLO compliance' FROM Metric WHERE sli.guid = 'a' SINCE 7 days ago UNTIL 1 minute ago"

/**
 * The part of NerdGraph with service levels and NRQL.
 *
 * @see https://github.com/newrelic/newrelic-client-go/blob/master/pkg/servicelevel/types.go
 * @see https://docs.newrelic.com/docs/apis/nerdgraph/examples/nerdgraph-nrql-tutorial/
 */
export async function startNewRelic(): Promise<NewRelicServer> {
  const token = 'NRAK-A0123456789ABCDEFGHIJKLMNO'
  const state: NewRelicServer['state'] = {
    ...{ target: 99.5, value: 99.9, indicators: ['Success'], rows: undefined },
  }
  const served = await serve((call) => {
    if (call.headers['api-key'] !== token)
      return { ...refuse('The API key provided is invalid', { error_code: 'BAD_API_KEY' }), status: 401 }
    return call.path === '/graphql' ? answer(state, call) : { status: 404, body: {} }
  })
  return { ...served, token, state }
}

/** An error as NerdGraph writes it, with the status 200. */
export function refuse(message: string, extensions: object = { errorClass: 'INVALID_INPUT' }): Reply {
  return ok({ data: { actor: null }, errors: [{ message, path: ['actor'], extensions }] })
}

function answer({ target, value, indicators, rows }: NewRelicServer['state'], { body }: Call): Reply {
  const { query, variables } = body as { query: string; variables: { id?: number; guid?: string; nrql?: string } }
  const actor = (data: object) => ok({ data: { actor: data } })
  if (query.startsWith('query user')) return actor({ user: { id: 1 } })
  if (query.startsWith('query serviceLevels')) {
    if (variables.guid !== guid) return actor({ entity: null })
    const objectives = [{ target, resultQueries: { attainment: { nrql: ATTAINMENT } } }]
    const found = indicators.map((name) => ({ name, events: { account: { id: account } }, objectives }))
    const permalink = `https://one.newrelic.com/redirect/entity/${guid}`
    return actor({ entity: { permalink, accountId: account, serviceLevel: { indicators: found } } })
  }
  if (variables.id !== account) return refuse('Account not found or not accessible', { errorClass: 'ACCESS_DENIED' })
  if (query.startsWith('query account')) return actor({ account: { id: account } })
  const { nrql = '' } = variables
  const [, since, until] = / SINCE (\d{13}) UNTIL (\d{13})$/.exec(nrql) ?? []
  const clauses = nrql.replace(/'[^']*'/g, '').match(/\b(?:SINCE|UNTIL)\b/gi) ?? []
  if (clauses.length !== 2 || !(Number(since) < Number(until))) return refuse('NRQL Syntax Error: Error at line 1')
  return actor({ account: { nrql: { results: rows ?? [{ 'SLO compliance': value ?? null }] } } })
}
