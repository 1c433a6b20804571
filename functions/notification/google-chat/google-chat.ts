import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
import { name, optional, url } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineMessageProvider, type Message, type PostedMessage } from '../../../shared/providers/message.ts'
import { googleAuthorization, googleConnection } from '../../../shared/vendors/google.ts'
import { googleChatMessage } from './message.ts'

const connection = z.strictObject({
  baseUrl: z._default(url('URL of the API'), 'https://chat.googleapis.com'),
  ...googleConnection,
  channel: optional(name('Default space: its id, such as spaces/AAAAAAAAAAA')),
})
type Connection = z.output<typeof connection>

const posted = z.object({ name: z.string(), thread: z.optional(z.object({ name: z.string() })) })

/** Saved with a message, for replies and updates. */
interface ChatState {
  name: string
  thread: string | undefined
}

const SCOPE = 'https://www.googleapis.com/auth/chat.bot'
const SPACE = /^(?:spaces\/)?([\w-]{1,80})$/
const ALREADY_EXISTS = 409

/**
 * Google Chat, with the service account of a Chat app. Approvals link to the approval page.
 *
 * @see https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create
 */
export const googleChat = defineMessageProvider({
  title: 'Google Chat',
  connection,
  authorization: (connection: Connection, ca) => googleAuthorization(connection, ca, SCOPE),
  channel: 'space',
  // The id of a message makes a repeat fail instead of posting twice.
  hasIdempotentWrites: () => true,

  check: ({ http, connection: { channel } }) =>
    channel === undefined ? http.get('v1/spaces', { query: { pageSize: 1 } }) : http.get(pathOf(channel)),

  checkMessage({ channel = '' }) {
    if (!SPACE.test(channel))
      throw invalidInput('input.channel', 'must be the id of a space, such as spaces/AAAAAAAAAAA')
  },

  async post({ http, idempotencyKey }, channel = '', message) {
    if (idempotencyKey === undefined) return create(http, channel, message)
    return create(http, channel, message, `client-${idempotencyKey}`)
  },

  async reply({ http }, { providerState }, message) {
    const { name, thread } = providerState as ChatState
    const query = { messageReplyOption: 'REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD' }
    const content = { ...googleChatMessage(message), ...(thread === undefined ? {} : { thread: { name: thread } }) }
    await http.post(`${pathOf(partsOf(name).space)}/messages`, content, { query, schema: posted })
  },

  async replace({ http }, { providerState }, message) {
    const { space, id } = partsOf((providerState as ChatState).name)
    const query = { updateMask: 'cardsV2' }
    await http.patch(`${pathOf(space)}/messages/${segment(id)}`, googleChatMessage(message), { query, schema: posted })
  },
})

/** @param messageId the id of the message, which a space has once */
async function create(http: Http, channel: string, message: Message, messageId?: string): Promise<PostedMessage> {
  const path = `${pathOf(channel)}/messages`
  const content = googleChatMessage(message)
  if (messageId === undefined) return postedAt((await http.post(path, content, { schema: posted })).body)
  const query = { messageId, requestId: messageId }
  const { status, body } = await http.post(path, content, { query, accept: [ALREADY_EXISTS], schema: posted })
  if (status !== ALREADY_EXISTS) return postedAt(body)
  return postedAt((await http.get(`${path}/${segment(messageId)}`, { schema: posted })).body)
}

function pathOf(channel: string): string {
  return `v1/spaces/${segment(SPACE.exec(channel)?.[1] ?? channel)}`
}

/** Returns the parts of a name such as `spaces/AAAAAAAAAAA/messages/BBBB.CCCC`. */
function partsOf(name: string): { space: string; id: string } {
  const [, space = '', , id = ''] = name.split('/')
  return { space, id }
}

function postedAt({ name, thread }: z.output<typeof posted>): PostedMessage {
  const { space, id } = partsOf(name)
  const threadId = thread?.name.split('/').at(-1)
  return {
    id,
    url: `https://chat.google.com/room/${[space, threadId].filter(Boolean).join('/')}`,
    providerState: { name, thread: thread?.name } satisfies ChatState,
  }
}
