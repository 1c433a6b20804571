import { randomBytes } from 'node:crypto'
import { routeTable } from '../../../testing/route-table.ts'
import { bearer, type FakeCall, type FakeReply, json, mediaType, type Platform } from '../sandbox/http.ts'
import { missingPage } from '../sandbox/page.ts'
import type { Block } from './blocks.ts'
import { type Channel, type Member, team } from './directory.ts'
import { argumentsOf, contentOf, metadataOf, SlackError, textOf } from './input.ts'
import type { ChatMessage, Messages } from './messages.ts'
import { authResponse, botMessage, permalink, userResponse } from './responses.ts'

export type Given = Record<string, unknown>

export interface SlackState {
  token: string
  /** The scopes of the token. Defaults to all. */
  scopes?: ReadonlySet<string>
  channels: readonly Channel[]
  people(): readonly Member[]
  messages: Messages
  /** Returns the URL of the workspace. */
  url(root: string): string
  enterprise?(): string | undefined
}

/** Maximum size of the text of an update. */
const MAX_UPDATE_BYTES = 4_000

/**
 * The part of Slack's Web API that posts and updates messages. An error is a 200 whose `ok` is false.
 *
 * @see https://docs.slack.dev/reference/methods
 * @see https://github.com/slack-ruby/slack-api-ref/tree/master/methods
 */
export function slackRoutes(state: SlackState): Pick<Platform, 'answer' | 'error'> {
  const { messages } = state
  const hasScope = (scope: string) => state.scopes?.has(scope) ?? true

  const methods: Record<string, (given: Given, root: string) => Given & { note?: string }> = {
    'auth.test': (_, root) => authResponse(state.url(root), state.enterprise?.()),

    'chat.postMessage'(given) {
      checkScope('chat:write')
      const channel = channelOf(given['channel'], 'byName')
      if (channel.isArchived) throw new SlackError('is_archived')
      if (channel.isForeign) throw new SlackError('not_in_channel')
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
      checkScope('chat:write')
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
      checkScope('chat:write')
      const channel = channelOf(given['channel'], 'byName')
      const reader = state.people().find(({ id }) => id === given['user'])
      if (!reader) throw new SlackError('user_not_in_channel')
      const { text, blocks } = contentOf(given)
      const { ts } = messages.add({ channel: channel.id, text, blocks: withIds(blocks), onlyFor: reader.id })
      return { message_ts: ts, note: `sent to ${reader.name} alone in #${channel.name}` }
    },

    'chat.getPermalink'(given, root) {
      const { id } = channelOf(given['channel'])
      return { channel: id, permalink: permalink(state.url(root), messageAt(id, textOf(given['message_ts']))) }
    },

    'conversations.history'(given) {
      checkScope('channels:history')
      const { id, isForeign } = channelOf(given['channel'])
      if (isForeign) throw new SlackError('not_in_channel')
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
      checkScope('users:read.email')
      checkScope('users:read')
      const member = state
        .people()
        .find(({ email, teamId = team.id }) => email === given['email'] && teamId === team.id)
      if (!member) throw new SlackError('users_not_found')
      return { user: userResponse(member, hasScope('users:read.email')) }
    },

    'users.info'(given) {
      checkScope('users:read')
      const member = state.people().find(({ id }) => id === given['user'])
      if (!member) throw new SlackError('user_not_found')
      return { user: userResponse(member, hasScope('users:read.email')) }
    },
  }

  function checkScope(needed: string): void {
    if (!hasScope(needed)) throw new SlackError('missing_scope', { needed, provided: [...(state.scopes ?? [])].join() })
  }

  function checkToken({ headers }: FakeCall): void {
    if (headers.authorization === undefined) throw new SlackError('not_authed')
    if (bearer(headers) !== state.token) throw new SlackError('invalid_auth')
  }

  /** Only some methods accept the name of a channel. */
  function channelOf(given: unknown, byName?: 'byName'): Channel {
    const is = ({ id, name }: Channel) =>
      id === given || (byName !== undefined && (name === given || `#${name}` === given))
    const channel = state.channels.find(is)
    if (!channel) throw new SlackError('channel_not_found')
    return channel
  }

  function messageAt(channel: string, ts: string): ChatMessage {
    const message = messages.find(ts)
    if (message?.channel !== channel || message.onlyFor !== undefined) throw new SlackError('message_not_found')
    return message
  }

  function answerMethod(call: FakeCall, name: string): FakeReply {
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined
    if (!method) throw new SlackError('unknown_method')
    const given = argumentsOf(call)
    checkToken(call)
    const { note, ...answer } = method(given, call.root)
    const isUncertain = mediaType(call.headers) === 'application/json' && !/charset=/i.test(typeOf(call))
    const warning = 'missing_charset'
    const warned = isUncertain ? { warning, response_metadata: { warnings: [warning] } } : {}
    return json(200, { ok: true, ...answer, ...warned }, {}, note)
  }

  const route = routeTable<FakeCall, FakeReply>()({
    '{method} /api/{name}': (call) => answerMethod(call, call.params.name),
  })

  return {
    error: slackError,

    answer(call) {
      try {
        return route(`${call.method} ${call.path}`, call) ?? { ...missingPage('page'), note: 'not found' }
      } catch (error) {
        if (error instanceof SlackError) return refusal(error.message, error.fields)
        throw error
      }
    },
  }
}

function typeOf({ headers }: FakeCall): string {
  return headers['content-type'] ?? ''
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

function refusal(error: string, fields: object = {}): FakeReply {
  return json(200, { ok: false, error, ...fields }, {}, error)
}

/** Returns the error of a request that does not reach a method. */
function slackError(status: number): FakeReply {
  if (status === 401) return refusal('invalid_auth')
  const error = { 429: 'ratelimited', 503: 'service_unavailable' }[status] ?? 'internal_error'
  return json(status, { ok: false, error }, {}, error)
}
