import * as z from 'zod/mini'
import { optional } from '../../fields.ts'
import { defineMessageProvider } from '../../shapes/message.ts'
import { callField, make } from './call.ts'
import { connectionOf, httpApi } from './connection.ts'
import { expression, findText } from './expression.ts'

const connection = connectionOf({
  post: callField('Posts message: mood, title, text, fields, table, links, choices (each with its url)'),
  posted: optional(
    z.strictObject({
      id: optional(expression('Its id, in what "at" finds')),
      url: optional(expression('Where people see it')),
    }),
  ),
})

/** Messages to any API: what is sent, and where in the answer things are, stands in the connection. */
export const httpMessage = defineMessageProvider({
  title: 'HTTP API',
  connection,
  ...httpApi,
  channel: undefined,

  async post(client, _channel, message) {
    const { connection, key } = client
    const answer = await make(client, connection.post, { input: {}, message, key }, { name: 'post' })
    const { id, url } = connection.posted ?? {}
    return { id: findText(id, answer, 'posted.id'), url: findText(url, answer, 'posted.url') }
  },
})
