import * as z from 'zod/mini'
import { headers, optional, secret, secretHeaders, url } from '../../../shared/fields.ts'
import { hmacBase64, hmacHex } from '../../../shared/hmac.ts'
import { defineMessageProvider, type Message, type PostedMessage } from '../../../shared/providers/message.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { webLinks } from '../../../shared/text/plain-text.ts'

/** The prefix of a base64 key in Standard Webhooks. */
const KEY_PREFIX = 'whsec_'
const isKey = (secret: string) =>
  !secret.startsWith(KEY_PREFIX) || /^whsec_(?:[\w+/]{4})*(?:[\w+/]{4}|[\w+/]{3}=|[\w+/]{2}==)$/.test(secret)
/** Headers that would change the target or the length of a request. */
const RESERVED_HEADERS = /^(?:host|connection|content-length|transfer-encoding|upgrade|expect|te|trailer)$/i
const isHeader = ([name, value]: [string, string]) =>
  /^[!#$%&'*+.^`|~\w-]+$/.test(name) && !RESERVED_HEADERS.test(name) && /^[\t\x20-\x7e]*$/.test(value)
const onlyHeaders = z.refine<Record<string, string>>((headers) => Object.entries(headers).every(isHeader), {
  message: 'must be valid header names and values, except headers such as Host and Content-Length',
})

const connection = z.strictObject({
  baseUrl: url(
    'Complete URL for messages, with its query. Logs and errors only show its host, because such URLs are often credentials',
  ),
  secret: secret(
    'Shared secret that signs each message: any text, or a Standard Webhooks key (whsec_ and base64)',
  ).check(z.refine(isKey, { message: 'must be a key in base64 after whsec_' })),
  token: optional(secret('Bearer token, if the receiver requires one')),
  headers: optional(
    headers(
      'More headers. A value is secret, and has at least 6 characters, if the name contains auth, cookie, credential, key, passw, secret, session, signature or token',
    ).check(onlyHeaders),
  ),
  secretHeaders: optional(secretHeaders('More headers with secret values').check(onlyHeaders)),
})
type Endpoint = Client<z.output<typeof connection>>

/** The properties in addition to the message. */
interface Envelope {
  type: 'notification' | 'approval' | 'reply' | 'decision' | 'ping'
  /** The same in a retry. */
  id: string
  /** The id of the first message. */
  about?: string
  message?: Message
}

/**
 * Posts JSON to any endpoint, with the signatures of GitHub and of Standard Webhooks. The id of a message is the idempotency
 * key, so that the receiver can ignore duplicates.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
export const webhook = defineMessageProvider({
  title: 'Webhook',
  connection,
  baseUrl: ({ baseUrl }) => new URL(baseUrl).origin,
  headers: ({ token, headers, secretHeaders }) => ({
    ...headers,
    ...secretHeaders,
    ...(token ? { authorization: `Bearer ${token}` } : {}),
  }),
  authorization: ({ secret }) => ({
    headers: async ({ headers, body = '' }) =>
      signatures(secret, headers[ID_HEADER] ?? '', Math.floor(Date.now() / 1_000), body),
  }),
  check: (client) => send(client, { type: 'ping', id: crypto.randomUUID() }),
  channel: undefined,
  maxRequest: 60_000,

  showsOnce: 'as long as the receiver remembers the header `webhook-id`',

  async post(client, _channel, message) {
    const { idempotencyKey: id = crypto.randomUUID() } = client
    await send(client, { type: message.buttons ? 'approval' : 'notification', id, message })
    return { id }
  },

  reply: (client, posted, message) => sendFollowUp(client, 'reply', posted, message),
  replace: (client, posted, message) => sendFollowUp(client, 'decision', posted, message),
})

const ID_HEADER = 'webhook-id'

/** @param timestamp epoch seconds */
export function signatures(secret: string, id: string, timestamp: number, body: string): Record<string, string> {
  const key = secret.startsWith(KEY_PREFIX) ? Buffer.from(secret.slice(KEY_PREFIX.length), 'base64') : secret
  return {
    'x-hub-signature-256': `sha256=${hmacHex(secret, body)}`,
    [ID_HEADER]: id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${hmacBase64(key, `${id}.${timestamp}.${body}`)}`,
  }
}

/** Sends a message about an earlier one. Its id is derived from the content, so that a retry has the same id. */
function sendFollowUp(
  client: Endpoint,
  type: Envelope['type'],
  { id: about = '' }: PostedMessage,
  message: Message,
): Promise<void> {
  const id = `${about}-${hmacHex(about, JSON.stringify([type, message])).slice(0, 16)}`
  return send(client, { type, id, about, message })
}

async function send({ http, connection }: Endpoint, { message, ...head }: Envelope): Promise<void> {
  const body = {
    ...head,
    timestamp: new Date().toISOString(),
    ...(message ? { message: toPublicMessage(message) } : {}),
  }
  const headers = { [ID_HEADER]: head.id }
  await http.post(connection.baseUrl, body, { headers, urlAlias: 'the endpoint' })
}

/** Omits the token of each button, because receivers only need the link. */
function toPublicMessage({ links, buttons, ...message }: Message): object {
  const choices = buttons && webLinks(buttons).map(({ decision, label, url }) => ({ decision, label, url }))
  return { ...message, links: webLinks(links), ...(choices ? { choices } : {}) }
}
