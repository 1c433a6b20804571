import { type Call, type Reply, type Served, serve } from '../../../infra/sandbox/platforms/loopback-server.ts'

interface Message extends Record<string, unknown> {
  id: string
  room: string
  permalink: string
}

export interface AcmeServer extends Served {
  token: string
  messages: Message[]
}

/**
 * Fake Acme with the room `releases`.
 *
 * @see https://acme.example.com/api/rooms
 */
export async function startAcme(): Promise<AcmeServer> {
  const token = 'acme-token-0123456789'
  const messages: Message[] = []
  const seen = new Map<string, Message>()
  const served = await serve((call) =>
    call.headers['authorization'] === `Bearer ${token}` ? answer(call, messages, seen) : refuse(401, 'invalid token'),
  )
  return { ...served, token, messages }
}

function answer({ path, headers, body }: Call, messages: Message[], seen: Map<string, Message>): Reply {
  if (path === '/me') return { status: 200, body: { name: 'robot' } }
  const room = /^\/rooms\/([^/]+)\/messages$/.exec(path)?.[1]
  if (room !== 'releases') return refuse(404, `unknown room ${room}`)
  const key = headers['idempotency-key']?.toString()
  const before = key === undefined ? undefined : seen.get(key)
  if (before) return { status: 200, body: before }
  const id = String(messages.length + 1)
  const message = { id, room, ...(body as object), permalink: `https://acme.example.com/messages/${id}` }
  messages.push(message)
  if (key !== undefined) seen.set(key, message)
  return { status: 201, body: message }
}

function refuse(status: number, message: string): Reply {
  return { status, body: { message } }
}
