import { createHmac } from 'node:crypto'
import { type Call, type Reply, type Served, serve } from '../loopback-server.ts'

type Json = Record<string, unknown>

interface SlackPost {
  channel: string
  ts: string
  text: string
  blocks: Json[]
  metadata?: { event_type: string; event_payload: Json } | undefined
  thread_ts?: string | undefined
  reply_broadcast?: boolean | undefined
  unfurled: boolean
  edited: boolean
}

interface Member {
  name: string
  real_name: string
  team_id: string
  email: string
  is_email_confirmed?: boolean
  enterprise?: string
}

/** A click as Slack sends it. */
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
  ephemerals: { channel: string; user: string; text: string }[]
  members: Record<string, Member>
  /** Everybody and everything that any message has mentioned. */
  mentions: string[]
  /** Warnings in answers, such as missing_charset. */
  warnings: string[]
  /** Returns the request that Slack sends for a button press. */
  pressButton(post: SlackPost, action: string, user?: string): SentButtonPress
  /** A body, signed as Slack does. */
  sign(body: string, options?: { secret?: string; at?: number }): SentButtonPress
}

const teamId = 'T0123ABCD'
const channels: Record<string, { name: string; joined: boolean; archived?: boolean }> = {
  C0RELEASES: { name: 'releases', joined: true },
  C0OTHERS: { name: 'others', joined: false },
  C0OLD: { name: 'old', joined: true, archived: true },
}

class Refusal extends Error {
  readonly body: Json
  constructor(error: string, more: Json = {}) {
    super(error)
    this.body = { ok: false, error, ...more }
  }
}

/**
 * Slack's Web API, as far as messages go: an error is a 200 whose `ok` is false.
 *
 * Errors and arguments are those of https://github.com/slack-ruby/slack-api-ref/tree/master/methods, the limits of blocks those
 * of https://docs.slack.dev/reference/block-kit, that of all blocks together the one of
 * https://github.com/slackapi/bolt-js/issues/2509.
 */
export async function slackServer(): Promise<SlackServer> {
  const slack = new Slack()
  return Object.assign(await serve((call) => slack.answer(call)), slack.shown)
}

class Slack {
  #clock = 1_795_532_508

  readonly shown = {
    token: `${'xox'}b-1234567890-abcdefghij`,
    signingSecret: '8f742231b10e8888abcd99yyyzzz85a5',
    scopes: new Set(['chat:write', 'channels:history', 'users:read', 'users:read.email']),
    workspace: { enterprise: undefined as string | undefined },
    posts: [] as SlackPost[],
    ephemerals: [] as { channel: string; user: string; text: string }[],
    members: {
      U0JANE: { name: 'jane', real_name: 'Jane Doe', team_id: teamId, email: 'jane@example.com' },
      U0GUEST: { name: 'mallory', real_name: 'Jane Doe', team_id: 'T0ELSEWHERE', email: 'jane@example.com' },
    } as Record<string, Member>,
    mentions: [] as string[],
    warnings: [] as string[],
    pressButton: (post: SlackPost, action: string, user = 'U0JANE') => this.#pressButton(post, action, user),
    sign: (body: string, options: { secret?: string; at?: number } = {}) => this.#sign(body, options),
  }

