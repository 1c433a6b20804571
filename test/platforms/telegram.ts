import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'

interface Entity {
  type: string
  offset: number
  length: number
  url?: string
}

interface TelegramMessage {
  message_id: number
  chat: { id: number; type: string; username?: string }
  text: string
  entities?: Entity[]
  reply_markup?: { inline_keyboard: { text: string; callback_data: string }[][] }
  reply_parameters?: { message_id: number }
}

interface TelegramUser {
  first_name: string
  last_name?: string
  username?: string
}

export interface TelegramServer extends Served {
  token: string
  webhookSecret: string
  messages: TelegramMessage[]
  webhook: { url: string }
  /** By id. */
  users: Record<number, TelegramUser>
  /** Returns the request that Telegram sends when a user presses a button of the newest message. */
  press(label: string, user: number): { headers: Record<string, string>; body: string }
}

export const supergroup = -1001234567890
/** A group that has become the supergroup. */
export const migrated = -4567
const publicChannel = '@deployments'
export const lisa = 1111111

/**
 * The part of Telegram's Bot API that posts messages, with its limits and errors.
 *
 * @see https://core.telegram.org/bots/api
 */
export async function startTelegram(): Promise<TelegramServer> {
  const token = '110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw'
  const webhookSecret = 'a-secret-token-of-the-webhook'
  const messages: TelegramMessage[] = []
  const webhook = { url: 'https://webhooks.example.com/v1/notification/telegram' }
  const users: TelegramServer['users'] = { [lisa]: { first_name: 'Lisa', last_name: 'Roe', username: 'lisa' } }
  const served = await serve((call) => {
    const [, bot, method = ''] = call.path.split('/')
    if (bot !== `bot${token}`) return refuse(401, 'Unauthorized')
    return answer(method, call, { messages, webhook })
  })
  return {
    ...served,
    ...{ token, webhookSecret, messages, webhook, users },
    press(label, id) {
      const { reply_markup, ...message } = newestOf(messages)
      const button = reply_markup?.inline_keyboard.flat().find(({ text }) => text === label)
      if (!button) throw new Error(`There is no button ${label}`)
      const from = { id, is_bot: false, ...users[id] }
      const callback_query = {
        id: '4382bfdwdsb323b2d9',
        from,
        message,
        chat_instance: '42',
        data: button.callback_data,
      }
      return {
        body: JSON.stringify({ update_id: 10_000, callback_query }),
        headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': webhookSecret },
      }
    },
  }
}

function refuse(status: number, description: string, parameters?: object): Reply {
  return { status, body: { ok: false, error_code: status, description, ...(parameters ? { parameters } : {}) } }
}

const badRequest = (description: string, parameters?: object) => refuse(400, `Bad Request: ${description}`, parameters)
const result = (value: unknown) => ok({ ok: true, result: value })

function answer(method: string, { body }: Call, { messages, webhook }: Pick<TelegramServer, 'messages' | 'webhook'>) {
  if (method === 'getMe')
    return result({ id: 110201543, is_bot: true, first_name: 'Deployments', username: 'deploy_bot' })
  if (method === 'getWebhookInfo') return result({ ...webhook, has_custom_certificate: false, pending_update_count: 0 })
  const given = body as Omit<TelegramMessage, 'chat'> & { chat_id: string | number }
  if (String(given.chat_id) === String(migrated))
    return badRequest('group chat was upgraded to a supergroup chat', { migrate_to_chat_id: supergroup })
  const chat = chatOf(String(given.chat_id))
  if (!chat) return badRequest('chat not found')
  if (method === 'getChat') return result(chat)
  const problem = problemIn(given)
  if (problem) return badRequest(problem)
  const { chat_id: _, message_id: id, ...content } = given
  if (method === 'editMessageText') {
    const at = messages.findIndex(({ message_id }) => message_id === id)
    if (at < 0) return badRequest('message to edit not found')
    const changed = { message_id: id, chat, ...content }
    if (JSON.stringify(changed) === JSON.stringify(messages[at])) return badRequest('message is not modified')
    messages[at] = changed
    return result(changed)
  }
  if (method !== 'sendMessage') return refuse(404, 'Not Found')
  const message = { message_id: messages.length + 1, chat, ...content }
  messages.push(message)
  return result(message)
}

function chatOf(id: string): TelegramMessage['chat'] | undefined {
  if (id === String(supergroup)) return { id: supergroup, type: 'supergroup' }
  return id === publicChannel ? { id: -1009876543210, type: 'channel', username: publicChannel.slice(1) } : undefined
}

/** Returns why a message is refused. */
function problemIn({ text, entities = [], reply_markup }: Partial<TelegramMessage>): string | undefined {
  if (!text?.trim()) return 'message text is empty'
  if (text.length > 4_096) return 'message is too long'
  if (entities.some(({ offset, length }) => offset + length > text.length)) return 'entity beyond the end of the text'
  const data = (reply_markup?.inline_keyboard ?? []).flat().map(({ callback_data }) => Buffer.byteLength(callback_data))
  return data.some((bytes) => bytes < 1 || bytes > 64) ? 'BUTTON_DATA_INVALID' : undefined
}
