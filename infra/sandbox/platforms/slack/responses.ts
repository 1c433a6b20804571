import { buttonsIn, textIn } from './blocks.ts'
import { app, channels, type Member, people, team } from './directory.ts'
import { type ChatMessage, timeOf } from './messages.ts'

/** A message in the list `/sandbox/messages`. */
export interface MessageSummary {
  /** The name of the channel. */
  channel: string | undefined
  ts: string
  at: string
  url: string
  text: string
  /** The text of each block. */
  blocks: string[]
  /** The buttons. */
  buttons: { action: string; text: string }[]
  thread: string | null
  /** The user name of the only reader. */
  ephemeral: string | null
  edited: boolean
  metadata: ChatMessage['metadata'] | null
}

export function messageSummary(root: string, message: ChatMessage): MessageSummary {
  const { channel, ts, text, blocks, thread_ts, onlyFor, edited, metadata } = message
  return {
    channel: channels.find(({ id }) => id === channel)?.name,
    ts,
    at: timeOf(ts),
    url: permalink(root, message),
    text,
    blocks: blocks.map(textIn),
    buttons: buttonsIn(blocks).map(({ action_id, text }) => ({ action: action_id, text: text.text })),
    thread: thread_ts ?? null,
    ephemeral: people.find(({ id }) => id === onlyFor)?.name ?? null,
    edited: edited !== undefined,
    metadata: metadata ?? null,
  }
}

export function permalink(root: string, { channel, ts }: ChatMessage): string {
  return `${root}/archives/${channel}/${placeOf(ts)}`
}

/** Returns the last path segment of the URL of a message. */
export function placeOf(ts: string): string {
  return `p${ts.replace('.', '')}`
}

/** Returns a message of a bot; metadata only on request. */
export function botMessage({ ts, text, blocks, thread_ts, edited, metadata }: ChatMessage, withMetadata = false) {
  return {
    type: 'message',
    user: app.userId,
    bot_id: app.botId,
    app_id: app.id,
    team: team.id,
    ts,
    text,
    blocks,
    ...(thread_ts === undefined ? {} : { thread_ts }),
    ...(edited === undefined ? {} : { edited: { user: app.userId, ts: edited } }),
    ...(metadata && withMetadata ? { metadata } : {}),
  }
}

export function userResponse(member: Member, withEmail: boolean) {
  const { id, name, realName, email, teamId = team.id, isEmailConfirmed = true, enterprise } = member
  return {
    id,
    team_id: teamId,
    name,
    real_name: realName,
    tz: 'Etc/UTC',
    deleted: false,
    is_bot: false,
    is_app_user: false,
    is_email_confirmed: isEmailConfirmed,
    ...(enterprise ? { enterprise_user: { id, enterprise_id: enterprise, enterprise_name: team.name } } : {}),
    profile: { real_name: realName, display_name: name, team: teamId, ...(withEmail ? { email } : {}) },
  }
}

export function authResponse(url: string, enterprise: string | undefined) {
  const ids = { team_id: team.id, user_id: app.userId, bot_id: app.botId, is_enterprise_install: false }
  return { url: `${url}/`, team: team.name, user: app.name, ...ids, enterprise_id: enterprise }
}
