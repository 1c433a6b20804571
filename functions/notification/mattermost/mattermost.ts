import * as z from 'zod/mini'
import { Failure, invalidInput } from '../../../shared/errors.ts'
import { name, optional, secret, url } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import {
  type ButtonRequest,
  defineMessageProvider,
  type Message,
  type PostedMessage,
} from '../../../shared/providers/message.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { toPlainText } from '../../../shared/text/plain-text.ts'
import { mattermostMessage, verbatim } from './message.ts'

const connection = z.strictObject({
  baseUrl: url('URL of Mattermost, including its path'),
  token: secret('Token of a bot that is a member of the channel'),
  channel: optional(name('Default channel: its id, or team and name as in its URL, such as ops/deployments')),
})
type Mattermost = Client<z.output<typeof connection>>

const post = z.object({ id: z.string(), channel_id: z.string() })
const posts = z.object({
  order: z.array(z.string()),
  posts: z.record(z.string(), z.extend(post, { props: z.nullish(z.record(z.string(), z.unknown())) })),
})
const channelWithId = z.object({ id: z.string() })
const text = z.optional(z.string())
const memberWithId = z.object({ id: z.string() })
const user = z.object({ id: z.string(), username: z.string(), email: text, first_name: text, last_name: text })
const buttonPress = z.object({
  user_id: z.string(),
  user_name: text,
  context: z.object({ reference: z.string(), decision: z.enum(['approve', 'reject']), mac: z.string() }),
})

/** Saved with a post, for replies and updates. */
interface PostState {
  channel: string
  key: string | undefined
}

interface Responder {
  id: string
  name: string | undefined
}

/** The property of a post that holds the idempotency key. */
const KEY_PROPERTY = 'cloud_automation_webhooks'
const ID = /^[a-z0-9]{26}$/
const TEAM_AND_NAME = /^([a-z0-9-]{1,64})\/([a-z0-9._-]{1,64})$/
/** A post of an earlier attempt is among the newest. */
const PAGE_SIZE = 200
const MAX_PAGES = 5

/**
 * Mattermost. A message is a post with an attachment and interactive buttons.
 *
 * @see https://developers.mattermost.com/api-documentation/
 */
