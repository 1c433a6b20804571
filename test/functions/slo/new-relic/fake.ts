import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { ok, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'

export const guid = 'MXxFWFR8U0VSVklDRV9MRVZFTHwxMjM0'
export const account = 1234567
const TOKEN = 'NRAK-A0123456789ABCDEFGHIJKLMNO'
const ATTAINMENT =
  "SELECT clamp_max(sum(newrelic.sli.good) / sum(newrelic.sli.valid) * 100, 100) AS 'SLO compliance' FROM Metric WHERE sli.guid = 'a' SINCE 7 days ago UNTIL 1 minute ago"

/**
 * A fake of the part of NerdGraph with service levels and NRQL.
 *
 * @see https://github.com/newrelic/newrelic-client-go/blob/master/pkg/servicelevel/types.go
 * @see https://docs.newrelic.com/docs/apis/nerdgraph/examples/nerdgraph-nrql-tutorial/
 */
export const startNewRelic = definePlatform({
  state: () => ({
    target: 99.5,
    /** The attainment of the service levels, and the result of other queries. Undefined: no data. */
    value: 99.9 as number | undefined,
    /** The names of the service levels of the entity. */
    indicators: ['Success'],
    /** Replaces the rows of results. */
    rows: undefined as object[] | undefined,
  }),
  refuses: requireHeader('api-key', TOKEN, {
    ...refuse('The API key provided is invalid', { error_code: 'BAD_API_KEY' }),
    status: 401,
  }),
  operation: ({ path, body }) =>
    path === '/graphql' ? /^query (\w+)/.exec((body as { query: string }).query)?.[1] : undefined,
  envelope: (actor) => ({ data: { actor } }),
  routes: {
    user: () => ({ user: { id: 1 } }),
    account: ({ body }) => accountProblem(body.variables) ?? { account: { id: account } },
    serviceLevels: ({ state: { target, indicators }, body }) => {
      if (body.variables.guid !== guid) return { entity: null }
      const objectives = [{ target, resultQueries: { attainment: { nrql: ATTAINMENT } } }]
      const found = indicators.map((name) => ({ name, events: { account: { id: account } }, objectives }))
      const permalink = `https://one.newrelic.com/redirect/entity/${guid}`
      return { entity: { permalink, accountId: account, serviceLevel: { indicators: found } } }
    },
    results: ({ state: { rows, value = null }, body }) => {
      const problem = accountProblem(body.variables) ?? syntaxProblem(body.variables.nrql)
      return problem ?? { account: { nrql: { results: rows ?? [{ 'SLO compliance': value }] } } }
    },
  },
  notFound: { status: 404, body: {} },
  members: () => ({ token: TOKEN }),
})

/** Returns an error of NerdGraph, which has the status 200. */
export function refuse(message: string, extensions: object = { errorClass: 'INVALID_INPUT' }): Reply {
  return ok({ data: { actor: null }, errors: [{ message, path: ['actor'], extensions }] })
}

function accountProblem({ id }: { id: number }): Reply | undefined {
  return id === account ? undefined : refuse('Account not found or not accessible', { errorClass: 'ACCESS_DENIED' })
}

function syntaxProblem(nrql: string): Reply | undefined {
  const [, since, until] = / SINCE (\d{13}) UNTIL (\d{13})$/.exec(nrql) ?? []
  const clauses = nrql.replace(/'[^']*'/g, '').match(/\b(?:SINCE|UNTIL)\b/gi) ?? []
  const isValid = clauses.length === 2 && Number(since) < Number(until)
  return isValid ? undefined : refuse('NRQL Syntax Error: Error at line 1')
}
