import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'

interface Embed {
  title?: string
  description?: string
  color?: number
  fields?: { name: string; value: string; inline?: boolean }[]
}

interface Button {
  type: number
  style: number
  label: string
  custom_id: string
}

interface DiscordMessage {
  id: string
  channel_id: string
  embeds: Embed[]
  components: { type: number; components: Button[] }[]
  message_reference?: { message_id: string }
  nonce?: string
}

interface DiscordUser {
  username: string
  global_name: string | null
  roles: string[]
}

export interface DiscordServer extends Served {
  token: string
  publicKey: string
  messages: DiscordMessage[]
  /** By id. */
  users: Record<string, DiscordUser>
  /** Signs a request as Discord does. */
  sign(request: object, now?: number): { headers: Record<string, string>; body: string }
  /** Returns the request that Discord sends when a user presses a button of the newest message. */
  press(label: string, user: string): { headers: Record<string, string>; body: string }
}

export const channel = '41771983423143937'
/** A channel that the bot cannot view. */
export const hidden = '41771983423143938'
export const jane = '80351110224678912'
export const approverRole = '165511591545143296'
const server = '197038439483310086'
const MAX_CHARACTERS = 6_000
/** Discord sends the headers of a limit with most responses. This request is the last of its window. */
const LIMIT = {
  ...{ 'x-ratelimit-limit': '5', 'x-ratelimit-remaining': '0', 'x-ratelimit-bucket': 'abcd1234' },
  ...{ 'x-ratelimit-reset': '1470173023.123', 'x-ratelimit-reset-after': '1.25' },
}

/**
 * The part of Discord's API that posts messages, with the limits and errors of its documentation.
 *
 * @see https://docs.discord.com/developers/resources/message
 * @see https://docs.discord.com/developers/interactions/receiving-and-responding
 */
export async function startDiscord(): Promise<DiscordServer> {
  const token = 'MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.a-token-of-a-bot'
  const { publicKey: key, privateKey } = generateKeyPairSync('ed25519')
  const publicKey = Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex')
  const messages: DiscordMessage[] = []
  const users = { [jane]: { username: 'jane', global_name: 'Jane Doe', roles: [approverRole] } }
  const served = await serve((call) => {
    if (call.headers.authorization !== `Bot ${token}`) return refuse(401, 0, '401: Unauthorized')
    if (!/^DiscordBot \(https:\/\/\S+, [\d.]+\)/.test(call.headers['user-agent'] ?? ''))
      return refuse(403, 40333, 'internal network error')
    return { ...answer(call, { publicKey, messages, users }), headers: LIMIT }
  })
  const signed = (request: object, now?: number) => signRequest(privateKey, request, now)
  return {
    ...served,
    ...{ token, publicKey, messages, users, sign: signed },
    press(label, id) {
      const message = newestOf(messages)
      const button = message.components.flatMap(({ components }) => components).find((one) => one.label === label)
      const user = (users as Record<string, DiscordUser>)[id]
      if (!button || !user) throw new Error(`There is no button ${label} or no user ${id}`)
      const { roles, ...names } = user
      return signed({
        ...{ id: '846462639134605312', application_id: '845027738276462632', type: 3, version: 1 },
        ...{ token: 'a-token-of-this-interaction', guild_id: server, channel_id: channel, message },
        member: { user: { id, ...names }, roles, nick: null },
        data: { component_type: 2, custom_id: button.custom_id },
      })
    },
  }
}

function signRequest(key: KeyObject, request: object, now = Date.now()) {
  const body = JSON.stringify(request)
  const timestamp = String(Math.floor(now / 1_000))
  const signature = sign(null, Buffer.from(timestamp + body), key).toString('hex')
  return { body, headers: { 'x-signature-timestamp': timestamp, 'x-signature-ed25519': signature } }
}

function refuse(status: number, code: number, message: string, errors?: object): Reply {
  return { status, body: { code, message, ...(errors ? { errors } : {}) } }
}

function answer(
  { method, path, body }: Call,
  { publicKey, messages, users }: Pick<DiscordServer, 'publicKey' | 'messages' | 'users'>,
): Reply {
  const [kind, id = '', what, messageId] = path.split('/').slice(1)
  if (kind === 'applications' && id === '@me') return ok({ id: '845027738276462632', verify_key: publicKey })
  if (kind === 'users' && users[id]) return ok({ id, ...users[id] })
  if (kind === 'users') return refuse(404, 10013, 'Unknown User')
  if (kind !== 'channels') return refuse(404, 0, '404: Not Found')
  if (id === hidden) return refuse(403, 50001, 'Missing Access')
  if (id !== channel) return refuse(404, 10003, 'Unknown Channel')
  if (what === undefined) return ok({ id, guild_id: server, type: 0, name: 'deploys' })
  const given = body as Omit<DiscordMessage, 'id'> & { enforce_nonce?: boolean }
  const invalid = problemIn(given)
  if (invalid)
    return refuse(400, 50035, 'Invalid Form Body', { embeds: { _errors: [{ code: 'BASE_TYPE', message: invalid }] } })
  if (method === 'PATCH') {
    const message = messages.find((one) => one.id === messageId)
    if (!message) return refuse(404, 10008, 'Unknown Message')
    return ok(Object.assign(message, given))
  }
  const same = given.enforce_nonce && messages.find(({ nonce }) => nonce === given.nonce)
  if (same) return ok(same)
  const message = { ...given, id: `334385199974967${String(messages.length).padStart(3, '0')}`, channel_id: id }
  messages.push(message)
  return ok(message)
}

/** Returns why a message is refused. */
function problemIn({ embeds = [], components = [], nonce = '' }: Partial<DiscordMessage>): string | undefined {
  let total = 0
  const fits = (text: string | undefined, min: number, max: number) => {
    const { length } = (text ?? '').trim()
    total += length
    return text === undefined || (length >= min && text.length <= max)
  }
  const isValid = embeds.every(
    ({ title, description, fields = [] }) =>
      fits(title, 0, 256) &&
      fits(description, 0, 4_096) &&
      fields.length <= 25 &&
      fields.every(({ name, value }) => fits(name, 1, 256) && fits(value, 1, 1_024)),
  )
  if (!isValid || total === 0 || total > MAX_CHARACTERS) return 'The embed is empty or too long'
  const buttons = components.flatMap((row) => row.components)
  if (buttons.some(({ label, custom_id }) => !fits(label, 1, 80) || !fits(custom_id, 1, 100)))
    return 'Invalid component'
  return nonce.length > 25 ? 'Must be 25 or fewer in length.' : undefined
}
