import * as z from 'zod/mini'
import { parseCompactButton } from '../../../shared/approvals/compact-token.ts'
import { hasSignature } from '../../../shared/auth/ed25519.ts'
import { Failure } from '../../../shared/errors.ts'
import { segment } from '../../../shared/http/segment.ts'
import type { ButtonRequest, Buttons } from '../../../shared/providers/message.ts'
import { plainSingleLine } from '../../../shared/text/plain-text.ts'
import { type discordConnection, ID, PUBLIC_KEY } from './connection.ts'
import { escapeMarkdown } from './message.ts'

const user = z.object({ id: z.string(), username: z.string(), global_name: z.nullish(z.string()) })
const interaction = z.object({ type: z.number() })
const buttonPress = z.object({
  // In a server. Discord sends the person of a direct message as `user`.
  member: z.optional(z.object({ user, nick: z.nullish(z.string()), roles: z.array(z.string()) })),
  user: z.optional(user),
  data: z.object({ custom_id: z.string() }),
})
const userWithId = z.object({ id: z.string() })

/** Types of requests and of responses. */
const PING = 1
const BUTTON_PRESS = 3
const PONG = 1
const NEW_MESSAGE = 4
const CHANGED_MESSAGE = 7
/** Only the person sees the message. */
const EPHEMERAL = 64
const MAX_REPLY = 1_500

/** An old request may have been recorded. */
const MAX_CLOCK_DIFFERENCE_SECONDS = 300

/** The person who pressed a button. */
interface Responder {
  id: string
  username: string
  name: string
  roles: string[]
}

/**
 * Approval buttons. Discord signs each request with the key of the application and names the person and their roles in it.
 *
 * @see https://docs.discord.com/developers/interactions/overview#preparing-for-interactions
 */
export const discordButtons: Buttons<typeof discordConnection> = {
  // Discord tests the URL with valid and with forged signatures. It contains the public key, because there is no approval yet.
  acceptTest(request, [publicKey = '']) {
    refuseUnsigned(request)
    if (interaction.safeParse(parseJson(request.body)).data?.type !== PING) return undefined
    if (!PUBLIC_KEY.test(publicKey))
      throw new Failure(
        'unauthenticated',
        'The interactions endpoint URL of the application must end with its public key.',
      )
    refuseForged(publicKey, request)
    return { type: PONG }
  },

  readToken(request) {
    refuseUnsigned(request)
    return parseButtonPress(request.body)?.token
  },

  async verify({ publicKey }, request) {
    if (!publicKey)
      throw new Failure(
        'unauthenticated',
        'The connection has no publicKey, so requests of Discord cannot be verified.',
      )
    refuseForged(publicKey, request)
    const press = parseButtonPress(request.body)
    if (!press) throw new Failure('invalid', 'Unknown button payload.')
    return press
  },

  async getPerson(_client, { responder }) {
    const { id, username, name, roles } = responder as Responder
    // A user name can be changed, and can have the form of an id.
    return { name, names: [id, ...roles], ambiguousName: username }
  },

  approverIds: { format: 'ids of users or roles, such as 80351110224678912', pattern: ID },
  memberNameFormat: 'the id of a user, such as 80351110224678912',
  isMemberName: (text) => ID.test(text),
  async findMemberId({ http }, id) {
    const { status, body } = await http.get(`users/${segment(id)}`, { schema: userWithId, accept: [403, 404] })
    return status === 200 ? body.id : undefined
  },

  async replyTo(_client, _response, text) {
    const content = escapeMarkdown(plainSingleLine(text, MAX_REPLY / 2))
    return { type: NEW_MESSAGE, data: { content, flags: EPHEMERAL, allowed_mentions: { parse: [] } } }
  },

  // Removes the buttons at once. The task then replaces the message.
  confirm: () => ({ type: CHANGED_MESSAGE, data: { components: [] } }),
}

function parseButtonPress(body: string) {
  const json = parseJson(body)
  const press = interaction.safeParse(json).data?.type === BUTTON_PRESS ? buttonPress.safeParse(json).data : undefined
  const button = press && parseCompactButton(press.data.custom_id)
  const person = press?.member?.user ?? press?.user
  if (!button || !person) return undefined
  const { id, username, global_name } = person
  const { nick, roles = [] } = press.member ?? {}
  return { ...button, responder: { id, username, name: nick || global_name || username, roles } satisfies Responder }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not a request of Discord.
    return undefined
  }
}

/** @throws Failure `unauthenticated` */
function refuseForged(publicKey: string, request: ButtonRequest): void {
  const { timestamp, signature } = refuseUnsigned(request)
  if (!hasSignature(publicKey, `${timestamp}${request.body}`, signature))
    throw new Failure('unauthenticated', 'Invalid Discord signature.')
}

/**
 * Checks the format of the signature and the age of the request, for which no key is needed.
 *
 * @throws Failure `unauthenticated`
 */
function refuseUnsigned({ headers, now }: ButtonRequest): { timestamp: string; signature: string } {
  const { 'x-signature-timestamp': timestamp = '', 'x-signature-ed25519': signature = '' } = headers
  if (!/^[0-9a-f]{128}$/.test(signature)) throw new Failure('unauthenticated', 'Invalid Discord signature.')
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now / 1_000 - Number(timestamp)) > MAX_CLOCK_DIFFERENCE_SECONDS)
    throw new Failure('unauthenticated', 'The timestamp is outside the 5-minute window. Press the button again.')
  return { timestamp, signature }
}
