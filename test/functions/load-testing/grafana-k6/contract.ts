export const withoutContract = 'Uses the models of grafana/k6-cloud-openapi-client-go'
