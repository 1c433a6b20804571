import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

export interface GrafanaSloServer extends Served {
  token: string
  state: {
    objective: number
    /** The SLI of each group over the window. */
    sli: string[]
    names: string[]
    status: { type: string; message?: string }
    warnings: string[]
    hasDatasource: boolean
  }
}

export const uuid = 'dk6x2e1gp3lx5sq9r2wx3'
const DATASOURCE = 'grafanacloud-prom'
const SLOS = '/api/plugins/grafana-slo-app/resources/v1/slo'

/**
 * The part of Grafana Cloud that reads SLOs and queries their data source.
 *
 * @see https://grafana.com/docs/grafana-cloud/alerting-and-irm/slo/set-up/api/
 */
export async function startGrafanaSlo(): Promise<GrafanaSloServer> {
  const token = 'glsa_a-token-of-a-service-account_0f0f0f0f'
  const state: GrafanaSloServer['state'] = {
    ...{ objective: 0.995, sli: ['0.999'], names: ['Checkout'], status: { type: 'created' } },
    ...{ warnings: [], hasDatasource: true },
  }
  const served = await serve((call) =>
    call.headers.authorization === `Bearer ${token}`
      ? answer(state, call)
      : { status: 401, body: { message: 'Invalid API key', messageId: 'api-key.invalid' } },
  )
  return { ...served, token, state }
}

function answer(state: GrafanaSloServer['state'], { path, query }: Call): Reply {
  const { objective, sli, names, status, warnings, hasDatasource } = state
  if (path === SLOS) {
    const slos = names.map((name, at) => ({
      ...{ uuid: at === 0 ? uuid : `${uuid}${at}`, name, description: '', query: { type: 'ratio' } },
      objectives: [{ value: objective, window: '28d' }],
      ...(hasDatasource ? { destinationDatasource: { uid: DATASOURCE } } : {}),
      readOnly: { status },
    }))
    return ok({ slos })
  }
  if (path !== `/api/datasources/proxy/uid/${DATASOURCE}/api/v1/query`)
    return { status: 404, body: { code: 404, error: 'Not found' } }
  if (!/^grafana_slo_sli_window\{grafana_slo_uuid="[a-z0-9]+"\}$/.test(query.get('query') ?? '') || !query.get('time'))
    return { status: 400, body: { status: 'error', errorType: 'bad_data', error: 'invalid parameter "query"' } }
  const result = sli.map((value, at) => ({
    metric: { grafana_slo_uuid: uuid, cluster: `c${at}` },
    value: [Number(query.get('time')), value],
  }))
  return ok({ status: 'success', data: { resultType: 'vector', result }, ...(warnings.length > 0 ? { warnings } : {}) })
}
