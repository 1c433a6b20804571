import * as z from 'zod/mini'
import { hmacBase64, hmacHex } from '../../../shared/auth/hmac.ts'
import { headers, optional, secret, secretHeaders, url } from '../../../shared/fields.ts'
import { defineMessageProvider, type Message, type PostedMessage } from '../../../shared/providers/message.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { webLinks } from '../../../shared/text/plain-text.ts'

/** What Standard Webhooks writes before a key in base64. */
const keyPrefix = 'whsec_'
const isKey = (secret: string) =>
  !secret.startsWith(keyPrefix) || /^whsec_(?:[\w+/]{4})*(?:[\w+/]{4}|[\w+/]{3}=|[\w+/]{2}==)$/.test(secret)
/** What a request ends by, or goes to, is not a matter of headers. */
const ownHeaders = /^(?:host|connection|content-length|transfer-encoding|upgrade|expect|te|trailer)$/i
const isHeader = ([name, value]: [string, string]) =>
  /^[!#$%&'*+.^`|~\w-]+$/.test(name) && !ownHeaders.test(name) && /^[\t\x20-\x7e]*$/.test(value)
const onlyHeaders = z.refine<Record<string, string>>((given) => Object.entries(given).every(isHeader), {
  message: 'must be names and values of headers, and none that says where a request goes to or ends',
})

const connection = z.strictObject({
  baseUrl: url(
    'The URL that messages are posted to, as it is: nothing is added to it, and only its host is ever shown',
  ),
  secret: secret(
    'Signs each message: any text, or a key as Standard Webhooks writes it, whsec_ and base64; the receiver has the same',
  ).check(z.refine(isKey, { message: 'must be a key in base64 after whsec_' })),
  token: optional(secret('Bearer token, where the receiver asks for one')),
  headers: optional(
    headers('More headers; those with the name of a credential, such as X-Api-Key, are secret').check(onlyHeaders),
  ),
  secretHeaders: optional(
    secretHeaders('More headers that are secret, although their names do not say so').check(onlyHeaders),
  ),
})
type Endpoint = Client<z.output<typeof connection>>

/** What comes with a message. */
interface Envelope {
  type: 'notification' | 'approval' | 'reply' | 'decision' | 'ping'
  /** The same in a repeat. */
  id: string
  /** The id of the message that it belongs to. */
  about?: string
  message?: Message
}

/**
 * Any endpoint that takes JSON, signed as GitHub does and as Standard Webhooks does. The id of a message is made of its call:
 * so the receiver can tell what comes again, and takes it once.
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
      signatures(secret, headers[idHeader] ?? '', Math.floor(Date.now() / 1_000), body),
  }),
  check: (client) => send(client, { type: 'ping', id: crypto.randomUUID() }),
  channel: undefined,

  async post(client, _channel, message) {
    const { idempotencyKey: id = crypto.randomUUID() } = client
    await send(client, { type: message.buttons ? 'approval' : 'notification', id, message })
    return { id }
  },

  reply: (client, posted, message) => follow(client, 'reply', posted, message),
  replace: (client, posted, message) => follow(client, 'decision', posted, message),
})

const idHeader = 'webhook-id'

/** @param timestamp epoch seconds */
export function signatures(secret: string, id: string, timestamp: number, body: string): Record<string, string> {
  const key = secret.startsWith(keyPrefix) ? Buffer.from(secret.slice(keyPrefix.length), 'base64') : secret
  return {
    'x-hub-signature-256': `sha256=${hmacHex(secret, body)}`,
    [idHeader]: id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${hmacBase64(key, `${id}.${timestamp}.${body}`)}`,
  }
}

/** What follows a message has an id of its own, and the same one each time. */
function follow(
  client: Endpoint,
  type: Envelope['type'],
  { id: about = '' }: PostedMessage,
  message: Message,
): Promise<void> {
  const id = `${about}-${hmacHex(about, JSON.stringify([type, message])).slice(0, 16)}`
  return send(client, { type, id, about, message })
}

async function send({ http, connection }: Endpoint, { message, ...head }: Envelope): Promise<void> {
  const body = { ...head, timestamp: new Date().toISOString(), ...(message ? { message: neutral(message) } : {}) }
  const headers = { [idHeader]: head.id }
  await http.post(connection.baseUrl, body, { headers, urlAlias: 'the endpoint' })
}

/** Omits the token of each button: receivers only need the link. */
function neutral({ links, buttons, ...message }: Message): object {
  const open = buttons && webLinks(buttons).map(({ decision, label, url }) => ({ decision, label, url }))
  return { ...message, links: webLinks(links), ...(open ? { choices: open } : {}) }
}
