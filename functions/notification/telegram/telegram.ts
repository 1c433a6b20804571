import * as z from 'zod/mini'
import { parseCompactButton } from '../../../shared/approvals/compact-token.ts'
import { Failure, invalidInput } from '../../../shared/errors.ts'
import { name, optional, secret, url } from '../../../shared/fields.ts'
import { isSame } from '../../../shared/hmac.ts'
import type { RequestOptions } from '../../../shared/http/options.ts'
import { type ButtonRequest, defineMessageProvider, type PostedMessage } from '../../../shared/providers/message.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { plainSingleLine } from '../../../shared/text/plain-text.ts'
import { telegramMessage } from './message.ts'

const connection = z.strictObject({
  baseUrl: z._default(url('URL of the Bot API, or of a local server'), 'https://api.telegram.org'),
  token: secret('Token of the bot, from @BotFather, such as 123456:ABC-DEF').check(
    z.regex(/^[\w:-]+$/, { message: 'must be letters, digits, colons, - and _' }),
  ),
  webhookSecret: optional(
    secret(
      'Secret token of the webhook: 16 to 256 letters, digits, - and _, which verifies button requests; required for ask-approval',
    ).check(z.regex(/^[\w-]{16,256}$/, { message: 'must be 16 to 256 letters, digits, - and _' })),
  ),
  channel: optional(name('Default chat: its id, such as -1001234567890, or @name of a public group or channel')),
})
type Telegram = Client<z.output<typeof connection>>

const chat = z.object({ id: z.number(), username: z.optional(z.string()) })
const sent = z.object({ ok: z.literal(true), result: z.object({ message_id: z.number(), chat }) })
const edited = z.object({ ok: z.literal(true) })
const me = z.object({ ok: z.literal(true), result: z.object({ id: z.number() }) })
const webhookInfo = z.object({ ok: z.literal(true), result: z.object({ url: z.string() }) })
const refusal = z.object({
  ok: z.literal(false),
  description: z.string(),
  parameters: z.optional(z.object({ retry_after: z.optional(z.number()), migrate_to_chat_id: z.optional(z.number()) })),
})
const buttonPress = z.object({
  callback_query: z.object({
    id: z.string(),
    from: z.object({
      id: z.number(),
      first_name: z.string(),
      last_name: z.optional(z.string()),
      username: z.optional(z.string()),
    }),
    data: z.string(),
  }),
})
type CallbackQuery = z.output<typeof buttonPress>['callback_query']
type Responder = Pick<CallbackQuery, 'id' | 'from'>

/** Saved with a message, for replies and updates. */
interface TelegramState {
  chat: number
  message: number
}

const CHAT = /^(?:-?\d{1,20}|@[A-Za-z]\w{3,31})$/
const USER_ID = /^\d{1,20}$/
const ROUTE = '/notification/telegram'
/** For the answer to a button press. */
const MAX_ANSWER = 200

/**
 * Telegram, with a bot.
 *
 * @see https://core.telegram.org/bots/api
 */
