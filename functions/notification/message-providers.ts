import type { Category } from '../../shared/providers/category.ts'

/** In their own file, so that other categories can post messages without loading the approval action. */
export const messageProviders = {
  slack: async () => (await import('./slack/slack.ts')).slack,
  msteams: async () => (await import('./msteams/msteams.ts')).msteams,
  mattermost: async () => (await import('./mattermost/mattermost.ts')).mattermost,
  discord: async () => (await import('./discord/discord.ts')).discord,
  telegram: async () => (await import('./telegram/telegram.ts')).telegram,
  'google-chat': async () => (await import('./google-chat/google-chat.ts')).googleChat,
  ntfy: async () => (await import('./ntfy/ntfy.ts')).ntfy,
  webhook: async () => (await import('./webhook/webhook.ts')).webhook,
  'aws-sns': async () => (await import('./aws-sns/aws-sns.ts')).awsSns,
  'aws-ses': async () => (await import('./aws-ses/aws-ses.ts')).awsSes,
  http: async () => (await import('./http/http.ts')).http,
} satisfies Category['providers']
