import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'
import { type GoogleLogin, googleError, googleLogin } from './google-login.ts'

interface Widget {
  textParagraph?: { text: string }
  decoratedText?: { topLabel: string; text: string }
  buttonList?: { buttons: { text: string; onClick: { openLink: { url: string } } }[] }
}

interface ChatMessage {
  name: string
  clientAssignedMessageId?: string
  fallbackText: string
  thread: { name: string }
  cardsV2: { cardId: string; card: { header: { title: string }; sections?: { widgets: Widget[] }[] } }[]
}

export interface GoogleChatServer extends Served {
  login: GoogleLogin
  messages: ChatMessage[]
}

export const space = 'spaces/AAAAtN0IHSw'
const MAX_BYTES = 32_000

/**
 * The part of the API of Google Chat that posts messages to one space, with the limits and errors of its documentation.
 *
 * @see https://developers.google.com/workspace/chat/api/reference/rest
 */
export async function startGoogleChat(): Promise<GoogleChatServer> {
  const login = googleLogin('https://www.googleapis.com/auth/chat.bot')
  const messages: ChatMessage[] = []
  const served = await serve((call) => login.answer(call) ?? answer(messages, call))
  return { ...served, login, messages }
}

function answer(messages: ChatMessage[], { method, path, query, body, text }: Call): Reply {
  if (path === '/v1/spaces') return ok({ spaces: [{ name: space }] })
  if (!path.startsWith(`/v1/${space}`)) return googleError(403, 'PERMISSION_DENIED', 'The app is not in the space.')
  const [, id] = /\/messages\/([^/]+)$/.exec(path) ?? []
  if (!path.includes('/messages')) return ok({ name: space, spaceType: 'SPACE' })
  const found = messages.find(
    ({ name, clientAssignedMessageId }) => clientAssignedMessageId === id || name === `${space}/messages/${id}`,
  )
  if (id !== undefined && !found) return googleError(404, 'NOT_FOUND', 'Message not found.')
  if (method === 'GET') return ok(found)
  if (Buffer.byteLength(text) > MAX_BYTES)
    return googleError(400, 'INVALID_ARGUMENT', 'Message cannot be larger than 32,000 bytes.')
  const given = body as Partial<ChatMessage>
  if (method === 'PATCH' && found) return ok(Object.assign(found, { cardsV2: given.cardsV2 }))
  const messageId = query.get('messageId')
  if (messageId !== null && !/^client-[a-z0-9-]{1,56}$/.test(messageId))
    return googleError(400, 'INVALID_ARGUMENT', 'The message id is invalid.')
  if (messageId !== null && messages.some(({ clientAssignedMessageId }) => clientAssignedMessageId === messageId))
    return googleError(409, 'ALREADY_EXISTS', 'Message already exists.')
  return ok(create(messages, given, messageId))
}

function create(messages: ChatMessage[], { thread, ...given }: Partial<ChatMessage>, id: string | null): ChatMessage {
  const key = `UBHHVc_AAA${messages.length}`
  const message = {
    ...{ fallbackText: '', cardsV2: [], ...given },
    name: `${space}/messages/${key}.${key}`,
    thread: thread ?? { name: `${space}/threads/${key}` },
    ...(id === null ? {} : { clientAssignedMessageId: id }),
  }
  messages.push(message)
  return message
}
