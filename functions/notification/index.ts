import { defineCategory } from '../../shared/providers/category.ts'
import { actions } from './actions.ts'
import { messageProviders } from './message-providers.ts'

/** Posts messages about events, and asks for approvals. */
export const notification = defineCategory({
  name: 'notification',
  summary: 'Posts messages about events, and asks for approvals',
  actions,
  routes: {
    approvals: async () => (await import('../../shared/approvals/page-route.ts')).pageRoute,
    slack: async () => (await import('../../shared/approvals/button-route.ts')).buttonRoute('slack'),
    mattermost: async () => (await import('../../shared/approvals/button-route.ts')).buttonRoute('mattermost'),
    discord: async () => (await import('../../shared/approvals/button-route.ts')).buttonRoute('discord'),
    telegram: async () => (await import('../../shared/approvals/button-route.ts')).buttonRoute('telegram'),
  },
  providers: {
    ...messageProviders,
    'servicenow-change': async () => (await import('./servicenow-change/servicenow-change.ts')).servicenowChange,
  },
})
