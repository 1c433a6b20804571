/** Providers of which there is no contract, and what stands in for one. */
export const withoutContract: Record<string, string> = {
  'argo-cd': 'There is none here; its tests answer with the fields of assets/swagger.json of argoproj/argo-cd',
  autocannon: 'It calls no platform',
  awx: 'There is none here; its tests answer as its public source has it, from what test/platforms/awx.ts names',
  'azure-boards':
    'There is none here; its tests answer with the examples of MicrosoftDocs/vsts-rest-api-specs in test/fixtures/azure-boards',
  'azure-chaos-studio':
    'There is none here; its tests answer as the documentation in test/platforms/azure-chaos-studio.ts has it',
  circleci: 'There is none here; its tests answer as the clients in test/platforms/circleci.ts expect it',
  configcat: 'There is none here; its tests answer as the documentation in test/platforms/configcat.ts has it',
  datadog:
    'There is none here; its tests answer with the fields of the recorded answers of DataDog/datadog-api-client-go, as test/platforms/datadog.ts has them',
  'datadog-event':
    'There is none here; its tests answer with the fields of the recorded answers of DataDog/datadog-api-client-go, as test/platforms/datadog.ts has them',
  discord: 'There is none here; its tests answer as the documentation in test/platforms/discord.ts has it',
  flagsmith:
    'There is none here; its tests answer as its public source has it, from what test/platforms/flagsmith.ts names',
  'grafana-k6': 'There is none here; its tests answer with the models of grafana/k6-cloud-openapi-client-go',
  'grafana-slo': 'There is none here; its tests answer as the documentation in test/platforms/grafana-slo.ts has it',
  http: 'It calls the API that its connection describes',
  'http-flag': 'It calls the API that its connection describes',
  'http-job': 'It calls the API that its connection describes',
  'http-message': 'It calls the API that its connection describes',
  launchdarkly:
    'There is none here; its tests answer as its OpenAPI document has it, from what test/platforms/launchdarkly.ts names',
  linear: 'There is none here; its tests answer as the documentation in test/platforms/linear.ts has it',
  locust: 'Locust publishes none; npm run test:real drives the real program',
  'new-relic': 'It has a GraphQL API; its queries are compared with new-relic.graphql',
  ntfy: 'ntfy publishes none; npm run test:real drives the real program',
  pagerduty:
    'There is none here; its tests answer with the examples of PagerDuty/api-schema in test/fixtures/pagerduty',
  'pagerduty-automation':
    'There is none here; its tests answer with the examples of PagerDuty/api-schema in test/fixtures/pagerduty',
  toxiproxy:
    'It publishes none; its tests answer as its public source has it, from what test/platforms/toxiproxy/server.ts names',
  webhook: 'It posts to endpoints of their owners; its tests verify what is signed as their libraries do',
  redmine: 'Redmine publishes none; npm run test:real drives the real program',
}
