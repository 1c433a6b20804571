import { defineCategory } from '../../shared/providers/category.ts'
import { actions } from './actions.ts'

/** Starts and stops load tests. */
export const loadTesting = defineCategory({
  name: 'load-testing',
  summary: 'Starts load tests, and stops them',
  actions,
  providers: {
    'aws-dlt': async () => (await import('./providers/aws-dlt.ts')).awsDlt,
    'azure-load-testing': async () => (await import('./providers/azure-load-testing.ts')).azureLoadTesting,
    blazemeter: async () => (await import('./providers/blazemeter.ts')).blazemeter,
    autocannon: async () => (await import('./providers/autocannon.ts')).autocannon,
    gatling: async () => (await import('./providers/gatling.ts')).gatling,
    'grafana-k6': async () => (await import('./providers/grafana-k6.ts')).grafanaK6,
    'k6-operator': async () => (await import('./providers/k6-operator.ts')).k6Operator,
    locust: async () => (await import('./providers/locust.ts')).locust,
    neoload: async () => (await import('./providers/neoload.ts')).neoload,
    http: async () => (await import('./providers/http.ts')).http,
  },
})
