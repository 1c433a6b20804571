import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../../infra/testing/loopback-server.ts'
import { type MessageRow, startWith } from '../../../conformance/row.ts'
import { googleError, googleLogin } from '../../../platforms/google-login.ts'

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

export type GoogleChatServer = Awaited<ReturnType<typeof startGoogleChat>>

export const space = 'spaces/AAAAtN0IHSw'
const MAX_BYTES = 32_000
const NOT_FOUND = googleError(404, 'NOT_FOUND', 'Message not found.')
const TOO_LARGE = googleError(400, 'INVALID_ARGUMENT', 'Message cannot be larger than 32,000 bytes.')

/**
 * A fake of the part of the API of Google Chat that posts messages to one space. Its limits and errors come from the
 * documentation.
 *
 * @see https://developers.google.com/workspace/chat/api/reference/rest
 */
export const startGoogleChat = definePlatform({
  base: '/v1',
  state: () => ({ login: googleLogin('https://www.googleapis.com/auth/chat.bot'), messages: [] as ChatMessage[] }),
  refuses: (call, { login }) =>
    login.answer(call) ?? (Buffer.byteLength(call.text) > MAX_BYTES ? TOO_LARGE : undefined),
  routes: {
    'GET /spaces': () => ({ spaces: [{ name: space }] }),
    'GET /spaces/AAAAtN0IHSw': () => ({ name: space, spaceType: 'SPACE' }),
    'POST /spaces/AAAAtN0IHSw/messages': ({ state, query, body }) =>
      create(state.messages, body, query.get('messageId')),
    'GET /spaces/AAAAtN0IHSw/messages/{id}': ({ state, params }) => find(state.messages, params.id) ?? NOT_FOUND,
    'PATCH /spaces/AAAAtN0IHSw/messages/{id}': ({ state, params, body }) => {
      const message = find(state.messages, params.id)
      return message ? Object.assign(message, { cardsV2: body.cardsV2 }) : NOT_FOUND
    },
  },
  notFound: googleError(403, 'PERMISSION_DENIED', 'The app is not in the space.'),
  members: (state) => state,
})

function find(messages: ChatMessage[], id: string): ChatMessage | undefined {
  return messages.find(
    ({ name, clientAssignedMessageId }) => clientAssignedMessageId === id || name === `${space}/messages/${id}`,
  )
}

function create(messages: ChatMessage[], input: Partial<ChatMessage>, id: string | null): ChatMessage | Reply {
  if (id !== null && !/^client-[a-z0-9-]{1,56}$/.test(id))
    return googleError(400, 'INVALID_ARGUMENT', 'The message id is invalid.')
  if (id !== null && find(messages, id)) return googleError(409, 'ALREADY_EXISTS', 'Message already exists.')
  const key = `UBHHVc_AAA${messages.length}`
  const message = {
    fallbackText: '',
    cardsV2: [],
    thread: { name: `${space}/threads/${key}` },
    ...input,
    name: `${space}/messages/${key}.${key}`,
    ...(id === null ? {} : { clientAssignedMessageId: id }),
  }
  messages.push(message)
  return message
}

export const messageRow = {
  writes: /^POST .*\/messages$/,
  repeatable: 'the id of a message is derived from the key',
  start: startWith(startGoogleChat, ({ url: baseUrl, login, messages }) => ({
    connection: { baseUrl, token: login.token, channel: space },
    made: () => messages.length,
  })),
} satisfies MessageRow
