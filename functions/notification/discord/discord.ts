import * as z from 'zod/mini'
import { Failure, invalidInput } from '../../../shared/errors.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineMessageProvider, type PostedMessage } from '../../../shared/providers/message.ts'
import { isRecord } from '../../../shared/record.ts'
import { plainSingleLine } from '../../../shared/text/plain-text.ts'
import { discordButtons } from './buttons.ts'
import { discordConnection, ID } from './connection.ts'
import { discordMessage } from './message.ts'

const application = z.object({ id: z.string(), verify_key: z.string() })
const channelInfo = z.object({ id: z.string(), guild_id: z.optional(z.string()) })
const sent = z.object({ id: z.string(), channel_id: z.string() })
const refusal = z.object({ code: z.number(), message: z.string(), errors: z.optional(z.unknown()) })

/** Saved with a message, for replies and updates. */
interface DiscordState {
  channel: string
}

/** Advice for errors. */
const HINTS: Record<number, string> = {
  10003: 'check the id of the channel',
  50001: 'let the bot view the channel',
  50013: 'the bot needs the permissions Send Messages and Embed Links in the channel',
}
/** Discord returns the message that exists for the same nonce, for some minutes. */
const MAX_NONCE = 25

/**
 * Discord, with the bot of an application.
 *
 * @see https://docs.discord.com/developers/resources/message#create-message
 */
export const discord = defineMessageProvider({
  title: 'Discord',
  connection: discordConnection,
  channel: 'channel, by its id',
  headers: ({ token }) => ({
    authorization: `Bot ${token}`,
    // Discord blocks others.
    'user-agent': 'DiscordBot (https://www.npmjs.com/package/cloud-automation-webhooks, 1)',
  }),
  errorReason,
  buttons: discordButtons,

  async check({ http, connection: { publicKey, channel } }) {
    const { body } = await http.get('applications/@me', { schema: application })
    if (publicKey !== undefined && publicKey !== body.verify_key)
      throw new Failure(
        'misconfigured',
        'publicKey is not the public key of the application to which the token belongs. Copy it from General Information.',
      )
    if (channel !== undefined) await http.get(`channels/${segment(channel)}`, { schema: channelInfo })
  },

  checkMessage({ channel = '', needsApproval }, { publicKey }) {
    if (!ID.test(channel)) throw invalidInput('input.channel', 'must be the id of a channel, such as 41771983423143937')
    if (needsApproval && publicKey === undefined)
      throw new Failure(
        'misconfigured',
        'Approvals need the public key of the Discord application. Add publicKey to the connection.',
      )
  },

  showsOnce: 'some minutes',

  async post({ http, idempotencyKey }, channel = '', message) {
    const nonce = idempotencyKey?.slice(0, MAX_NONCE)
    const once = nonce === undefined ? {} : { nonce, enforce_nonce: true }
    const { body } = await http.post(messagesOf(channel), { ...discordMessage(message), ...once }, { schema: sent })
    const { id, channel_id } = body
    const posted: PostedMessage = { id, providerState: { channel: channel_id } satisfies DiscordState }
    const url = await linkTo(http, channel_id, id)
    return url === undefined ? posted : { ...posted, url }
  },

  async reply({ http }, { id, providerState }, message) {
    const { channel } = providerState as DiscordState
    const message_reference = { message_id: id, fail_if_not_exists: false }
    await http.post(messagesOf(channel), { ...discordMessage(message), message_reference }, { schema: sent })
  },

  async replace({ http }, { id = '', providerState }, message) {
    const { channel } = providerState as DiscordState
    await http.patch(`${messagesOf(channel)}/${segment(id)}`, discordMessage(message), { schema: sent })
  },
})

function messagesOf(channel: string): string {
  return `channels/${segment(channel)}/messages`
}

/** @returns undefined if the server is not known */
async function linkTo(http: Http, channel: string, id: string): Promise<string | undefined> {
  try {
    const { body } = await http.get(`channels/${segment(channel)}`, { schema: channelInfo })
    return `https://discord.com/channels/${body.guild_id ?? '@me'}/${channel}/${id}`
  } catch (error) {
    // The message was posted. Do not post it again because its link is missing.
    if (error instanceof Failure) return undefined
    throw error
  }
}

/** Returns the reason, such as `Missing Access: let the bot view the channel`. */
function errorReason(body: unknown): string | undefined {
  const refused = refusal.safeParse(body)
  if (!refused.success) return undefined
  const { code, message, errors } = refused.data
  return plainSingleLine([message, HINTS[code], ...fieldErrors(errors)].filter(Boolean).join(': '), 500)
}

/** Returns the messages of nested errors. */
function fieldErrors(errors: unknown): string[] {
  if (!isRecord(errors)) return []
  return Object.entries(errors).flatMap(([name, value]) =>
    name === '_errors' && Array.isArray(value)
      ? value.flatMap((item) => (isRecord(item) && typeof item['message'] === 'string' ? [item['message']] : []))
      : fieldErrors(value),
  )
}