export const mattermost = defineMessageProvider({
  title: 'Mattermost',
  connection,
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  check: ({ http }) => http.get('api/v4/users/me'),
  channel: 'channel',
  maxRequest: 6_000,

  checkMessage({ channel = '' }) {
    if (ID.test(channel) || TEAM_AND_NAME.test(channel)) return
    throw invalidInput('input.channel', 'must be a channel id, or team and name as in its URL, such as ops/deployments')
  },

  lookUp: { newest: MAX_PAGES * PAGE_SIZE, keyLasts: '30 seconds' },

  async find({ http, idempotencyKey }, channel) {
    const path = `api/v4/channels/${segment(await channelId(http, channel))}/posts`
    for (let page = 0; page < MAX_PAGES; page++) {
      const query = { page, per_page: PAGE_SIZE, skipFetchThreads: true }
      const { body } = await http.get(path, { query, schema: posts })
      const found = Object.values(body.posts).find(({ props }) => props?.[KEY_PROPERTY] === idempotencyKey)
      if (found) return posted(http, found, idempotencyKey)
      if (body.order.length < PAGE_SIZE) return undefined
    }
    return undefined
  },

  async post(client, channel, message) {
    const { http, idempotencyKey } = client
    // Mattermost deduplicates by pending_post_id for half a minute.
    const pending = idempotencyKey === undefined ? {} : { pending_post_id: idempotencyKey }
    const channel_id = await channelId(http, channel)
    const content = { channel_id, ...pending, ...(await contentOf(client, message, idempotencyKey)) }
    return posted(http, (await http.post('api/v4/posts', content, { schema: post })).body, idempotencyKey)
  },

  async reply(client, { id, providerState }, message) {
    const { channel } = providerState as PostState
    const content = { channel_id: channel, root_id: id, ...(await contentOf(client, message, undefined)) }
    await client.http.post('api/v4/posts', content, { schema: post })
  },

  async replace(client, { id = '', providerState }, message) {
    const { key } = providerState as PostState
    await client.http.put(`api/v4/posts/${segment(id)}/patch`, await contentOf(client, message, key), { schema: post })
  },

  // Mattermost does not sign button requests. The context of a button is only visible to the server, so a request that contains
  // our MAC comes from the server. The token alone proves nothing, because links contain it, too.
  buttons: {
    readToken: (request) => parseButtonPress(request)?.context.reference,

    async verify({ token }, request) {
      const { isSame } = await import('../../../shared/hmac.ts')
      const { context, user_id, user_name } = parseButtonPress(request) ?? {}
      const known = context && user_id && isSame(context.mac, await macOf(token, context.reference, context.decision))
      if (!known) throw new Failure('unauthenticated', 'Unknown button payload.')
      return { decision: context.decision, responder: { id: user_id, name: user_name } satisfies Responder }
    },

    async getPerson({ http }, { responder }) {
      const { id, name } = responder as Responder
      try {
        const { body } = await http.get(`api/v4/users/${segment(id)}`, { schema: user })
        const full = [body.first_name, body.last_name].filter(Boolean).join(' ')
        const { username, email } = body
        const ambiguousName = hasIdFormat(username) ? username : undefined
        const names = [body.id, ambiguousName === undefined ? username : undefined, email].filter(isNotEmpty)
        return { name: full || username, names, ambiguousName }
      } catch (error) {
        // If Mattermost is temporarily unavailable, do not continue with fewer names: they may exclude this person.
        if (!(error instanceof Failure) || error.kind !== 'refused') throw error
        const ambiguousName = name !== undefined && hasIdFormat(name) ? name : undefined
        return {
          name: name ?? id,
          names: [id, ambiguousName === undefined ? name : undefined].filter(isNotEmpty),
          ambiguousName,
        }
      }
    },

    memberNameFormat: 'an id, a user name or an e-mail address',
    isMemberName: (text) => /^(?:[a-z0-9._-]{1,64}|[!-?A-~]+@[!-?A-~]+)$/i.test(text),
    async findMemberId({ http }, name) {
      const part = segment(name.toLowerCase())
      const paths = name.includes('@')
        ? [`users/email/${part}`]
        : [...(hasIdFormat(name) ? [`users/${part}`] : []), `users/username/${part}`]
      for (const path of paths) {
        const { status, body } = await http.get(`api/v4/${path}`, { schema: memberWithId, accept: [400, 403, 404] })
        if (status === 200) return body.id
      }
      return undefined
    },

    replyTo: async (_client, _response, text) => ({
      ephemeral_text: verbatim(toPlainText(text)),
      skip_slack_parsing: true,
    }),
  },
})

/** A user name can have the form of another user's id. */
function hasIdFormat(name: string): boolean {
  return ID.test(name)
}

function isNotEmpty(text: string | undefined): text is string {
  return text !== undefined && text !== ''
}

async function contentOf({ connection }: Mattermost, message: Message, key: string | undefined) {
  const macs = new Map<string, string>()
  for (const { token, decision } of message.buttons ?? [])
    macs.set(decision, await macOf(connection.token, token, decision))
  const { props, ...rest } = mattermostMessage(message, ({ url, token, decision }) => ({
    // The route next to the approval page.
    url: new URL('../mattermost', url).href,
    context: { reference: token, decision, mac: macs.get(decision) },
  }))
  return { ...rest, props: { ...props, ...(key === undefined ? {} : { [KEY_PROPERTY]: key }) } }
}

/** Returns the MAC of a button, with a key derived from the token of the bot. */
async function macOf(botToken: string, buttonToken: string, decision: string): Promise<string> {
  const { hmacHex } = await import('../../../shared/hmac.ts')
  return hmacHex(hmacHex(botToken, 'cloud-automation-webhooks: buttons'), `${buttonToken}.${decision}`)
}

function parseButtonPress({ body }: ButtonRequest): z.output<typeof buttonPress> | undefined {
  try {
    return buttonPress.safeParse(JSON.parse(body)).data
  } catch {
    // Not a request of Mattermost.
    return undefined
  }
}

async function channelId(http: Http, channel = ''): Promise<string> {
  const [, team, name] = TEAM_AND_NAME.exec(channel) ?? []
  if (team === undefined || name === undefined) return channel
  const path = `api/v4/teams/name/${segment(team)}/channels/name/${segment(name)}`
  return (await http.get(path, { schema: channelWithId })).body.id
}

function posted(http: Http, { id, channel_id }: z.output<typeof post>, key: string | undefined): PostedMessage {
  return {
    id,
    url: `${http.baseUrl}/_redirect/pl/${id}`,
    providerState: { channel: channel_id, key } satisfies PostState,
  }
}
