import type { Category } from '../../shared/providers/category.ts'

/** Where messages are shown. Apart from the actions, so that who only tells of something has nothing of what asks people. */
export const platforms = {
  slack: async () => (await import('./providers/slack.ts')).slack,
  msteams: async () => (await import('./providers/msteams.ts')).msteams,
  mattermost: async () => (await import('./providers/mattermost.ts')).mattermost,
  ntfy: async () => (await import('./providers/ntfy.ts')).ntfy,
  webhook: async () => (await import('./providers/webhook.ts')).webhook,
  'aws-sns': async () => (await import('./providers/aws-sns.ts')).awsSns,
  http: async () => (await import('./providers/http.ts')).http,
} satisfies Category['providers']
