import { defineCategory } from '../../shared/providers/category.ts'
import { actions } from './actions.ts'
import { platforms } from './platforms.ts'

export const notification = defineCategory({
  name: 'notification',
  summary: 'Tells people what happens, and asks them for approval',
  actions,
  routes: {
    approvals: async () => (await import('../../shared/approvals/page-route.ts')).pageRoute,
    slack: async () => (await import('../../shared/approvals/button-route.ts')).buttonRoute('slack'),
    mattermost: async () => (await import('../../shared/approvals/button-route.ts')).buttonRoute('mattermost'),
  },
  providers: platforms,
})
