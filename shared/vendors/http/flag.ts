import * as z from 'zod/mini'
import { optional, word } from '../../fields.ts'
import { defineFlagProvider } from '../../providers/flag.ts'
import { connectionOf, fieldNamesOf, httpApi } from './connection.ts'
import { requireBoolean } from './expression.ts'
import { expression } from './expression-field.ts'
import { requestNames, responseNames } from './names.ts'
import { optionalNumber, optionalText } from './optional.ts'
import { read, write } from './request.ts'
import { readField, writeField } from './request-fields.ts'

const FLAG = ['project', 'environment', 'flag']

const connection = connectionOf({
  environment: optional(word('Default environment')),
  project: optional(word('Default project')),
  get: readField('Reads the flag input.flag in input.environment', requestNames(FLAG)),
  set: writeField(
    'Sets the flag input.flag in input.environment: input.on, input.percentage, input.comment',
    requestNames([...FLAG, 'on', 'percentage', 'comment']),
  ),
  flag: z.strictObject({
    on: expression('Whether the flag is on, in the response of get: response.enabled', responseNames),
    percentage: optional(expression('Percentage of users who get the flag when it is on, 0 to 100', responseNames)),
    url: optional(expression('Link to the flag, for people', responseNames)),
  }),
})

/** Reads and sets flags with any HTTP API. The connection describes the requests and their responses. */
export const httpFlag = defineFlagProvider({
  title: 'HTTP API',
  connection,
  ...httpApi,
  project: { pattern: /^.{1,255}$/, example: 'shop', optional: true },

  async get(client, location, flag) {
    const { get, flag: fields } = client.connection
    const found = await read(client, get, fieldNamesOf(client, { ...location, flag }), 'get')
    return {
      on: requireBoolean(fields.on, found, 'flag.on'),
      percentage: optionalNumber(client, fields.percentage, found, 'flag.percentage'),
      url: optionalText(client, fields.url, found, 'flag.url'),
    }
  },

  async set(client, location, changes, comment) {
    // The API has no request for several flags.
    for (const change of changes)
      await write(client, client.connection.set, fieldNamesOf(client, { ...location, ...change, comment }), 'set')
    return undefined
  },
})
