import { isObject } from '../../../../infra/sandbox/platforms/sandbox/http.ts'
import { openStore } from '../../../../infra/sandbox/platforms/sandbox/store.ts'
import { buttonsIn } from '../../../../infra/sandbox/platforms/slack/blocks.ts'
import { bodyOf, sign } from '../../../../infra/sandbox/platforms/slack/button-press.ts'
import type { Channel, Member } from '../../../../infra/sandbox/platforms/slack/directory.ts'
import { type ChatMessage, createMessages } from '../../../../infra/sandbox/platforms/slack/messages.ts'
import { type Given, slackRoutes } from '../../../../infra/sandbox/platforms/slack/routes.ts'
import { newestOf, type Served } from '../../../../infra/testing/loopback-server.ts'
import { type MessageRow, startWith } from '../../../conformance/row.ts'
import { servePlatform } from '../../../platforms/serve-platform.ts'

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
  people: Member[]
  /** The messages of all channels, oldest first. */
  readonly posts: ChatMessage[]
  readonly ephemerals: ChatMessage[]
  /** The mentions in all messages. */
  readonly mentions: string[]
  /** The warnings of all responses. */
  warnings: string[]
  changeNewest(fields: Partial<ChatMessage>): void
  /** Deletes all messages. */
  empty(): void
  /** Returns the request that Slack sends for a button press. */
  pressButton(message: ChatMessage, action: string, user?: string): SentButtonPress
  /** Signs a body. */
  sign(body: string, options?: { secret?: string; at?: number }): SentButtonPress
}

const CHANNELS: readonly Channel[] = [
  { id: 'C0RELEASES', name: 'releases' },
  { id: 'C0OTHERS', name: 'others', isForeign: true },
  { id: 'C0OLD', name: 'old', isArchived: true },
]
const WORKSPACE_URL = 'https://shop.slack.com'

/** Starts a workspace whose members, scopes and messages the test can change. */
export async function slackServer(): Promise<SlackServer> {
  const store = openStore()
  const messages = createMessages(store)
  const settings = {
    token: `${'xox'}b-1234567890-abcdefghij`,
    signingSecret: '8f742231b10e8888abcd99yyyzzz85a5',
    scopes: new Set(['chat:write', 'channels:history', 'users:read', 'users:read.email']),
    workspace: { enterprise: undefined as string | undefined },
    people: [
      { id: 'U0JANE', name: 'jane', realName: 'Jane Doe', email: 'jane@example.com' },
      { id: 'U0GUEST', name: 'mallory', realName: 'Jane Doe', email: 'jane@example.com', teamId: 'T0ELSEWHERE' },
    ] as Member[],
  }
  const warnings: string[] = []
  const routes = slackRoutes({
    ...settings,
    channels: CHANNELS,
    people: () => settings.people,
    messages,
    url: () => WORKSPACE_URL,
    enterprise: () => settings.workspace.enterprise,
  })
  const served = await servePlatform({
    ...routes,
    answer(call) {
      const answer = routes.answer(call)
      if (answer.body?.includes('"warning":"missing_charset"')) warnings.push('missing_charset')
      return answer
    },
  })
  return {
    ...served,
    ...settings,
    warnings,
    get posts() {
      return messages.all().filter(({ onlyFor }) => onlyFor === undefined)
    },
    get ephemerals() {
      return messages.all().filter(({ onlyFor }) => onlyFor !== undefined)
    },
    get mentions() {
      return served.calls.flatMap(({ path, body }) => (isObject(body) ? mentionsIn(path, body) : []))
    },
    changeNewest(fields) {
      store.collection<ChatMessage>('slack.messages').change(newestOf(messages.all()).ts, fields)
    },
    empty: store.empty,
    pressButton(message, action, user = 'U0JANE') {
      const person = settings.people.find(({ id }) => id === user) ?? { id: user }
      return sign(pressOf(message, action, person), settings.signingSecret)
    },
    sign: (body, { secret = settings.signingSecret, at } = {}) => sign(body, secret, at),
  }
}

/** Returns the body of the request for a button press. */
function pressOf(message: ChatMessage, action: string, person: Pick<Member, 'id'> & Partial<Member>): string {
  const button = buttonsIn(message.blocks).find(({ action_id }) => action_id === action)
  if (!button) throw new Error(`The message has no button ${action}.`)
  const channelName = CHANNELS.find(({ id }) => id === message.channel)?.name
  return bodyOf({ message, button, person, channelName, root: 'https://hooks.slack.com' })
}

/** Returns the mentions that Slack would notify. chat.update parses names by default. */
function mentionsIn(path: string, { text, blocks, parse, link_names }: Given): string[] {
  const isParsed = (parse ?? (path.endsWith('/chat.update') ? 'client' : 'none')) !== 'none' || link_names === true
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

export const messageRow = {
  writes: /^POST .*chat\.postMessage$/,
  start: startWith(slackServer, ({ url: baseUrl, token }) => ({
    connection: { baseUrl, token, channel: 'C0RELEASES' },
  })),
} satisfies MessageRow
