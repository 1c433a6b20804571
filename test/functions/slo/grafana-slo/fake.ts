import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'

export const uuid = 'dk6x2e1gp3lx5sq9r2wx3'
const TOKEN = 'glsa_a-token-of-a-service-account_0f0f0f0f'

/**
 * The part of Grafana Cloud that reads SLOs and queries their data source.
 *
 * @see https://grafana.com/docs/grafana-cloud/alerting-and-irm/slo/set-up/api/
 */
export const startGrafanaSlo = definePlatform({
  base: '/api',
  state: () => ({
    objective: 0.995,
    /** The SLI of each group over the window. */
    sli: ['0.999'],
    names: ['Checkout'],
    status: { type: 'created' } as { type: string; message?: string },
    warnings: [] as string[],
    hasDatasource: true,
  }),
  refuses: requireHeader('authorization', `Bearer ${TOKEN}`, {
    status: 401,
    body: { message: 'Invalid API key', messageId: 'api-key.invalid' },
  }),
  routes: {
    'GET /plugins/grafana-slo-app/resources/v1/slo': ({ state }) => ({
      slos: state.names.map((name, index) => ({
        uuid: index === 0 ? uuid : `${uuid}${index}`,
        name,
        description: '',
        query: { type: 'ratio' },
        objectives: [{ value: state.objective, window: '28d' }],
        destinationDatasource: state.hasDatasource ? { uid: 'grafanacloud-prom' } : undefined,
        readOnly: { status: state.status },
      })),
    }),
    'GET /datasources/proxy/uid/grafanacloud-prom/api/v1/query': ({ state, query }) => {
      const isKnown = /^grafana_slo_sli_window\{grafana_slo_uuid="[a-z0-9]+"\}$/.test(query.get('query') ?? '')
      const time = Number(query.get('time'))
      if (!isKnown || !time)
        return { status: 400, body: { status: 'error', errorType: 'bad_data', error: 'invalid parameter "query"' } }
      const result = state.sli.map((value, index) => ({
        metric: { grafana_slo_uuid: uuid, cluster: `c${index}` },
        value: [time, value],
      }))
      const warnings = state.warnings.length > 0 ? state.warnings : undefined
      return { status: 'success', data: { resultType: 'vector', result }, warnings }
    },
  },
  notFound: { status: 404, body: { code: 404, error: 'Not found' } },
  members: () => ({ token: TOKEN }),
})