export const telegram = defineMessageProvider({
  title: 'Telegram',
  connection,
  channel: 'chat, by its id',
  errorReason: (body) => refusal.safeParse(body).data?.description,
  // The token is part of the path.
  isCredentialsError: (status) => status === 404,

  async check(client) {
    const { webhookSecret, channel } = client.connection
    await call(client, 'getMe', undefined, { schema: me, isRead: true })
    if (channel !== undefined) await call(client, 'getChat', { chat_id: channel }, { isRead: true })
    if (webhookSecret === undefined) return
    const { result } = await call(client, 'getWebhookInfo', undefined, { schema: webhookInfo, isRead: true })
    if (!result.url.endsWith(ROUTE))
      throw new Failure(
        'misconfigured',
        `The bot does not send button presses here. Call setWebhook with the URL <api>${ROUTE} and the webhookSecret as secret_token.`,
      )
  },

  checkMessage({ channel = '', needsApproval }, { webhookSecret }) {
    if (!CHAT.test(channel))
      throw invalidInput('input.channel', 'must be the id of a chat, such as -1001234567890, or @name of a public one')
    if (needsApproval && webhookSecret === undefined)
      throw new Failure(
        'misconfigured',
        'Approvals need the secret token of the webhook. Add webhookSecret to the connection.',
      )
  },

  async post(client, channel = '', message) {
    const content = telegramMessage(message)
    const options = { schema: sent }
    try {
      return postedAt(await call(client, 'sendMessage', { chat_id: channel, ...content }, options))
    } catch (error) {
      // The group has become a supergroup. Telegram refused the request, so it can be sent again.
      const { migrate_to_chat_id } = parametersOf(error) ?? {}
      if (migrate_to_chat_id === undefined) throw error
      client.notes.add(`The chat ${channel} is now ${migrate_to_chat_id}. Change the channel.`)
      return postedAt(await call(client, 'sendMessage', { chat_id: migrate_to_chat_id, ...content }, options))
    }
  },

  async reply(client, { providerState }, message) {
    const { chat, message: message_id } = providerState as TelegramState
    const reply_parameters = { message_id, allow_sending_without_reply: true }
    await call(
      client,
      'sendMessage',
      { chat_id: chat, ...telegramMessage(message), reply_parameters },
      { schema: sent },
    )
  },

  async replace(client, { providerState }, message) {
    const { chat, message: message_id } = providerState as TelegramState
    try {
      await call(
        client,
        'editMessageText',
        { chat_id: chat, message_id, ...telegramMessage(message) },
        { schema: edited },
      )
    } catch (error) {
      if (!(error instanceof Failure) || !error.message.includes('message is not modified')) throw error
    }
  },

  // Telegram sends the secret token with each request, and only ids identify people: a user name can change its owner.
  buttons: {
    readToken: (request) => parseButtonPress(request)?.token,

    async verify({ webhookSecret }, request) {
      const { 'x-telegram-bot-api-secret-token': token } = request.headers
      if (webhookSecret === undefined || token === undefined || !isSame(token, webhookSecret))
        throw new Failure('unauthenticated', 'Invalid secret token of the Telegram webhook.')
      const press = parseButtonPress(request)
      if (!press) throw new Failure('invalid', 'Unknown button payload.')
      return press
    },

    async getPerson(_client, { responder }) {
      const { id, first_name, last_name, username } = (responder as Responder).from
      return {
        name: [first_name, last_name].filter(Boolean).join(' ') || String(id),
        names: [String(id)],
        ambiguousName: username,
      }
    },

    approverIds: { format: 'ids of users, such as 1234567890', pattern: USER_ID },
    memberNameFormat: 'the id of a user, such as 1234567890',
    isMemberName: (text) => USER_ID.test(text),
    // A bot cannot look up all users. Ids are compared unchanged.
    findMemberId: async (_client, id) => id,

    replyTo: async (_client, response, text) => ({ ...answer(response, text), show_alert: true }),
    confirm: answer,
  },
})

/** Returns the response that answers a button press. Telegram runs the method that it names. */
function answer({ responder }: { responder: unknown }, text: string) {
  const { id } = responder as Responder
  return { method: 'answerCallbackQuery', callback_query_id: id, text: plainSingleLine(text, MAX_ANSWER) }
}

function parseButtonPress({ body }: ButtonRequest) {
  const query = buttonPress.safeParse(parseJson(body)).data?.callback_query
  const button = query && parseCompactButton(query.data)
  return button && { ...button, responder: { id: query.id, from: query.from } satisfies Responder }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not a request of Telegram.
    return undefined
  }
}

/** Calls a method of the Bot API. */
async function call<T>(
  { http, connection: { token } }: Telegram,
  method: string,
  parameters: object | undefined,
  options: Pick<RequestOptions<T>, 'schema' | 'isRead'>,
): Promise<T> {
  try {
    return (await http.post(`${http.baseUrl}/bot${token}/${method}`, parameters, { ...options, urlAlias: method })).body
  } catch (error) {
    const { retry_after: retryAfter } = parametersOf(error) ?? {}
    if (!(error instanceof Failure) || retryAfter === undefined) throw error
    const { kind, message, mayHaveWritten, response } = error
    throw new Failure(kind, message, { retryAfter, mayHaveWritten, response })
  }
}

function parametersOf(error: unknown) {
  return error instanceof Failure ? refusal.safeParse(error.response?.body).data?.parameters : undefined
}

function postedAt({ result: { message_id, chat } }: z.output<typeof sent>): PostedMessage {
  const place = chat.username ?? (String(chat.id).startsWith('-100') ? `c/${String(chat.id).slice(4)}` : undefined)
  return {
    id: String(message_id),
    ...(place === undefined ? {} : { url: `https://t.me/${place}/${message_id}` }),
    providerState: { chat: chat.id, message: message_id } satisfies TelegramState,
  }
}
