import { defineCategory } from '../../shared/function/category.ts'
import { actions } from './actions.ts'

export const notification = defineCategory({
  name: 'notification',
  summary: 'Tells people what happens, and asks them for approval',
  actions,
  doors: {
    approvals: async () => (await import('../../shared/approvals/page-door.ts')).decideOnPage,
    slack: async () => (await import('../../shared/approvals/click-door.ts')).clicksOf('slack'),
    mattermost: async () => (await import('../../shared/approvals/click-door.ts')).clicksOf('mattermost'),
  },
  providers: {
    slack: async () => (await import('./providers/slack.ts')).slack,
    msteams: async () => (await import('./providers/msteams.ts')).msteams,
    mattermost: async () => (await import('./providers/mattermost.ts')).mattermost,
    ntfy: async () => (await import('./providers/ntfy.ts')).ntfy,
    webhook: async () => (await import('./providers/webhook.ts')).webhook,
    'aws-sns': async () => (await import('./providers/aws-sns.ts')).awsSns,
    http: async () => (await import('../../shared/vendors/http/message.ts')).httpMessage,
  },
})
