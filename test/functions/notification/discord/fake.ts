import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { type MessageRow, startWith } from '../../../conformance/row.ts'

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

const TOKEN = 'MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.a-token-of-a-bot'
export const channel = '41771983423143937'
/** A channel that the bot cannot view. */
export const hidden = '41771983423143938'
export const jane = '80351110224678912'
export const approverRole = '165511591545143296'
const server = '197038439483310086'
const MAX_CHARACTERS = 6_000

/**
 * The part of Discord's API that posts messages, with the limits and errors of its documentation.
 *
 * @see https://docs.discord.com/developers/resources/message
 * @see https://docs.discord.com/developers/interactions/receiving-and-responding
 */
export const startDiscord = definePlatform({
  state() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    return {
      publicKey: Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex'),
      privateKey,
      messages: [] as DiscordMessage[],
      /** Users by id. */
      users: {
        [jane]: { username: 'jane', global_name: 'Jane Doe', roles: [approverRole] },
      } as Record<string, DiscordUser>,
    }
  },
  // Most responses have the headers of a limit. This request is the last of its window.
  headers: {
    'x-ratelimit-limit': '5',
    'x-ratelimit-remaining': '0',
    'x-ratelimit-bucket': 'abcd1234',
    'x-ratelimit-reset': '1470173023.123',
    'x-ratelimit-reset-after': '1.25',
  },
  refuses({ path, headers }) {
    if (headers.authorization !== `Bot ${TOKEN}`) return refuse(401, 0, '401: Unauthorized')
    if (!/^DiscordBot \(https:\/\/\S+, [\d.]+\)/.test(headers['user-agent'] ?? ''))
      return refuse(403, 40333, 'internal network error')
    const [, kind, id] = path.split('/')
    if (kind !== 'channels' || id === channel) return undefined
    return id === hidden ? refuse(403, 50001, 'Missing Access') : refuse(404, 10003, 'Unknown Channel')
  },
  routes: {
    'GET /applications/@me': ({ state }) => ({ id: '845027738276462632', verify_key: state.publicKey }),
    'GET /users/{id}': ({ state, params: { id } }) => {
      const user = state.users[id]
      return user ? { id, ...user } : refuse(404, 10013, 'Unknown User')
    },
    'GET /channels/{id}': ({ params: { id } }) => ({ id, guild_id: server, type: 0, name: 'deploys' }),
    'POST /channels/{id}/messages': ({ state: { messages }, params, body }) => {
      const earlier = body.enforce_nonce && messages.find(({ nonce }) => nonce === body.nonce)
      const invalid = refuseInvalid(body)
      if (invalid || earlier) return invalid ?? earlier
      const id = `334385199974967${String(messages.length).padStart(3, '0')}`
      messages.push({ ...body, id, channel_id: params.id })
      return newestOf(messages)
    },
    'PATCH /channels/{id}/messages/{message}': ({ state, params, body }) => {
      const invalid = refuseInvalid(body)
      if (invalid) return invalid
      const message = state.messages.find(({ id }) => id === params.message)
      return message ? Object.assign(message, body) : refuse(404, 10008, 'Unknown Message')
    },
  },
  notFound: refuse(404, 0, '404: Not Found'),
  members: ({ publicKey, privateKey, messages, users }) => ({
    token: TOKEN,
    publicKey,
    messages,
    users,
    /** Signs a request as Discord does. */
    sign: (request: object, now?: number) => signRequest(privateKey, request, now),
    /** Returns the request that Discord sends when a user presses a button of the newest message. */
    press(label: string, id: string) {
      const message = newestOf(messages)
      const buttons = message.components.flatMap(({ components }) => components)
      const button = buttons.find((button) => button.label === label)
      const user = users[id]
      if (!button || !user) throw new Error(`There is no button ${label} or no user ${id}`)
      const { roles, ...names } = user
      return signRequest(privateKey, {
        id: '846462639134605312',
        application_id: '845027738276462632',
        type: 3,
        version: 1,
        token: 'a-token-of-this-interaction',
        guild_id: server,
        channel_id: channel,
        message,
        member: { user: { id, ...names }, roles, nick: null },
        data: { component_type: 2, custom_id: button.custom_id },
      })
    },
  }),
})

function signRequest(key: KeyObject, request: object, now = Date.now()) {
  const body = JSON.stringify(request)
  const timestamp = String(Math.floor(now / 1_000))
  const signature = sign(null, Buffer.from(timestamp + body), key).toString('hex')
  return { body, headers: { 'x-signature-timestamp': timestamp, 'x-signature-ed25519': signature } }
}

function refuse(status: number, code: number, message: string, errors?: object): Reply {
  return { status, body: { code, message, errors } }
}

function refuseInvalid(message: Partial<DiscordMessage>): Reply | undefined {
  const problem = problemIn(message)
  if (problem === undefined) return undefined
  return refuse(400, 50035, 'Invalid Form Body', { embeds: { _errors: [{ code: 'BASE_TYPE', message: problem }] } })
}

/** Returns the reason for the refusal of a message. */
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

export const messageRow = {
  writes: /^POST .*\/messages$/,
  start: startWith(startDiscord, ({ url: baseUrl, token }) => ({ connection: { baseUrl, token, channel } })),
} satisfies MessageRow
