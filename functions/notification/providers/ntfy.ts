import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { name, optional, secret, url, word } from '../../../shared/fields.ts'
import { basicAuth } from '../../../shared/http/basic-auth.ts'
import {
  defineMessageProvider,
  type Message,
  type Mood,
  type PostedMessage,
} from '../../../shared/providers/message.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { approvalLink, byteLength, plainSingleLine, plainTextBody, webLinks } from '../../../shared/text/plain-text.ts'

const connection = z.strictObject({
  baseUrl: url('Where ntfy is: https://ntfy.sh, or a server of your own'),
  token: optional(secret('An access token, for topics that not everybody may write to')),
  username: optional(word('A user, where there is no token')),
  password: optional(secret("The user's password")),
  channel: optional(name('Default topic')),
})
type Ntfy = Client<z.output<typeof connection>>

const published = z.object({ id: z.string(), event: z.literal('message') })

/** What it takes to publish something about an earlier message. */
interface Handle {
  topic: string
  key: string | undefined
  /** Where the earlier one led. */
  click: string | undefined
}

/** The names of emojis. */
const tags: Record<Mood, string> = {
  good: 'white_check_mark',
  warning: 'warning',
  bad: 'x',
  neutral: 'information_source',
  waiting: 'hourglass_flowing_sand',
}
const high = 4
const usual = 3
const priorities: Record<Mood, number> = { good: usual, warning: usual, bad: high, neutral: usual, waiting: high }

/** Bytes: one more, and the text becomes an attachment. */
const longestText = 4_095
/** Bytes of the JSON that a server takes; newer ones take more. */
const largest = 8_192
const longestTitle = 200
const longestLabel = 60
const longestLink = 1_000
const mostActions = 3

/**
 * ntfy: a notification. What can be decided is decided on our page.
 *
 * @see https://docs.ntfy.sh/publish/#publish-as-json
 */
export const ntfy = defineMessageProvider({
  title: 'ntfy',
  connection,
  headers: ({ token, username, password }): Record<string, string> => {
    if (token !== undefined) return { authorization: `Bearer ${token}` }
    if (username === undefined || password === undefined) return {}
    return {
      authorization: basicAuth(username, password),
    }
  },
  check: ({ http }) => http.get('v1/account'),
  channel: 'topic',

  checkMessage({ channel = '' }) {
    if (/^[-_A-Za-z0-9]{1,64}$/.test(channel)) return
    const message = 'is no topic: up to 64 letters, digits, - and _'
    throw new Failure('invalid', `input.channel ${message}`, { errors: [{ path: 'input.channel', message }] })
  },

  post: (client, topic = '', message) => publish(client, topic, message, { key: client.idempotencyKey }),

  async reply(client, { providerState: handle }, message) {
    const { topic, click } = handle as Handle
    await publish(client, topic, message, { click })
  },

  async replace(client, { providerState: handle }, message) {
    const { topic, key } = handle as Handle
    await publish(client, topic, message, { key })
  },
})

/** Apps show the newest of those with one key, where the server is of version 2.16 or newer; others take no notice of it. */
async function publish(
  { http }: Ntfy,
  topic: string,
  message: Message,
  { key, click }: { key?: string | undefined; click?: string | undefined },
): Promise<PostedMessage> {
  const links = [...approvalLink(message), ...webLinks(message.links)].filter(({ url }) => url.length <= longestLink)
  const led = links[0]?.url ?? click
  const title = plainSingleLine(message.title, longestTitle)
  const actions = links
    .slice(0, mostActions)
    .map(({ label, url }) => ({ action: 'view', label: plainSingleLine(label, longestLabel) || 'Open', url }))
  const content = (most: number) => {
    const text = plainTextBody(message, links.slice(mostActions), most)
    return {
      topic,
      // Without a text ntfy makes up one.
      ...(text === '' ? { message: title } : { title, message: text }),
      priority: priorities[message.mood],
      tags: [tags[message.mood]],
      ...(led === undefined ? {} : { click: led }),
      ...(actions.length > 0 ? { actions } : {}),
      ...(key === undefined ? {} : { sequence_id: key }),
    }
  }
  const tooMuch = byteLength(JSON.stringify(content(longestText))) - largest
  const { body } = await http.post('', content(longestText - Math.max(0, tooMuch)), { schema: published })
  return { id: body.id, providerState: { topic, key, click: led } satisfies Handle }
}
