import type { Category } from '../../shared/providers/category.ts'

/** In their own file, so that other categories can post messages without loading the approval action. */
export const messageProviders = {
  slack: async () => (await import('./providers/slack.ts')).slack,
  msteams: async () => (await import('./providers/msteams.ts')).msteams,
  mattermost: async () => (await import('./providers/mattermost.ts')).mattermost,
  discord: async () => (await import('./providers/discord.ts')).discord,
  telegram: async () => (await import('./providers/telegram.ts')).telegram,
  'google-chat': async () => (await import('./providers/google-chat.ts')).googleChat,
  ntfy: async () => (await import('./providers/ntfy.ts')).ntfy,
  webhook: async () => (await import('./providers/webhook.ts')).webhook,
  'aws-sns': async () => (await import('./providers/aws-sns.ts')).awsSns,
  'aws-ses': async () => (await import('./providers/aws-ses.ts')).awsSes,
  http: async () => (await import('./providers/http.ts')).http,
} satisfies Category['providers']
