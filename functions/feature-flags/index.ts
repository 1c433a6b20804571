import { defineCategory } from '../../shared/providers/category.ts'
import { actions } from './actions.ts'

/** Sets feature flags. */
export const featureFlags = defineCategory({
  name: 'feature-flags',
  summary: 'Sets feature flags',
  actions,
  providers: {
    'aws-appconfig': async () => (await import('./providers/aws-appconfig.ts')).awsAppConfig,
    configcat: async () => (await import('./providers/configcat.ts')).configcat,
    flagsmith: async () => (await import('./providers/flagsmith.ts')).flagsmith,
    growthbook: async () => (await import('./providers/growthbook.ts')).growthbook,
    launchdarkly: async () => (await import('./providers/launchdarkly.ts')).launchdarkly,
    unleash: async () => (await import('./providers/unleash.ts')).unleash,
    http: async () => (await import('./providers/http.ts')).http,
  },
})
