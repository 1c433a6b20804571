import { definePlatform } from '../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../infra/testing/require-header.ts'

interface Message extends Record<string, unknown> {
  id: string
  room: string
  permalink: string
}

const TOKEN = 'acme-token-0123456789'

/**
 * Fake Acme with the room `releases`.
 *
 * @see https://acme.example.com/api/rooms
 */
export const startAcme = definePlatform({
  state: () => ({ messages: [] as Message[], byKey: new Map<string, Message>() }),
  refuses: requireHeader('authorization', `Bearer ${TOKEN}`, refuse(401, 'invalid token')),
  routes: {
    'GET /me': () => ({ name: 'robot' }),
    'POST /rooms/{room}/messages': ({ state: { messages, byKey }, params: { room }, headers, body }) => {
      if (room !== 'releases') return refuse(404, `unknown room ${room}`)
      const key = headers['idempotency-key']?.toString()
      const earlier = key === undefined ? undefined : byKey.get(key)
      if (earlier) return earlier
      const id = String(messages.length + 1)
      const message = { id, room, ...body, permalink: `https://acme.example.com/messages/${id}` }
      messages.push(message)
      if (key !== undefined) byKey.set(key, message)
      return { status: 201, body: message }
    },
  },
  notFound: ({ path }) => refuse(404, `unknown page ${path}`),
  members: ({ messages }) => ({ token: TOKEN, messages }),
})

/** The row of the conformance suite. @public */
export const messageRow = {
  writes: /^POST .*\/messages$/,
  async start() {
    const server = await startAcme()
    const connection = { baseUrl: server.url, token: server.token, channel: 'releases' }
    return { server, connection, made: () => server.messages.length }
  },
}

function refuse(status: number, message: string): Reply {
  return { status, body: { message } }
}
