import { defineCategory } from '../../shared/providers/category.ts'
import { actions } from './actions.ts'

/** Sets feature flags. */
export const featureFlags = defineCategory({
  name: 'feature-flags',
  summary: 'Sets feature flags',
  actions,
  providers: {
    'aws-appconfig': async () => (await import('./aws-appconfig/aws-appconfig.ts')).awsAppConfig,
    configcat: async () => (await import('./configcat/configcat.ts')).configcat,
    flagsmith: async () => (await import('./flagsmith/flagsmith.ts')).flagsmith,
    growthbook: async () => (await import('./growthbook/growthbook.ts')).growthbook,
    launchdarkly: async () => (await import('./launchdarkly/launchdarkly.ts')).launchdarkly,
    unleash: async () => (await import('./unleash/unleash.ts')).unleash,
    http: async () => (await import('./http/http.ts')).http,
  },
})