  answer({ method, path, headers, query, body }: Call): Reply {
    const name = path.replace(/^\/api\//, '')
    const type = String(headers['content-type'] ?? '')
    const given = method === 'GET' ? Object.fromEntries(query) : ((body ?? {}) as Json)
    const warning = method === 'POST' && !/charset=utf-8/i.test(type) ? 'missing_charset' : undefined
    if (warning) this.shown.warnings.push(warning)
    try {
      if (method === 'POST' && !type.startsWith('application/json')) throw new Refusal('invalid_post_type')
      if (headers['authorization'] === undefined) throw new Refusal('not_authed')
      if (headers['authorization'] !== `Bearer ${this.shown.token}`) throw new Refusal('invalid_auth')
      return { status: 200, body: { ok: true, ...this.#call(name, given), ...(warning ? { warning } : {}) } }
    } catch (refusal) {
      if (refusal instanceof Refusal) return { status: 200, body: refusal.body }
      throw refusal
    }
  }

  #call(method: string, given: Json): Json {
    switch (method) {
      case 'auth.test':
        return {
          url: 'https://shop.slack.com/',
          team: 'Shop',
          team_id: teamId,
          enterprise_id: this.shown.workspace.enterprise,
        }
      case 'chat.postMessage':
        return this.#post(given)
      case 'chat.update':
        return this.#update(given)
      case 'chat.postEphemeral':
        return this.#whisper(given)
      case 'chat.getPermalink':
        return this.#permalink(given)
      case 'conversations.history':
        return this.#history(given)
      case 'users.info':
        return this.#user(given)
      case 'users.lookupByEmail':
        return this.#userByEmail(given)
      default:
        throw new Refusal('unknown_method')
    }
  }

  #needs(scope: string): void {
    if (this.shown.scopes.has(scope)) return
    throw new Refusal('missing_scope', { needed: scope, provided: [...this.shown.scopes].join(',') })
  }

  #channel(given: unknown, byName: boolean): string {
    const found = Object.entries(channels).find(
      ([id, { name }]) => id === given || (byName && (name === given || `#${name}` === given)),
    )
    if (!found) throw new Refusal('channel_not_found')
    return found[0]
  }

