import * as z from 'zod/mini'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineMessageProvider, type Message } from '../../../shared/providers/message.ts'

/** As much of an answer as we need; another shape is a fault of the platform, which is retried. */
const posted = z.object({ id: z.string(), permalink: z.string() })

/**
 * Acme: messages in its rooms. What can be decided is decided on our page.
 *
 * @see https://acme.example.com/api/rooms
 */
export const acme = defineMessageProvider({
  title: 'Acme',
  connection: z.strictObject({
    baseUrl: url('Where the API of Acme is: https://acme.example.com/api'),
    token: secret('A token that may write into rooms'),
    channel: optional(word('Default room')),
  }),
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  check: ({ http }) => http.get('me'),
  channel: 'room',

  // A message with a key that Acme has seen is the same message: so a repeat shows nothing twice.
  async post({ http, idempotencyKey: key }, channel = '', message) {
    const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key }
    // Whatever a room is called, it stays one part of the path.
    const { body } = await http.post(`rooms/${segment(channel)}/messages`, contentOf(message), {
      headers,
      schema: posted,
    })
    return { id: body.id, url: body.permalink }
  },
})

/** What people read: all of it as plain text, and the link that they are most likely to follow. */
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
