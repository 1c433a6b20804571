import * as z from 'zod/mini'
import { validate } from '../../validate.ts'
import { defineSourceType, eventId, eventWord, type HeaderNames } from '../source-type.ts'

const attributes = z.object({ id: eventId, source: eventId, type: eventWord })

/** @see https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md */
export const cloudevents = defineSourceType({
  title: 'CloudEvents',
  token: ['bearer', 'query'],
  basic: true,
  body: z.record(z.string(), z.unknown()),
  read(body, headers) {
    const isStructured = /^application\/cloudevents/i.test(headers['content-type'] ?? '')
    const content = isStructured ? body : { ...attributesIn(headers), data: body }
    const root = isStructured ? 'body' : 'headers'
    const { id: event, source, type } = validate(attributes, content, { what: 'The CloudEvent', root })
    // An id is unique within its source only.
    return { event: type, content, delivery: `${source} ${event}` }
  },
  setup: [
    'Let the sender send events to {url}',
    {
      token: 'Header: Authorization: Bearer {secret}. A sender without headers: {url}?token={secret}',
      password: 'Basic authentication: user {user}, password {secret}',
    },
    'The data must be a JSON object. Batches are refused. The handshake with OPTIONS is answered.',
  ],
})

/** Returns the attributes of an event that is sent in the binary mode. */
function attributesIn(headers: HeaderNames): HeaderNames {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith('ce-') && value !== undefined ? [[name.slice('ce-'.length), decode(value)]] : [],
    ),
  )
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    // The sender has not encoded it.
    return value
  }
}
