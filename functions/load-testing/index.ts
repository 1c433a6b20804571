import { defineCategory } from '../../shared/providers/category.ts'
import { actions } from './actions.ts'

/** Starts and stops load tests. */
export const loadTesting = defineCategory({
  name: 'load-testing',
  summary: 'Starts load tests, and stops them',
  actions,
  providers: {
    'aws-dlt': async () => (await import('./aws-dlt/aws-dlt.ts')).awsDlt,
    'azure-load-testing': async () => (await import('./azure-load-testing/azure-load-testing.ts')).azureLoadTesting,
    blazemeter: async () => (await import('./blazemeter/blazemeter.ts')).blazemeter,
    autocannon: async () => (await import('./autocannon/autocannon.ts')).autocannon,
    gatling: async () => (await import('./gatling/gatling.ts')).gatling,
    'grafana-k6': async () => (await import('./grafana-k6/grafana-k6.ts')).grafanaK6,
    'k6-operator': async () => (await import('./k6-operator/k6-operator.ts')).k6Operator,
    locust: async () => (await import('./locust/locust.ts')).locust,
    neoload: async () => (await import('./neoload/neoload.ts')).neoload,
    http: async () => (await import('./http/http.ts')).http,
  },
})
