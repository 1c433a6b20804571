import * as z from 'zod/mini'
import { optional } from '../../fields.ts'
import { defineMessageProvider } from '../../shapes/message.ts'
import { connectionOf, httpApi, namesOf } from './connection.ts'
import { expression, findText } from './expression.ts'
import { create, createField } from './request.ts'

const connection = connectionOf({
  post: createField('Posts message: mood, title, text, fields, table, links, choices (each with its url)'),
  posted: optional(
    z.strictObject({
      id: optional(expression('Its id in the response: response.id')),
      url: optional(expression('Where people see it')),
    }),
  ),
})

/** Messages to any API: the connection describes the request and where the values are in its response. */
export const httpMessage = defineMessageProvider({
  title: 'HTTP API',
  connection,
  ...httpApi,
  channel: undefined,

  async post(client, _channel, message) {
    const { post, posted } = client.connection
    const names = { ...namesOf(client, {}), message }
    const { response } = await create(client, post, names, 'post')
    const text = (name: 'id' | 'url') => findText(posted?.[name], { ...names, response }, `posted.${name}`)
    return { id: text('id'), url: text('url') }
  },
})
