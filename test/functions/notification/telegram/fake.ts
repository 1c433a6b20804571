import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { type MessageRow, startWith } from '../../../conformance/row.ts'

interface Entity {
  type: string
  offset: number
  length: number
  url?: string
}

interface Chat {
  id: number
  type: string
  username?: string
}

interface Content {
  text: string
  entities?: Entity[]
  reply_markup?: { inline_keyboard: { text: string; callback_data: string }[][] }
  reply_parameters?: { message_id: number }
}

interface TelegramMessage extends Content {
  message_id: number
  chat: Chat
}

interface TelegramUser {
  first_name: string
  last_name?: string
  username?: string
}

export type TelegramServer = Awaited<ReturnType<typeof startTelegram>>

export const supergroup = -1001234567890
/** A group that has become the supergroup. */
export const migrated = -4567
export const lisa = 1111111
const CHATS: Record<string, Chat> = {
  [supergroup]: { id: supergroup, type: 'supergroup' },
  '@deployments': { id: -1009876543210, type: 'channel', username: 'deployments' },
}
const TOKEN = '110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw'
const WEBHOOK_SECRET = 'a-secret-token-of-the-webhook'

/**
 * A fake of the part of Telegram's Bot API that posts messages, with its limits and errors.
 *
 * @see https://core.telegram.org/bots/api
 */
export const startTelegram = definePlatform({
  state: () => ({
    messages: [] as TelegramMessage[],
    webhook: { url: 'https://webhooks.example.com/v1/notification/telegram' },
    /** Users by their ids. */
    users: { [lisa]: { first_name: 'Lisa', last_name: 'Roe', username: 'lisa' } } as Record<number, TelegramUser>,
  }),
  refuses: ({ path }) => (path.startsWith(`/bot${TOKEN}/`) ? undefined : refuse(401, 'Unauthorized')),
  operation: ({ path }) => path.split('/')[2],
  envelope: (result) => ({ ok: true, result }),
  routes: {
    getMe: () => ({ id: 110201543, is_bot: true, first_name: 'Deployments', username: 'deploy_bot' }),
    getWebhookInfo: ({ state }) => ({ ...state.webhook, has_custom_certificate: false, pending_update_count: 0 }),
    getChat: ({ body }) => withChat(body.chat_id, (chat) => chat),
    sendMessage: ({ state, body: { chat_id, ...content } }) =>
      withChat(chat_id, (chat) => {
        const problem = problemIn(content)
        if (problem) return badRequest(problem)
        state.messages.push({ message_id: state.messages.length + 1, chat, ...content })
        return newestOf(state.messages)
      }),
    editMessageText: ({ state, body: { chat_id, message_id, ...content } }) =>
      withChat(chat_id, (chat) => {
        const problem = problemIn(content)
        if (problem) return badRequest(problem)
        const index = state.messages.findIndex((message) => message.message_id === message_id)
        if (index < 0) return badRequest('message to edit not found')
        const changed = { message_id, chat, ...content }
        if (JSON.stringify(changed) === JSON.stringify(state.messages[index]))
          return badRequest('message is not modified')
        state.messages[index] = changed
        return changed
      }),
  },
  notFound: refuse(404, 'Not Found'),
  members: ({ messages, webhook, users }) => ({
    token: TOKEN,
    webhookSecret: WEBHOOK_SECRET,
    messages,
    webhook,
    users,
    /** Returns the request that Telegram sends when a user presses a button of the newest message. */
    press(label: string, id: number) {
      const { reply_markup, ...message } = newestOf(messages)
      const button = reply_markup?.inline_keyboard.flat().find(({ text }) => text === label)
      if (!button) throw new Error(`There is no button ${label}`)
      const callback_query = {
        id: '4382bfdwdsb323b2d9',
        from: { id, is_bot: false, ...users[id] },
        message,
        chat_instance: '42',
        data: button.callback_data,
      }
      return {
        body: JSON.stringify({ update_id: 10_000, callback_query }),
        headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': WEBHOOK_SECRET },
      }
    },
  }),
})

function refuse(status: number, description: string, parameters?: object): Reply {
  return { status, body: { ok: false, error_code: status, description, parameters } }
}

function badRequest(description: string, parameters?: object): Reply {
  return refuse(400, `Bad Request: ${description}`, parameters)
}

function withChat(id: unknown, respond: (chat: Chat) => object | Reply): object | Reply {
  if (String(id) === String(migrated))
    return badRequest('group chat was upgraded to a supergroup chat', { migrate_to_chat_id: supergroup })
  const chat = CHATS[String(id)]
  return chat ? respond(chat) : badRequest('chat not found')
}

/** Returns why Telegram refuses a message. */
function problemIn({ text, entities = [], reply_markup }: Partial<Content>): string | undefined {
  if (!text?.trim()) return 'message text is empty'
  if (text.length > 4_096) return 'message is too long'
  if (entities.some(({ offset, length }) => offset + length > text.length)) return 'entity beyond the end of the text'
  const data = (reply_markup?.inline_keyboard ?? []).flat().map(({ callback_data }) => Buffer.byteLength(callback_data))
  return data.some((bytes) => bytes < 1 || bytes > 64) ? 'BUTTON_DATA_INVALID' : undefined
}

export const messageRow = {
  writes: /^POST .*\/sendMessage$/,
  start: startWith(startTelegram, ({ url: baseUrl, token }) => ({
    connection: { baseUrl, token, channel: String(supergroup) },
  })),
} satisfies MessageRow
