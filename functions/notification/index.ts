import { defineCategory } from '../../shared/function/category.ts'
import { actions } from './actions.ts'
import { platforms } from './platforms.ts'

export const notification = defineCategory({
  name: 'notification',
  summary: 'Tells people what happens, and asks them for approval',
  actions,
  doors: {
    approvals: async () => (await import('../../shared/approvals/page-door.ts')).decideOnPage,
    slack: async () => (await import('../../shared/approvals/click-door.ts')).clicksOf('slack'),
    mattermost: async () => (await import('../../shared/approvals/click-door.ts')).clicksOf('mattermost'),
  },
  providers: platforms,
})
