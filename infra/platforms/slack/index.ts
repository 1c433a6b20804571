import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { demo } from '../sandbox/demo.ts'
import { type Answer, bearer, type Call, json, mediaType, type Platform, segments } from '../sandbox/http.ts'
import { missingPage } from '../sandbox/page.ts'
import type { Store } from '../sandbox/store.ts'
import { type Block, buttonsIn } from './blocks.ts'
import { sendButtonPress } from './button-press.ts'
import { channels, jane, type Member, people } from './directory.ts'
import { argumentsOf, contentOf, metadataOf, SlackError, textOf } from './input.ts'
import { type ChatMessage, createMessages } from './messages.ts'
import { buttonErrorPage, chatPage } from './page.ts'
import {
  authResponse,
  botMessage,
  type MessageSummary,
  messageSummary,
  permalink,
  placeOf,
  userResponse,
} from './responses.ts'

export interface Slack extends Platform {
  messages(root: string): MessageSummary[]
}

type Given = Record<string, unknown>

/** Maximum size of the text of an update, in bytes. */
const MAX_UPDATE_BYTES = 4_000
/** How long a button press waits for a change of the message. */
const BUTTON_TIMEOUT_MS = 3_000

/**
 * Fakes the part of Slack's Web API that posts and updates messages. The channels `releases` and `operations` have two
 * members, Jane and Ben, who read the messages on a page. Their button presses go to the app, signed, and each sees only
 * their own ephemeral messages. An error is a 200 whose `ok` is false.
 *
 * @param interactivityUrl the request URL of the app's interactivity
 * @see https://docs.slack.dev/reference/methods
 */
export function createSlack(store: Store, interactivityUrl?: string): Slack {
  const messages = createMessages(store)

  const methods: Record<string, (given: Given, root: string) => Given & { note?: string }> = {
    'auth.test': (_, root) => authResponse(root),

    'chat.postMessage'(given) {
      const channel = channelOf(given['channel'], 'byName')
      const { text, blocks } = contentOf(given)
      const thread_ts = textOf(given['thread_ts']) || undefined
      if (thread_ts !== undefined) messageAt(channel.id, thread_ts)
      const reply_broadcast = thread_ts !== undefined && isOn(given['reply_broadcast'])
      const [metadata, named] = [metadataOf(given), withIds(blocks)]
      const message = messages.add({ channel: channel.id, text, blocks: named, metadata, thread_ts, reply_broadcast })
      const response = { ...botMessage(message, true), subtype: 'bot_message' }
      return { channel: channel.id, ts: message.ts, message: response, note: `posted in #${channel.name}` }
    },

    'chat.update'(given) {
      const channel = channelOf(given['channel'])
      const before = messageAt(channel.id, textOf(given['ts']))
      if (Buffer.byteLength(textOf(given['text'])) > MAX_UPDATE_BYTES) throw new SlackError('msg_too_long')
      // A text without blocks removes the previous blocks.
      const { text, blocks } = contentOf(given)
      if (hasRichText(before.blocks) && !hasRichText(blocks)) throw new SlackError('block_mismatch')
      const message = messages.replace({ ...before, text, blocks: withIds(blocks) })
      const { ts } = message
      return { channel: channel.id, ts, text, message: botMessage(message), note: `changed in #${channel.name}` }
    },

    'chat.postEphemeral'(given) {
      const channel = channelOf(given['channel'], 'byName')
      const reader = people.find(({ id }) => id === given['user'])
      if (!reader) throw new SlackError('user_not_in_channel')
      const { text, blocks } = contentOf(given)
      const { ts } = messages.add({ channel: channel.id, text, blocks: withIds(blocks), onlyFor: reader.id })
      return { message_ts: ts, note: `sent to ${reader.name} alone in #${channel.name}` }
    },

    'chat.getPermalink'(given, root) {
      const { id } = channelOf(given['channel'])
      return { channel: id, permalink: permalink(root, messageAt(id, textOf(given['message_ts']))) }
    },

    'conversations.history'(given) {
      const { id } = channelOf(given['channel'])
      const limit = given['limit'] === undefined ? 100 : Number(given['limit'])
      if (!Number.isInteger(limit) || limit < 1 || limit > 999) throw new SlackError('invalid_limit')
      const all = messages
        .all()
        .filter(({ channel, onlyFor }) => channel === id && onlyFor === undefined)
        .filter(({ thread_ts, reply_broadcast }) => thread_ts === undefined || reply_broadcast)
        .toReversed()
      const newest = all.slice(0, limit)
      const withMetadata = isOn(given['include_all_metadata'])
      const responses = newest.map((message) => botMessage(message, withMetadata))
      return { messages: responses, has_more: newest.length < all.length, pin_count: 0 }
    },

    'users.lookupByEmail'(given) {
      const member = people.find(({ email }) => email === given['email'])
      if (!member) throw new SlackError('users_not_found')
      return { user: userResponse(member) }
    },

    'users.info'(given) {
      const member = people.find(({ id }) => id === given['user'])
      if (!member) throw new SlackError('user_not_found')
      return { user: userResponse(member) }
    },
  }

  function messageAt(channel: string, ts: string): ChatMessage {
    const message = messages.find(ts)
    if (message?.channel !== channel || message.onlyFor !== undefined) throw new SlackError('message_not_found')
    return message
  }

  function answerMethod(call: Call, name: string): Answer {
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined
    if (!method) throw new SlackError('unknown_method')
    const given = argumentsOf(call)
    refuseCaller(call)
    const { note, ...answer } = method(given, call.root)
    const isUncertain = mediaType(call.headers) === 'application/json' && !/charset=/i.test(typeOf(call))
    const warning = 'missing_charset'
    const warned = isUncertain ? { warning, response_metadata: { warnings: [warning] } } : {}
    return json(200, { ok: true, ...answer, ...warned }, {}, note)
  }

  /** Handles the form of a button: `ts` of the message, `action` of the button, and `user`. */
  async function pressButton(call: Call): Promise<Answer> {
    const form = new URLSearchParams(call.body)
    const person = people.find(({ name }) => name === (form.get('user') ?? jane.name))
    if (!person)
      return buttonErrorPage(400, undefined, `Unknown user. Users: ${people.map(({ name }) => name).join(', ')}.`)
    const message = messages.find(form.get('ts') ?? '')
    if (!message || !sees(person, message)) return buttonErrorPage(404, person, 'The message does not exist.')
    const button = buttonsIn(message.blocks).find(({ action_id }) => action_id === form.get('action'))
    if (!button) return buttonErrorPage(409, person, 'The message no longer has this button.')
    if (!interactivityUrl)
      return buttonErrorPage(502, person, 'This app is not configured to handle interactive responses.')
    const before = messages.all()
    const refused = await sendButtonPress(interactivityUrl, { message, button, person, root: call.root })
    if (refused !== undefined) return buttonErrorPage(502, person, refused)
    for (const end = Date.now() + BUTTON_TIMEOUT_MS; Date.now() < end && isAsBefore(message, before.length); )
      await sleep(50)
    return { status: 303, headers: { location: `${call.root}?user=${person.name}#${message.ts}` } }
  }

  function isAsBefore({ ts, edited }: ChatMessage, count: number): boolean {
    return messages.find(ts)?.edited === edited && messages.all().length === count
  }

  return {
    error: slackError,

    answer(call) {
      const [api, name = '', ...more] = segments(call.path)
      if (api !== 'api' || more.length > 0) return { ...missingPage('page'), note: 'not found' }
      try {
        return answerMethod(call, name)
      } catch (error) {
        if (error instanceof SlackError) return refusal(error.message, error.messages)
        throw error
      }
    },

    page(call) {
      const [first, channel, place, ...more] = segments(call.path)
      const isChat = call.path === '/'
      if (!isChat && (first !== 'archives' || more.length > 0)) return undefined
      const person = people.find(({ name }) => name === (call.query.get('user') ?? jane.name))
      if (!person) return missingPage('person')
      const seen = messages.all().filter((message) => sees(person, message))
      const shown = seen.filter(({ channel: id, ts }) => id === channel && (!place || place === placeOf(ts)))
      if (!isChat && shown.length === 0) return missingPage('message')
      return chatPage({ root: call.root, person, messages: isChat ? seen : shown })
    },

    actions: { '/click': pressButton },
    messages: (root) => messages.all().map((message) => messageSummary(root, message)),
  }
}