  #post(given: Json): Json {
    this.#needs('chat:write')
    const channel = this.#channel(given['channel'], true)
    if (channels[channel]?.archived) throw new Refusal('is_archived')
    if (!channels[channel]?.joined) throw new Refusal('not_in_channel')
    const { text, blocks } = this.#content(given)
    const metadata = given['metadata'] as SlackPost['metadata']
    if (metadata && (!metadata.event_type || typeof metadata.event_payload !== 'object')) {
      throw new Refusal('invalid_metadata_schema')
    }
    const thread_ts = given['thread_ts'] as string | undefined
    if (thread_ts !== undefined) this.#at(channel, thread_ts)
    const post: SlackPost = {
      ...{ channel, ts: `${this.#clock++}.000247`, text, blocks, metadata, thread_ts },
      reply_broadcast: given['reply_broadcast'] as boolean | undefined,
      unfurled: given['unfurl_links'] !== false || given['unfurl_media'] !== false,
      edited: false,
    }
    this.shown.posts.push(post)
    return { channel, ts: post.ts, message: { type: 'message', text, ts: post.ts, bot_id: 'B0APP' } }
  }

  #update(given: Json): Json {
    this.#needs('chat:write')
    const channel = this.#channel(given['channel'], false)
    const post = this.#at(channel, String(given['ts']))
    if (Buffer.byteLength(String(given['text'] ?? '')) > 4_000) throw new Refusal('msg_too_long')
    const { text, blocks } = this.#content({ parse: 'client', ...given })
    const isRich = (all: Json[]) => all.some(({ type }) => type === 'rich_text')
    if (isRich(post.blocks) && !isRich(blocks)) throw new Refusal('block_mismatch')
    Object.assign(post, { text, blocks, edited: true })
    return { channel, ts: post.ts, text, message: { text } }
  }

  #whisper(given: Json): Json {
    this.#needs('chat:write')
    const channel = this.#channel(given['channel'], true)
    const user = String(given['user'])
    if (!this.shown.members[user]) throw new Refusal('user_not_in_channel')
    const { text } = this.#content(given)
    this.shown.ephemerals.push({ channel, user, text })
    return { message_ts: `${this.#clock++}.000100` }
  }

  #permalink(given: Json): Json {
    const channel = this.#channel(given['channel'], false)
    const { ts } = this.#at(channel, String(given['message_ts']))
    return { channel, permalink: `https://shop.slack.com/archives/${channel}/p${ts.replace('.', '')}` }
  }

  #history(given: Json): Json {
    this.#needs('channels:history')
    const channel = this.#channel(given['channel'], false)
    if (!channels[channel]?.joined) throw new Refusal('not_in_channel')
    const limit = Number(given['limit'] ?? 100)
    const all = given['include_all_metadata'] === 'true'
    const messages = this.shown.posts
      .filter((post) => post.channel === channel && (post.thread_ts === undefined || post.reply_broadcast))
      .toReversed()
      .slice(0, limit)
      .map(({ ts, text, blocks, metadata }) => ({
        ...{ type: 'message', subtype: 'bot_message', ts, text, blocks },
        ...(all && metadata ? { metadata } : {}),
      }))
    return { messages, has_more: false, pin_count: 0 }
  }

  #user(given: Json): Json {
    this.#needs('users:read')
    const id = String(given['user'])
    const member = this.shown.members[id]
    if (!member) throw new Refusal('user_not_found')
    const { name, real_name, team_id, email, is_email_confirmed = true, enterprise } = member
    const address = this.shown.scopes.has('users:read.email') ? { email } : {}
    return {
      user: {
        ...{ id, team_id, name, real_name, deleted: false, is_bot: false, is_email_confirmed },
        ...(enterprise ? { enterprise_user: { id, enterprise_id: enterprise, enterprise_name: 'Shop' } } : {}),
        profile: { real_name, display_name: name, ...address },
      },
    }
  }

  #userByEmail({ email }: Json): Json {
    this.#needs('users:read.email')
    const found = Object.entries(this.shown.members).find(([, one]) => one.email === email && one.team_id === teamId)
    if (!found) throw new Refusal('users_not_found')
    return this.#user({ user: found[0] })
  }

  #at(channel: string, ts: string): SlackPost {
    const post = this.shown.posts.find((one) => one.channel === channel && one.ts === ts)
    if (!post) throw new Refusal('message_not_found')
    return post
  }

  #content({ text = '', blocks = [], parse = 'none', link_names = false }: Json): { text: string; blocks: Json[] } {
    const said = String(text)
    const all = blocks as Json[]
    if (said === '' && all.length === 0) throw new Refusal('no_text')
    const messages = wrongIn(all).map((error) => `[ERROR] ${error}`)
    if (messages.length > 0) throw new Refusal('invalid_blocks', { response_metadata: { messages } })
    if (charactersOf(all) > 11_000) throw new Refusal('msg_blocks_too_long')
    this.shown.mentions.push(...mentionsIn(said), ...all.flatMap(mentionsOf))
    if (parse !== 'none' || link_names) this.shown.mentions.push(...(said.match(/[@#]\w+/g) ?? []))
    return { text: said, blocks: all }
  }

  #pressButton({ channel, ts, text, blocks }: SlackPost, action: string, user: string): SentButtonPress {
    const buttons = blocks.flatMap((block) => (block['type'] === 'actions' ? (block['elements'] as Json[]) : []))
    const button = buttons.find((one) => one['action_id'] === action)
    if (!button) throw new Error(`There is no button ${action}`)
    const member = this.shown.members[user]
    const payload = {
      type: 'block_actions',
      user: { id: user, username: member?.name, name: member?.name, team_id: member?.team_id },
      api_app_id: 'A0APP',
      token: 'legacy',
      container: { type: 'message', message_ts: ts, channel_id: channel, is_ephemeral: false },
      trigger_id: '12466734323.1395872398',
      team: { id: teamId, domain: 'shop' },
      enterprise: null,
      is_enterprise_install: false,
      channel: { id: channel, name: channels[channel]?.name },
      message: { type: 'message', ts, text, bot_id: 'B0APP', blocks },
      state: { values: {} },
      response_url: 'https://hooks.slack.com/actions/T0123ABCD/1/abc',
      actions: [{ ...button, block_id: 'h3jKl', action_ts: `${ts.slice(0, -1)}9` }],
    }
    return this.#sign(new URLSearchParams({ payload: JSON.stringify(payload) }).toString(), {})
  }

  #sign(body: string, { secret = this.shown.signingSecret, at = Date.now() }: { secret?: string; at?: number }) {
    const timestamp = String(Math.floor(at / 1_000))
    const signature = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')
    return {
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-slack-request-timestamp': timestamp,
        'x-slack-signature': `v0=${signature}`,
      },
      body,
    }
  }
}

