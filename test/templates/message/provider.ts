import * as z from 'zod/mini'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineMessageProvider, type Message } from '../../../shared/providers/message.ts'

/** Only the fields that we need. A response that does not match is the platform's fault and is retried. */
const posted = z.object({ id: z.string(), permalink: z.string() })

/**
 * Messages in rooms of Acme. People decide on our approval page.
 *
 * HTTP errors of the platform need no code. For other errors, throw `refused`, `retryLater` or `outcomeUnknown`.
 *
 * @see https://acme.example.com/api/rooms
 */
export const acme = defineMessageProvider({
  title: 'Acme',
  connection: z.strictObject({
    baseUrl: url('URL of the API: https://acme.example.com/api'),
    token: secret('API token that may write into rooms'),
    channel: optional(word('Default room')),
  }),
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  check: ({ http }) => http.get('me'),
  channel: 'room',

  // Acme ignores a second message with the same key.
  hasIdempotentWrites: () => true,

  async post({ http, idempotencyKey }, channel = '', message) {
    const headers: Record<string, string> = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }
    const { body } = await http.post(`rooms/${segment(channel)}/messages`, contentOf(message), {
      headers,
      schema: posted,
    })
    return { id: body.id, url: body.permalink }
  },
})

/** Returns the message as plain text with its most important link. */
function contentOf({ mood, title, text, fields, table, links, buttons }: Message) {
  const rows = table?.rows.map(({ cells }) => cells.join(', ')) ?? []
  const lines = [text, ...fields.map(({ name, value }) => `${name}: ${value}`), ...rows]
  return {
    title,
    text: lines.filter(Boolean).join('\n'),
    link: buttons?.[0]?.url ?? links[0]?.url,
    level: mood,
  }
}