function sees({ id }: Member, { onlyFor }: ChatMessage): boolean {
  return onlyFor === undefined || onlyFor === id
}

function typeOf({ headers }: Call): string {
  return headers['content-type'] ?? ''
}

function refuseCaller({ headers }: Call): void {
  if (headers.authorization === undefined) throw new SlackError('not_authed')
  if (bearer(headers) !== demo.slack.token) throw new SlackError('invalid_auth')
}

/** Only some methods take the name of a channel in place of its id. */
function channelOf(given: unknown, byName?: 'byName') {
  const is = ({ id, name }: (typeof channels)[number]) =>
    id === given || (byName !== undefined && (name === given || `#${name}` === given))
  const channel = channels.find(is)
  if (!channel) throw new SlackError('channel_not_found')
  return channel
}

function isOn(value: unknown): boolean {
  return value === true || value === 'true' || value === '1'
}

function hasRichText(blocks: Block[]): boolean {
  return blocks.some(({ type }) => type === 'rich_text')
}

function withIds(blocks: Block[]): Block[] {
  return blocks.map((block) => ({ ...block, block_id: block.block_id ?? randomBytes(4).toString('base64url') }))
}

function refusal(error: string, messages: string[] = []): Answer {
  const more = messages.length > 0 ? { response_metadata: { messages } } : {}
  return json(200, { ok: false, error, ...more }, {}, error)
}

/** Of what fails before a method is reached. */
function slackError(status: number): Answer {
  if (status === 401) return refusal('invalid_auth')
  const error = { 429: 'ratelimited', 503: 'service_unavailable' }[status] ?? 'internal_error'
  return json(status, { ok: false, error }, {}, error)
}
