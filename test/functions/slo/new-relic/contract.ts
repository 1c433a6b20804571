export const withoutContract = 'It has a GraphQL API; its queries are compared with new-relic.graphql'