/** Returns the errors of Slack's validation with their paths. */
function wrongIn(blocks: Json[]): string[] {
  const wrong = blocks.flatMap((block, at) =>
    wrongInBlock(block).map((error) => `${error} [json-pointer:/blocks/${at}]`),
  )
  const actionIds = blocks.flatMap((block) => (block['type'] === 'actions' ? (block['elements'] as Json[]) : []))
  const ids = actionIds.map((element) => element['action_id'])
  return [
    ...(blocks.length > 50 ? ['no more than 50 items allowed [json-pointer:/blocks]'] : []),
    ...(new Set(ids).size < ids.length ? ['`action_id` already exists'] : []),
    ...wrong,
  ]
}

function wrongInBlock(block: Json): string[] {
  const { type, text, fields = [], elements = [] } = block
  const inside = elements as Json[]
  switch (type) {
    case 'header':
      return wrongText(text, ['plain_text'], 150)
    case 'section': {
      const all = fields as Json[]
      return [
        ...(text === undefined ? [] : wrongText(text, ['plain_text', 'mrkdwn'], 3_000)),
        ...(text === undefined && all.length === 0 ? ['missing required field: text'] : []),
        ...(all.length > 10 ? ['no more than 10 items allowed'] : []),
        ...all.flatMap((field) => wrongText(field, ['plain_text', 'mrkdwn'], 2_000)),
      ]
    }
    case 'actions':
      return [
        ...(inside.length === 0 || inside.length > 25 ? ['no more than 25 items allowed'] : []),
        ...inside.flatMap(wrongButton),
      ]
    case 'rich_text':
      return inside.length === 0 ? ['no fewer than 1 items allowed'] : inside.flatMap(wrongRichText)
    default:
      return [`unsupported type: ${type}`]
  }
}

function wrongText(given: unknown, types: string[], most: number): string[] {
  const { type, text } = (given ?? {}) as Json
  if (!types.includes(String(type))) return [`unsupported type: ${type}`]
  if (typeof text !== 'string' || text.length === 0) return ['must be more than 0 characters']
  return [...text].length > most ? [`must be less than ${most + 1} characters`] : []
}

function wrongButton({ type, text, action_id, value, style }: Json): string[] {
  return [
    ...(type === 'button' ? [] : [`unsupported type: ${type}`]),
    ...wrongText(text, ['plain_text'], 75),
    ...(typeof action_id === 'string' && action_id.length <= 255 ? [] : ['missing required field: action_id']),
    ...(String(value).length > 2_000 ? ['must be less than 2001 characters'] : []),
    ...(['primary', 'danger', undefined].includes(style as string) ? [] : [`invalid style: ${style}`]),
  ]
}

function wrongRichText({ type, elements }: Json): string[] {
  if (type !== 'rich_text_section') return [`unsupported type: ${type}`]
  return (elements as Json[]).flatMap(({ type, text, url }) => {
    if (type === 'text') return typeof text === 'string' && text.length > 0 ? [] : ['must be more than 0 characters']
    if (type === 'link') return URL.canParse(String(url)) ? [] : ['invalid url']
    return [`unsupported type: ${type}`]
  })
}

/** Returns the length that Slack counts: the escaped text and an overhead for each block. */
function charactersOf(blocks: Json[]): number {
  const escaped = { '&': '&amp;', '<': '&lt;', '>': '&gt;' } as Record<string, string>
  return JSON.stringify(blocks).replace(/[&<>]/g, (character) => escaped[character] ?? '').length + blocks.length * 100
}

/** Returns the texts that Slack parses for mentions. */
function mentionsIn(text: string): string[] {
  return text.match(/<(?:[!@#])[^>]*>/g) ?? []
}

function mentionsOf({ type, text, fields = [], elements = [] }: Json): string[] {
  if (['user', 'usergroup', 'channel', 'broadcast', 'team'].includes(String(type))) return [`a ${type}`]
  const texts = [text, ...(fields as Json[])].filter((one) => (one as Json | undefined)?.['type'] === 'mrkdwn')
  return [
    ...texts.flatMap((one) => mentionsIn(String((one as Json)['text']))),
    ...(elements as Json[]).flatMap(mentionsOf),
  ]
}
