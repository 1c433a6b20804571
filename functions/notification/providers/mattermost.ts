import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
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
import { mattermostMessage, verbatim } from '../mattermost-message.ts'

const connection = z.strictObject({
  baseUrl: url('Where Mattermost is, with its path where it has one'),
  token: secret('The token of a bot that is a member of the channel'),
  channel: optional(name('Default channel: its id, or its team and name as in its URL, like ops/deployments')),
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
const click = z.object({
  user_id: z.string(),
  user_name: text,
  context: z.object({ reference: z.string(), decision: z.enum(['approve', 'reject']), mac: z.string() }),
})

/** What it takes to change a post. */
interface Handle {
  channel: string
  key: string | undefined
}

interface Clicker {
  id: string
  name: string | undefined
}

/** The name of the property of a post that holds the key of a call. */
const keyProperty = 'cloud_automation_webhooks'
const id = /^[a-z0-9]{26}$/
const teamAndName = /^([a-z0-9-]{1,64})\/([a-z0-9._-]{1,64})$/
/** Posts of an earlier try are among the newest: that many at once, and so many times. */
const perPage = 200
const mostPages = 5

/**
 * Mattermost: a post with an attachment, whose buttons are its own.
 *
 * @see https://developers.mattermost.com/api-documentation/
 */
export const mattermost = defineMessageProvider({
  title: 'Mattermost',
  connection,
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  check: ({ http }) => http.get('api/v4/users/me'),
  channel: 'channel',

  checkMessage({ channel = '' }) {
    if (id.test(channel) || teamAndName.test(channel)) return
    const message = 'is no channel: write its id, or its team and name as in its URL, like ops/deployments'
    throw new Failure('invalid', `input.channel ${message}`, { errors: [{ path: 'input.channel', message }] })
  },

  async find({ http, idempotencyKey: key }, channel) {
    const path = `api/v4/channels/${segment(await channelId(http, channel))}/posts`
    for (let page = 0; page < mostPages; page++) {
      const query = { page, per_page: perPage, skipFetchThreads: true }
      const { body } = await http.get(path, { query, schema: posts })
      const found = Object.values(body.posts).find(({ props }) => props?.[keyProperty] === key)
      if (found) return posted(http, found, key)
      if (body.order.length < perPage) return undefined
    }
    return undefined
  },

  async post(client, channel, message) {
    const { http, idempotencyKey: key } = client
    // Mattermost takes a post with the same one for the same, for half a minute.
    const pending = key === undefined ? {} : { pending_post_id: key }
    const channel_id = await channelId(http, channel)
    const content = { channel_id, ...pending, ...(await shown(client, message, key)) }
    return posted(http, (await http.post('api/v4/posts', content, { schema: post })).body, key)
  },

  async reply(client, { id, providerState: handle }, message) {
    const { channel } = handle as Handle
    await client.http.post('api/v4/posts', {
      channel_id: channel,
      root_id: id,
      ...(await shown(client, message, undefined)),
    })
  },

  async replace(client, { id = '', providerState: handle }, message) {
    const { key } = handle as Handle
    await client.http.put(`api/v4/posts/${segment(id)}/patch`, await shown(client, message, key))
  },

  /**
   * Clicks come unsigned. What is in a button is shown to nobody but the server, so who sends it back with our signature is
   * the server; a reference alone, which links carry too, is not enough.
   */
  buttons: {
    readToken: (request) => clickIn(request)?.context.reference,

    async verify({ token }, request) {
      const { isSame } = await import('../../../shared/auth/hmac.ts')
      const { context, user_id, user_name } = clickIn(request) ?? {}
      const known = context && user_id && isSame(context.mac, await macOf(token, context.reference, context.decision))
      if (!known) throw new Failure('unauthenticated', 'This is no click on a button of ours.')
      return { decision: context.decision, responder: { id: user_id, name: user_name } satisfies Clicker }
    },

    async getPerson({ http }, { responder }) {
      const { id, name } = responder as Clicker
      try {
        const { body } = await http.get(`api/v4/users/${segment(id)}`, { schema: user })
        const full = [body.first_name, body.last_name].filter(Boolean).join(' ')
        const { username, email } = body
        const ambiguousName = looksLikeId(username) ? username : undefined
        const names = [body.id, ambiguousName === undefined ? username : undefined, email].filter(isThere)
        return { name: full || username, names, ambiguousName }
      } catch (error) {
        // While Mattermost is only down for a moment, nobody may pass for somebody with fewer names.
        if (!(error instanceof Failure) || error.kind !== 'refused') throw error
        const ambiguousName = name !== undefined && looksLikeId(name) ? name : undefined
        return {
          name: name ?? id,
          names: [id, ambiguousName === undefined ? name : undefined].filter(isThere),
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
        : [...(looksLikeId(name) ? [`users/${part}`] : []), `users/username/${part}`]
      for (const path of paths) {
        const { status, body } = await http.get(`api/v4/${path}`, { schema: memberWithId, accept: [400, 403, 404] })
        if (status === 200) return body.id
      }
      return undefined
    },

    replyTo: async (_client, _click, text) => ({
      ephemeral_text: verbatim(toPlainText(text)),
      skip_slack_parsing: true,
    }),
  },
})

/** Somebody may take the id of another for a user name. */
function looksLikeId(name: string): boolean {
  return id.test(name)
}

function isThere(text: string | undefined): text is string {
  return text !== undefined && text !== ''
}

async function shown({ connection }: Mattermost, message: Message, key: string | undefined) {
  const macs = new Map<string, string>()
  for (const { token: reference, decision } of message.buttons ?? [])
    macs.set(decision, await macOf(connection.token, reference, decision))
  const { props, ...rest } = mattermostMessage(message, ({ url, token, decision }) => ({
    // Beside the page where people decide.
    url: new URL('../mattermost', url).href,
    context: { reference: token, decision, mac: macs.get(decision) },
  }))
  return { ...rest, props: { ...props, ...(key === undefined ? {} : { [keyProperty]: key }) } }
}

/** Only who has the token can make it, and it is good for nothing else. */
async function macOf(token: string, reference: string, decision: string): Promise<string> {
  const { hmacHex } = await import('../../../shared/auth/hmac.ts')
  return hmacHex(hmacHex(token, 'cloud-automation-webhooks: buttons'), `${reference}.${decision}`)
}

function clickIn({ body }: ButtonRequest): z.output<typeof click> | undefined {
  try {
    return click.safeParse(JSON.parse(body)).data
  } catch {
    // Nothing that Mattermost would send.
    return undefined
  }
}

async function channelId(http: Http, channel = ''): Promise<string> {
  const [, team, name] = teamAndName.exec(channel) ?? []
  if (team === undefined || name === undefined) return channel
  const path = `api/v4/teams/name/${segment(team)}/channels/name/${segment(name)}`
  return (await http.get(path, { schema: channelWithId })).body.id
}

function posted(http: Http, { id, channel_id }: z.output<typeof post>, key: string | undefined): PostedMessage {
  return {
    id,
    url: `${http.baseUrl}/_redirect/pl/${id}`,
    providerState: { channel: channel_id, key } satisfies Handle,
  }
}
