import { type Served, servePlatform } from '../../../infra/sandbox/platforms/loopback-server.ts'
import { isObject } from '../../../infra/sandbox/platforms/sandbox/http.ts'
import { buttonsIn } from '../../../infra/sandbox/platforms/slack/blocks.ts'
import { bodyOf, sign } from '../../../infra/sandbox/platforms/slack/button-press.ts'
import { type Channel, type Member, team } from '../../../infra/sandbox/platforms/slack/directory.ts'
import type { ChatMessage, Messages } from '../../../infra/sandbox/platforms/slack/messages.ts'
import { type Given, slackRoutes } from '../../../infra/sandbox/platforms/slack/routes.ts'
import { type MessageRow, play } from '../../conformance/rows/row.ts'

interface SlackPost extends Omit<ChatMessage, 'edited'> {
  unfurled: boolean
  edited: boolean
}

interface SlackMember {
  name: string
  real_name: string
  team_id: string
  email: string
  is_email_confirmed?: boolean
  enterprise?: string
}

/** The request for a button press. */
export interface SentButtonPress {
  headers: Record<string, string>
  body: string
}

export interface SlackServer extends Served {
  token: string
  signingSecret: string
  /** The scopes of the app. */
  scopes: Set<string>
  workspace: { enterprise: string | undefined }
  /** The messages of all channels, oldest first. */
  posts: SlackPost[]
  ephemerals: { channel: string; user: string | undefined; text: string }[]
  members: Record<string, SlackMember>
  /** The mentions in all messages. */
  mentions: string[]
  /** The warnings of all responses. */
  warnings: string[]
  /** Returns the request that Slack sends for a button press. */
  pressButton(post: SlackPost, action: string, user?: string): SentButtonPress
  /** Signs a body. */
  sign(body: string, options?: { secret?: string; at?: number }): SentButtonPress
}

const CHANNELS: readonly Channel[] = [
  { id: 'C0RELEASES', name: 'releases' },
  { id: 'C0OTHERS', name: 'others', isForeign: true },
  { id: 'C0OLD', name: 'old', isArchived: true },
]
const WORKSPACE_URL = 'https://shop.slack.com'

/** Starts a workspace whose messages, members and scopes the test can change directly. */
export async function slackServer(): Promise<SlackServer> {
  let seconds = 1_795_532_508
  let unfurled = true
  const slack = {
    token: `${'xox'}b-1234567890-abcdefghij`,
    signingSecret: '8f742231b10e8888abcd99yyyzzz85a5',
    scopes: new Set(['chat:write', 'channels:history', 'users:read', 'users:read.email']),
    workspace: { enterprise: undefined as string | undefined },
    posts: [] as SlackPost[],
    ephemerals: [] as SlackServer['ephemerals'],
    members: {
      U0JANE: { name: 'jane', real_name: 'Jane Doe', team_id: team.id, email: 'jane@example.com' },
      U0GUEST: { name: 'mallory', real_name: 'Jane Doe', team_id: 'T0ELSEWHERE', email: 'jane@example.com' },
    } as Record<string, SlackMember>,
    mentions: [] as string[],
    warnings: [] as string[],
  }
  const people = (): Member[] =>
    Object.entries(slack.members).map(([id, { name, real_name, team_id, email, is_email_confirmed, enterprise }]) => ({
      id,
      name,
      realName: real_name,
      teamId: team_id,
      email,
      isEmailConfirmed: is_email_confirmed,
      enterprise,
    }))
  const messages: Messages = {
    all: () => slack.posts.map(messageOf),
    find: (ts) => slack.posts.filter((post) => post.ts === ts).map(messageOf)[0],
    add(message) {
      const ts = `${seconds++}.000247`
      const { channel, text, onlyFor } = message
      if (onlyFor) slack.ephemerals.push({ channel, user: onlyFor, text })
      else slack.posts.push({ ...message, ts, unfurled, edited: false })
      return { ...message, ts }
    },
    replace(message) {
      const post = slack.posts.find(({ ts }) => ts === message.ts)
      if (post) Object.assign(post, { text: message.text, blocks: message.blocks, edited: true })
      return message
    },
  }
  const routes = slackRoutes({
    token: slack.token,
    scopes: slack.scopes,
    channels: CHANNELS,
    people,
    messages,
    url: () => WORKSPACE_URL,
    enterprise: () => slack.workspace.enterprise,
    observe(method, given) {
      unfurled = given['unfurl_links'] !== false || given['unfurl_media'] !== false
      slack.mentions.push(...mentionsIn(method, given))
    },
  })
  const served = await servePlatform({
    ...routes,
    answer(call) {
      const answer = routes.answer(call)
      if (answer.body?.includes('"warning":"missing_charset"')) slack.warnings.push('missing_charset')
      return answer
    },
  })
  return {
    ...served,
    ...slack,
    pressButton(post, action, user = 'U0JANE') {
      const button = buttonsIn(post.blocks).find(({ action_id }) => action_id === action)
      if (!button) throw new Error(`The message has no button ${action}.`)
      const person = people().find(({ id }) => id === user) ?? { id: user }
      const channelName = CHANNELS.find(({ id }) => id === post.channel)?.name
      const press = { message: messageOf(post), button, person, channelName, root: 'https://hooks.slack.com' }
      return sign(bodyOf(press), slack.signingSecret)
    },
    sign: (body, { secret = slack.signingSecret, at } = {}) => sign(body, secret, at),
  }
}

function messageOf({ unfurled: _, edited, ...message }: SlackPost): ChatMessage {
  return { ...message, edited: edited ? message.ts : undefined }
}

/** Returns the mentions that Slack would notify. chat.update parses names by default. */
function mentionsIn(method: string, { text, blocks, parse, link_names }: Given): string[] {
  const isParsed = (parse ?? (method === 'chat.update' ? 'client' : 'none')) !== 'none' || link_names === true
  const names = isParsed ? (String(text ?? '').match(/[@#]\w+/g) ?? []) : []
  return [...inText(text), ...names, ...(Array.isArray(blocks) ? blocks.flatMap(inElement) : [])]
}

function inText(text: unknown): string[] {
  return typeof text === 'string' ? (text.match(/<(?:[!@#])[^>]*>/g) ?? []) : []
}

function inElement(element: unknown): string[] {
  if (!isObject(element)) return []
  const { type, text, fields = [], elements = [] } = element
  if (['user', 'usergroup', 'channel', 'broadcast', 'team'].includes(String(type))) return [`a ${type}`]
  const texts = [text, ...(Array.isArray(fields) ? fields : [])]
  return [
    ...texts.flatMap((text) => (isObject(text) && text['type'] === 'mrkdwn' ? inText(text['text']) : [])),
    ...(Array.isArray(elements) ? elements.flatMap(inElement) : []),
  ]
}

export const slackMessages = {
  writes: /^POST .*chat\.postMessage$/,
  start: play(slackServer, ({ url: baseUrl, token }) => ({ connection: { baseUrl, token, channel: 'C0RELEASES' } })),
} satisfies MessageRow
