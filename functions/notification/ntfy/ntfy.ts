import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
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
  baseUrl: url('https://ntfy.sh, or the URL of a self-hosted server'),
  token: optional(secret('Access token; none for public topics')),
  username: optional(word('User, instead of a token')),
  password: optional(secret('Password of the user')),
  channel: optional(name('Default topic: up to 64 letters, digits, - and _')),
})
type Ntfy = Client<z.output<typeof connection>>

const published = z.object({ id: z.string(), event: z.literal('message') })

/** Saved with a message, for replies and updates. */
interface NtfyState {
  topic: string
  key: string | undefined
  /** The link that the message opens. */
  click: string | undefined
}

/** Names of emojis. */
const TAGS: Record<Mood, string> = {
  good: 'white_check_mark',
  warning: 'warning',
  bad: 'x',
  neutral: 'information_source',
  waiting: 'hourglass_flowing_sand',
}
/** 3 is the default, 4 is high. */
const PRIORITIES: Record<Mood, number> = { good: 3, warning: 3, bad: 4, neutral: 3, waiting: 4 }

/** Bytes. ntfy turns a longer text into an attachment. */
const MAX_TEXT = 4_095
/** Bytes of the JSON body that all server versions accept. */
const MAX_BODY = 8_192
const MAX_TITLE = 200
const MAX_LABEL = 60
const MAX_LINK = 1_000
const MAX_ACTIONS = 3

/**
 * ntfy. Approvals link to the approval page.
 *
 * @see https://docs.ntfy.sh/publish/#publish-as-json
 */
export const ntfy = defineMessageProvider({
  title: 'ntfy',
  connection,
  headers: ({ token, username, password }): Record<string, string> => {
    if (token !== undefined) return { authorization: `Bearer ${token}` }
    if (username === undefined || password === undefined) return {}
    return { authorization: basicAuth(username, password) }
  },
  check: ({ http }) => http.get('v1/account'),
  channel: 'topic',

  checkMessage({ channel = '' }) {
    if (/^[-_A-Za-z0-9]{1,64}$/.test(channel)) return
    throw invalidInput('input.channel', 'must be a topic of up to 64 letters, digits, - and _')
  },

  showsOnce: 'as long as it keeps the message',
  keyNeeds: 'version 2.16',

  post: (client, topic = '', message) => publish(client, topic, message, { key: client.idempotencyKey }),

  async reply(client, { providerState }, message) {
    const { topic, click } = providerState as NtfyState
    await publish(client, topic, message, { click })
  },

  async replace(client, { providerState }, message) {
    const { topic, key } = providerState as NtfyState
    await publish(client, topic, message, { key })
  },
})

/** Publishes a message. From server version 2.16, apps only show the newest message with the same key. */
async function publish(
  { http }: Ntfy,
  topic: string,
  message: Message,
  { key, click }: { key?: string | undefined; click?: string | undefined },
): Promise<PostedMessage> {
  const links = [...approvalLink(message), ...webLinks(message.links)].filter(({ url }) => url.length <= MAX_LINK)
  const target = links[0]?.url ?? click
  const title = plainSingleLine(message.title, MAX_TITLE)
  const actions = links
    .slice(0, MAX_ACTIONS)
    .map(({ label, url }) => ({ action: 'view', label: plainSingleLine(label, MAX_LABEL) || 'Open', url }))
  const content = (maxText: number) => {
    const text = plainTextBody(message, links.slice(MAX_ACTIONS), maxText)
    return {
      topic,
      // Without a message, ntfy shows a default text.
      ...(text === '' ? { message: title } : { title, message: text }),
      priority: PRIORITIES[message.mood],
      tags: [TAGS[message.mood]],
      ...(target === undefined ? {} : { click: target }),
      ...(actions.length > 0 ? { actions } : {}),
      ...(key === undefined ? {} : { sequence_id: key }),
    }
  }
  const excess = byteLength(JSON.stringify(content(MAX_TEXT))) - MAX_BODY
  const { body } = await http.post('', content(MAX_TEXT - Math.max(0, excess)), { schema: published })
  return { id: body.id, providerState: { topic, key, click: target } satisfies NtfyState }
}
